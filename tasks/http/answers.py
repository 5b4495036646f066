"""Judges answers and reads their bodies, never more of them than asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from orchestrator import instants
from orchestrator.secrets import masker
from tasks.http.errors import HttpRefusedError, HttpUnavailableError
from tasks.http.request import Request

if TYPE_CHECKING:
    import httpx

#: Bytes of a body that is held in memory.
MAX_BYTES = 64 * 2**20
_SHOWN = 300  #: characters of an error's body that are shown
_LATER = frozenset({408, 425, 429})


def check(response: httpx.Response, request: Request, accept: tuple[int, ...] = ()) -> None:
    """Raise unless the answer is a success.

    Args:
        response: Its body is read only where it is an error.
        request: What was asked.
        accept: Status codes that are no error besides 2xx.

    Raises:
        HttpUnavailableError: 408, 425, 429 or 5xx.
        HttpRefusedError: Any other.
    """
    status = response.status_code
    if response.is_success or status in accept:
        return
    said = _beginning(response)
    what = f"{request} answered {status} {response.reason_phrase}".rstrip()
    what += f": {said}" if said else ""
    if status in _LATER or status >= 500:
        raise HttpUnavailableError(
            what, status_code=status, retry_after=retry_after(response.headers.get("retry-after"))
        )
    raise HttpRefusedError(what, fix=_FIX.get(status), status_code=status)


_FIX = {
    401: "check the token or password: the server does not take it",
    403: "check what the token or user may do",
    404: "check the address",
}


def retry_after(text: str | None) -> float | None:
    """Seconds that a ``Retry-After`` header asks to wait; None where it says nothing that can be read.

    Example:
        >>> retry_after("120"), retry_after("soon"), retry_after("Wed, 21 Oct 2015 07:28:00 GMT")
        (120.0, None, 0.0)
    """
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (at - instants.now()).total_seconds()) if at.tzinfo else None


def body(response: httpx.Response, request: Request, max_bytes: int = MAX_BYTES) -> bytes:
    """Read a body into memory.

    Raises:
        HttpRefusedError: It is larger than ``max_bytes``.
    """
    return b"".join(pieces(response, request, max_bytes))


def pieces(response: httpx.Response, request: Request, max_bytes: int | None) -> Iterator[bytes]:
    """Give a body piece by piece, unpacked, and stop where it gets too large."""
    size = 0
    for piece in response.iter_bytes():
        size += len(piece)
        if max_bytes is not None and size > max_bytes:
            raise HttpRefusedError(
                f"{request}: the answer is larger than {max_bytes:,} bytes",
                fix="give a larger max_bytes, ask for less, or save it to a file (save_to=…)",
            )
        yield piece


def text_of(content: bytes, response: httpx.Response) -> str:
    """Decode a body as its header says; what does not fit is replaced."""
    try:
        return content.decode(response.charset_encoding or "utf-8", "replace")
    except LookupError:
        return content.decode("utf-8", "replace")


def json_of(content: bytes, request: Request) -> Any:
    """Read a body as JSON.

    Raises:
        HttpRefusedError: It is none; its beginning is shown.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        begins = masker().mask(" ".join(content[:_SHOWN].decode("utf-8", "replace").split()))
        what = f"but begins with: {begins[:120]}" if begins else "but empty"
        raise HttpRefusedError(
            f"{request}: the answer is not JSON, {what}",
            fix="check the address; many servers answer with a page for logging in",
        ) from None


def save(response: httpx.Response, request: Request, address: str, max_bytes: int | None) -> int:
    """Write a body to a file as it comes, and return its size; the file stands when it is whole.

    Args:
        response: The answer.
        request: What was asked.
        address: A path, or a URL as fsspec takes it.
        max_bytes: The largest body; None for any.

    Raises:
        HttpRefusedError: It is larger.
        FileError: The file cannot be written.
    """
    from tasks.files.place import reach
    from tasks.files.writing import replacing

    size = 0
    with replacing(reach(address)) as file:
        for piece in pieces(response, request, max_bytes):
            size += file.write(piece)
    return size


def _beginning(response: httpx.Response) -> str:
    """What an error says, if it says it in text."""
    import httpx

    kind = response.headers.get("content-type", "")
    if not any(word in kind for word in ("json", "text/plain", "xml", "problem")):
        return ""
    content = b""
    with suppress(httpx.HTTPError):
        for piece in response.iter_bytes():
            content += piece
            if len(content) > 4096:
                break
    words = " ".join(text_of(content, response).split())
    return masker().mask(words)[:_SHOWN]
