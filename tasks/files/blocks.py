"""Text files in blocks of UTF-8, whatever they are encoded and packed in; bad bytes stay bad."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO

from tasks.files.failures import BadFileError, telling

BLOCK = 4 * 2**20  #: bytes
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONE_RETURN = re.compile(rb"\r(?!\n)")


def blocks(stream: IO[bytes], encoding: str, address: str) -> Iterator[bytes]:
    """Read a file to its end, block by block; lines end in LF or CR LF.

    Bytes that do not belong to the encoding arrive as bytes that are no UTF-8, so that whoever
    reads the rows finds the ones they are in.

    Args:
        stream: The file.
        encoding: Of its text.
        address: Its name, for errors.

    Raises:
        BadFileError: It is packed and broken, or in another encoding throughout.
    """
    only_returns: bool | None = None
    for text in _decoded(_raw(stream, address), encoding, address):
        if only_returns is None:
            only_returns = b"\r" in text and b"\n" not in text
        yield _LONE_RETURN.sub(b"\n", text) if only_returns else text


def is_utf8(encoding: str) -> bool:
    """Whether it is UTF-8, with or without a byte order mark."""
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _raw(stream: IO[bytes], address: str) -> Iterator[bytes]:
    while True:
        with telling(address, "read"):
            try:
                block = stream.read(BLOCK)
            except (EOFError, OSError, ValueError) as error:
                if not _is_packing(error):
                    raise
                raise BadFileError(
                    f"{address} is packed and cannot be unpacked: {error}",
                    fix="was it cut while it was copied?",
                ) from None
        if not block:
            return
        yield block


def _is_packing(error: Exception) -> bool:
    return isinstance(error, EOFError) or type(error).__name__ in ("BadGzipFile", "LZMAError")


def _decoded(raw: Iterator[bytes], encoding: str, address: str) -> Iterator[bytes]:
    first = next(raw, b"")
    if is_utf8(encoding):
        if first.startswith(_UTF16):
            raise BadFileError(f"{address} is UTF-16", fix='say encoding="utf-16"')
        yield first.removeprefix(codecs.BOM_UTF8)
        yield from raw
        return
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape")
    try:
        yield decoder.decode(first).encode("utf-8", "surrogateescape")
        for block in raw:
            yield decoder.decode(block).encode("utf-8", "surrogateescape")
        yield decoder.decode(b"", True).encode("utf-8", "surrogateescape")
    except UnicodeError as error:
        raise BadFileError(f"{address} is not {encoding}: {error}", fix="say encoding=") from None
