"""A webhook: one POST over HTTP, signed, within a time limit, that follows no redirect."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

from orchestrator.service.notify.addresses import DeliveryError, addresses

SECONDS = 10.0  #: for all of one try
ID, TIMESTAMP, SIGNATURE = "Orchestrator-Id", "Orchestrator-Timestamp", "Orchestrator-Signature"
_SAFE = "/%?=&:;,+!$'()*~@[]"


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Return what stands in the header ``Orchestrator-Signature``.

    Args:
        secret: What sender and receiver know.
        timestamp: The header ``Orchestrator-Timestamp``.
        body: The body as sent.

    Example:
        >>> signature("s3same", "1790000000", b"{}")[:12]
        'v1=2754187e5'
    """
    signed = timestamp.encode() + b"." + body
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    private: bool,
    seconds: float = SECONDS,
) -> None:
    """Send a body; return when the receiver has accepted it.

    Args:
        url: ``http`` or ``https``.
        body: What is sent.
        headers: Besides those that HTTP needs.
        private: Whether it may go to a private network.
        seconds: For all of it.

    Raises:
        DeliveryError: Any answer but 2xx, none in time, nobody there, or an address not allowed.
    """
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in ("http", "https") or not host:
        raise DeliveryError("the URL must begin with https:// or http://")
    if parts.username is not None:
        raise DeliveryError("the URL may hold no user or password", fix="use signing_secret")
    port = _port(parts) or (443 if scheme == "https" else 80)
    found = addresses(host, port, private=private)
    connection = _connection(scheme, host, port, found, seconds)
    path = quote((parts.path or "/") + (f"?{parts.query}" if parts.query else ""), safe=_SAFE)
    _check(_status(connection, path, body, headers, seconds))


def _port(parts: Any) -> int | None:
    try:
        port: int | None = parts.port
    except ValueError:
        raise DeliveryError("the port of the URL is no port") from None
    return port


def _check(status: int) -> None:
    if 300 <= status < 400:
        raise DeliveryError(f"answered {status}, a redirect; redirects are not followed")
    if not 200 <= status < 300:
        raise DeliveryError(f"answered {status} {http.client.responses.get(status, '')}".rstrip())


def _connection(
    scheme: str, host: str, port: int, found: Sequence[str], seconds: float
) -> http.client.HTTPConnection:
    if scheme == "https":
        return _Secure(host, port, found, seconds)
    return _Plain(host, port, found, seconds)


def _status(
    connection: http.client.HTTPConnection,
    path: str,
    body: bytes,
    headers: Mapping[str, str],
    seconds: float,
) -> int:
    """Send and hear the answer's status; whoever answers drop by drop is cut off in time."""
    late = threading.Event()

    def cut_off() -> None:
        late.set()
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(seconds, cut_off)
    watch.daemon = True
    watch.start()
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        if late.is_set() or isinstance(error, TimeoutError):
            raise DeliveryError(f"no answer in {seconds:g} s", reachable=False) from None
        raise DeliveryError(f"{type(error).__name__}: {error}", reachable=False) from None
    finally:
        watch.cancel()
        connection.close()


class _Plain(http.client.HTTPConnection):
    """A connection to addresses that were looked up before."""

    def __init__(self, host: str, port: int, found: Sequence[str], seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._found = found

    def connect(self) -> None:
        self.sock = _connected(self._found, self.port, self.timeout or SECONDS)


class _Secure(http.client.HTTPSConnection):
    """The same over TLS; the certificate must be that of the name."""

    def __init__(self, host: str, port: int, found: Sequence[str], seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._found, self._tls = found, ssl.create_default_context()

    def connect(self) -> None:
        plain = _connected(self._found, self.port, self.timeout or SECONDS)
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise


def _connected(found: Sequence[str], port: int, seconds: float) -> socket.socket:
    for address in found[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), seconds / len(found))
    return socket.create_connection((found[-1], port), seconds / len(found))
