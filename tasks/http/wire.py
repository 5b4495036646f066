"""Sends requests over connections that a cancelled attempt cuts off."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError
from orchestrator.model import context
from orchestrator.model.signals import FAIL
from tasks.http import answers
from tasks.http.errors import HttpRefusedError, HttpUnavailableError
from tasks.http.masking import shown
from tasks.http.request import Request
from tasks.interrupts import interruptible
from tasks.tls import trusted

if TYPE_CHECKING:
    import httpx

MAX_REDIRECTS = 10
#: Headers that say nothing of who asks, and so may go to another host.
_PLAIN = frozenset({"accept", "accept-encoding", "connection", "user-agent", "content-type",
                    "content-length", "host", "transfer-encoding", "accept-language"})  # fmt: skip


@dataclass(frozen=True)
class Patience:
    """How long a server may keep silent.

    Args:
        connect: Seconds until the connection stands.
        read: Seconds without a byte.
    """

    connect: float = 10.0
    read: float = 60.0


class Wire:
    """Connections for several requests of one attempt; made by :func:`opened`."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._sockets: list[socket.socket] = []
        self._lock = threading.Lock()
        self._cut = False

    @contextmanager
    def sent(self, request: Request, accept: tuple[int, ...] = ()) -> Iterator[httpx.Response]:
        """Send a request, and give its answer, whose body is still to be read.

        Args:
            request: What is asked for.
            accept: Status codes that are no error besides 2xx.

        Raises:
            HttpUnavailableError: Nobody answered, or with 408, 425, 429 or 5xx.
            HttpRefusedError: Any other answer that is no success.
        """
        built = request.built(self._client)
        with self._translated(request), self._followed(built, request) as response:
            answers.check(response, request, accept)
            yield response

    @contextmanager
    def _followed(self, built: httpx.Request, request: Request) -> Iterator[httpx.Response]:
        for _ in range(MAX_REDIRECTS + 1):
            built.extensions = {**built.extensions, "trace": self._trace}
            response = self._client.send(built, stream=True)
            if not response.has_redirect_location or response.next_request is None:
                break
            response.close()
            built = _redirected(built, response.next_request, request)
        else:
            raise HttpRefusedError(
                f"{request} was redirected {MAX_REDIRECTS} times, at last to {shown(built.url)}",
                fix="ask the address that it should end at",
            )
        try:
            yield response
        finally:
            response.close()

    def cut_off(self) -> None:
        """End what is being waited for, from another thread."""
        with self._lock:
            self._cut = True
            sockets = list(self._sockets)
        for each in sockets:
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # of TLS too, without a farewell

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            found = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets = [each for each in self._sockets if each.fileno() >= 0]
                if found is not None:
                    self._sockets.append(found)
        if self._cut:
            raise _CutOff

    @contextmanager
    def _translated(self, request: Request) -> Iterator[None]:
        import httpx

        try:
            yield
            if self._cut:  # a body that was cut off may look like a whole one
                raise _CutOff
        except (httpx.HTTPError, httpx.InvalidURL, _CutOff, OSError) as error:
            if self._cut:
                raise FAIL(f"{request}: cancelled", status="cancelled") from None
            if isinstance(error, OSError):  # of what is done with the body, not of the wire
                raise
            raise _unanswered(error, request) from None


class _CutOff(Exception):  # noqa: N818 - a signal that never leaves this file
    """The attempt was cancelled while a connection was made."""


@contextmanager
def opened(patience: Patience, verify: str | bool = True) -> Iterator[Wire]:
    """Make connections for a block; a cancelled attempt cuts them off.

    Args:
        patience: How long a server may keep silent.
        verify: Whether certificates are checked; a path names those that are trusted.

    Raises:
        ConfigurationError: httpx is not installed, or the file of certificates cannot be read.
    """
    try:
        import httpx
    except ImportError:
        raise ConfigurationError(
            "requests are sent through httpx, which is not installed",
            fix="pip install 'analytics-orchestrator[http]'",
        ) from None
    timeout = httpx.Timeout(patience.read, connect=patience.connect)
    with httpx.Client(timeout=timeout, verify=_trusted(verify), headers=_agent()) as client:
        wire = Wire(client)
        with interruptible(wire.cut_off):
            yield wire


def _trusted(verify: str | bool) -> ssl.SSLContext | bool:
    return trusted(verify) if isinstance(verify, str) else verify


def _agent() -> dict[str, str]:
    running = context.active()
    names = f" ({running.flow}; {running.run_id})" if running else ""
    return {"User-Agent": "analytics-orchestrator" + names.encode("ascii", "replace").decode()}


def _redirected(before: httpx.Request, after: httpx.Request, request: Request) -> httpx.Request:
    """Take what says who asks away, where a redirect leads to somebody else."""
    old, new = before.url, after.url
    if (old.scheme, old.host, old.port) == (new.scheme, new.host, new.port):
        return after
    if after.method not in ("GET", "HEAD"):  # 307 and 308: the body goes along
        raise HttpRefusedError(
            f"{request} was redirected to another server: {shown(new)}",
            fix="what is sent is not sent there; ask that server itself",
        )
    for name in [name for name in after.headers if name.lower() not in _PLAIN]:
        del after.headers[name]
    return after


def _unanswered(error: BaseException, request: Request) -> Exception:
    import httpx

    if isinstance(error, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return HttpRefusedError(
            f"{request} leads to an address that cannot be asked: {shown(error)}"
        )
    if _of_certificate(error):
        return HttpRefusedError(
            f"{request}: the server's certificate is not trusted: {_said(error)}",
            fix="name the certificates of your own authority: verify='/path/to/ca.pem'",
        )
    kind = "no answer in time" if isinstance(error, httpx.TimeoutException) else "no answer"
    why = _said(error) or type(error).__name__
    return HttpUnavailableError(
        f"{request}: {kind}: {why}", fix="check the address, and that the server is up"
    )


def _said(error: BaseException) -> str:
    return shown(" ".join(str(error).split())[:300])


def _of_certificate(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
