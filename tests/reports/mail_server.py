"""A mail server of the tests' own on loopback: aiosmtpd, with signing in, STARTTLS and refusals."""

from __future__ import annotations

import email
import email.policy
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.http.certificate import self_signed


@dataclass
class Postbox:
    """What arrived, and where.

    Args:
        port: Of the server.
        mails: Sender, addresses, mail.
        authority: File of its certificate.
        refused: Address, and what is said to it.
        answer: To a whole mail.
    """

    port: int = 0
    mails: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    authority: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    answer: str = "250 OK"
    signed_in: list[str] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: Any, session: Any, envelope: Envelope
    ) -> str:
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        if self.answer.startswith("250"):
            self.mails.append((str(envelope.mail_from), list(envelope.rcpt_tos), mail))
        return self.answer


class _AnyPort(Controller):
    """A server on any free port; its own check of itself then needs to be told which."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def serving(folder: Path, password: str | None = None) -> Iterator[Postbox]:
    """Serve for a block; with a password, only who gives it, and over STARTTLS only."""
    box = Postbox()
    arguments: dict[str, Any] = {}
    if password is not None:
        box.authority = str(self_signed(folder / "mail.pem"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(box.authority)

        def check(
            server: Any, session: Any, envelope: Any, mechanism: str, data: Any
        ) -> AuthResult:
            assert isinstance(data, LoginPassword)
            box.signed_in.append(data.login.decode())
            return AuthResult(success=data.password == password.encode(), handled=False)

        arguments = {
            "tls_context": context, "require_starttls": True, "authenticator": check,
            "auth_required": True,
        }  # fmt: skip
    controller = _AnyPort(box, hostname="127.0.0.1", port=0, **arguments)
    controller.start()
    try:
        box.port = controller.port
        yield box
    finally:
        controller.stop()
