"""The conversation with a mail server, and what its answers mean."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from typing import Any

from orchestrator.errors import (
    FlowError,
    InfrastructureError,
    OrchestratorError,
)
from orchestrator.model import context
from orchestrator.model.signals import FAIL
from orchestrator.secrets import Secret, masker, resolve
from tasks.interrupts import interruptible
from tasks.reports.message import Envelope, too_large
from tasks.tls import trusted

_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class MailUnavailableError(InfrastructureError):
    """Raised when a mail may be sent later: the server is not there, or says so (4xx).

    Attributes:
        code: Of its answer, for ``retry_on``.
    """

    code: str | None = None


class MailRefusedError(OrchestratorError):
    """Raised when a mail server refuses for good: who signs in, an address, the mail.

    Attributes:
        code: Of its answer, for ``retry_on``.
    """

    code: str | None = None


@dataclass(frozen=True)
class Server:
    """A mail server and who signs in; secrets are fetched when it is called.

    Args:
        host: Its name.
        port: Its port; by ``security`` if left out.
        security: ``starttls``, ``tls`` or ``none``.
        user: Who signs in.
        password: With what.
        verify: Path of the certificates that are trusted.
        timeout: Seconds for each step.
    """

    host: str
    port: int | None = None
    security: str = "starttls"
    user: str | Secret | None = None
    password: str | Secret | None = None
    verify: str | None = None
    timeout: float = 30.0

    def __post_init__(self) -> None:
        if self.security not in _PORTS:
            raise FlowError(
                f"a mail server has no security {self.security!r}",
                fix=f"one of {', '.join(_PORTS)}",
            )
        if self.password is not None and self.security == "none":
            raise FlowError(
                "a password would be sent for all to read", fix='give security="starttls" or "tls"'
            )

    def __str__(self) -> str:
        return f"{masker().mask(self.host)}:{self.port or _PORTS[self.security]}"

    def __repr__(self) -> str:
        return f"<Server {self}>"


def send(server: Server, envelope: Envelope, mail: EmailMessage, max_bytes: int) -> int:
    """Send a mail, and return its size.

    Raises:
        MailUnavailableError: It may be sent later.
        MailRefusedError: It will not be.
        FlowError: It is too large.
    """
    content = mail.as_bytes(policy=SMTP)
    if len(content) > max_bytes:
        raise too_large(max_bytes)
    sender = parseaddr(envelope.sender)[1]
    everyone = [parseaddr(address)[1] for address in envelope.everyone]
    with _translated(server), _connected(server) as connection:
        refused = connection.sendmail(sender, everyone, content)
    if refused:
        raise _refused(server, refused, len(everyone))
    return len(content)


@contextmanager
def _connected(server: Server) -> Iterator[smtplib.SMTP]:
    host = str(_revealed(server.host))
    port = server.port or _PORTS[server.security]
    context = trusted(server.verify)
    connection = (
        smtplib.SMTP_SSL(timeout=server.timeout, context=context)
        if server.security == "tls"
        else smtplib.SMTP(timeout=server.timeout)
    )
    connection._host = host  # type: ignore[attr-defined]  # what certificates are checked against
    with interruptible(lambda: _cut(connection)):
        try:
            code, said = connection.connect(host, port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, said)
            if server.security == "starttls":
                connection.starttls(context=context)
            if server.user is not None:
                password = str(_revealed(server.password or ""))
                masker().add(password)
                connection.login(str(_revealed(server.user)), password)
            yield connection
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()
        finally:
            connection.close()


@contextmanager
def _translated(server: Server) -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        running = context.active()
        if running is not None and running.cancelled.is_set():
            raise FAIL("cancelled while the mail was sent", status="cancelled") from None
        raise _read(error, server) from None


def _read(error: Exception, server: Server) -> OrchestratorError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        what = f"the mail server {server} does not let {_user(server)} in: {_said(error)}"
        return _coded(MailRefusedError(what, fix="check user and password"), error.smtp_code)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _refused(server, error.recipients, len(error.recipients), nobody=True)
    if isinstance(error, smtplib.SMTPResponseException):
        what = f"the mail server {server} answered {error.smtp_code}: {_said(error)}"
        kind = MailUnavailableError if 400 <= error.smtp_code < 500 else MailRefusedError
        return _coded(kind(what), error.smtp_code)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return MailRefusedError(
            f"the mail server {server}: {error}", fix='check security= ("tls", "starttls", "none")'
        )
    if isinstance(error, ssl.SSLCertVerificationError):
        return MailRefusedError(
            f"the certificate of the mail server {server} is not trusted: {error.verify_message}",
            fix="name the certificates of your own authority: verify='/path/to/ca.pem'",
        )
    why = masker().mask(" ".join(str(error).split())) or type(error).__name__
    return MailUnavailableError(
        f"the mail server {server} cannot be talked to: {why}",
        fix="check host, port and security, and that it is up",
    )


def _refused(
    server: Server, refused: dict[str, tuple[int, bytes]], count: int, *, nobody: bool = False
) -> OrchestratorError:
    """Some addresses, or all, were refused; those that were taken must not be written to again."""
    each = [f"{to}: {code} {_text(said)}" for to, (code, said) in refused.items()]
    codes = [code for code, _ in refused.values()]
    got = "nobody got it" if nobody else f"{count - len(refused)} of {count} got it"
    later = nobody and all(400 <= code < 500 for code in codes)
    kind = MailUnavailableError if later else MailRefusedError
    what = f"the mail server {server} refused addresses, {got}: {'; '.join(each)}"
    return _coded(kind(what, fix="check the addresses"), codes[0])


def _coded(
    error: MailUnavailableError | MailRefusedError, code: int
) -> MailUnavailableError | MailRefusedError:
    error.code = str(code)
    return error


def _said(error: smtplib.SMTPResponseException) -> str:
    return _text(error.smtp_error)


def _text(said: bytes | str) -> str:
    words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return masker().mask(" ".join(words.split()))[:300]


def _user(server: Server) -> str:
    return repr(masker().mask(str(_revealed(server.user))))


def _revealed(value: Any) -> Any:
    return value.get() if isinstance(value, Secret) else resolve(value)


def _cut(connection: smtplib.SMTP) -> None:
    if connection.sock is not None:
        with suppress(OSError):
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
