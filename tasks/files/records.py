"""Cuts CSV text into records: how far a block is well formed, and where its broken lines are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tasks.files.formats import Csv

#: Bytes within which a quoted value must end; a quote that is open for longer was never closed.
LONGEST = 4 * 2**20
UNCLOSED = "a quote is not closed, or stands in the middle of a value"


@dataclass(frozen=True, slots=True)
class Piece:
    """Some bytes of a file.

    Args:
        data: One or many records, each with its end of line.
        line: Line that it begins at, counted from 1.
        reason: What is wrong with it; nothing if it is well formed.
    """

    data: bytes
    line: int
    reason: str = ""


class Cutter:
    """Cuts blocks, as they come, at ends of records.

    Args:
        form: The delimiter and quotes.
        line: Line of the file that the first block begins at.
        keep_empty: Whether an empty line is a record.

    Example:
        >>> cutter = Cutter(Csv())
        >>> [piece.data for piece in cutter.cut(b'1,"a\\nb"\\n2,"c')]
        [b'1,"a\\nb"\\n']
        >>> [(piece.line, piece.data) for piece in cutter.cut(b'"\\n3,', last=True)]
        [(3, b'2,"c"\\n3,\\n')]
    """

    def __init__(self, form: Csv, line: int = 1, keep_empty: bool = False) -> None:
        self._line = line
        self._keep_empty = keep_empty
        self._left = b""
        self._quote = form.quote.encode() if form.quote else None
        self._escape = form.escape.encode() if form.escape else None
        record, begun = _patterns(form)
        self._record = re.compile(record, re.DOTALL)
        self._records = re.compile(b"(?:%s)*+" % record, re.DOTALL)
        self._begun = re.compile(begun, re.DOTALL)

    def cut(self, block: bytes, last: bool = False) -> Iterator[Piece]:
        """Give the pieces that are complete; the rest waits for the next block.

        Args:
            block: What comes next in the file.
            last: Whether nothing comes after it.
        """
        data = self._left + block if self._left else block
        if last and data and not data.endswith(b"\n"):
            data += b"\n"
        at = 0
        while at < len(data):
            end = self._well_formed(data, at)
            if end > at:
                yield self._piece(data[at:end])
                at = end
            elif not last and len(data) - at < LONGEST and self._may_go_on(data, at):
                break
            else:
                end = data.find(b"\n", at) + 1
                if end == 0:  # a line without an end
                    if not last and len(data) - at < LONGEST:
                        break
                    end = len(data)
                yield self._piece(data[at:end], UNCLOSED)
                at = end
        self._left = data[at:]

    def first(self, data: bytes) -> bytes:
        """The first record, or the first line if that is not well formed."""
        found = self._record.match(data)
        return found[0] if found else data[: data.find(b"\n") + 1 or len(data)]

    def records(self, piece: Piece) -> Iterator[Piece]:
        """Cut a well-formed piece into its records; empty lines are left out, unless kept."""
        line = piece.line
        for found in self._record.finditer(piece.data):
            text = found[0]
            if self._keep_empty or text.strip(b"\r\n"):
                yield Piece(text, line)
            line += text.count(b"\n")

    def _well_formed(self, data: bytes, at: int) -> int:
        """Where the well-formed records that begin here end."""
        special = [sign for sign in (self._quote, self._escape) if sign is not None]
        if not any(sign in data for sign in special):
            return data.rfind(b"\n") + 1 or at
        found = self._records.match(data, at)
        return found.end() if found else at

    def _may_go_on(self, data: bytes, at: int) -> bool:
        """Whether what is left may be the beginning of a well-formed record."""
        return self._begun.match(data, at) is not None

    def _piece(self, data: bytes, reason: str = "") -> Piece:
        piece = Piece(data, self._line, reason)
        self._line += data.count(b"\n")
        return piece


def _patterns(form: Csv) -> tuple[bytes, bytes]:
    """Patterns of a well-formed record with its end of line, and of one that is not complete.

    A quote opens a value where one begins, and must close it at its end; elsewhere it is a sign as
    any other.
    """
    escape = re.escape(form.escape.encode()) if form.escape else b""
    escaped = b"|%s." % escape if escape else b""
    cut_off = b"%s?" % escape if escape else b""
    if form.quote is None:
        bare = b"(?:[^%s\n]++%s)*+" % (escape, escaped)
        return bare + b"\n", b"%s%s\\Z" % (bare, cut_off)
    quote, delimiter = (re.escape(sign.encode()) for sign in (form.quote, form.delimiter))
    bare = b"[^%s\n]*+" % quote
    inside = b"[^%s]*+(?:%s%s[^%s]*+)*+" % (quote, quote, quote, quote)
    if escape:
        bare = b"(?:[^%s%s\n]++%s)*+" % (quote, escape, escaped)
        inside = b"(?:[^%s%s]++|%s%s%s)*+" % (quote, escape, quote, quote, escaped)
    opening, stray = (b"(?<%s[^%s\n])%s" % (sign, delimiter, quote) for sign in (b"!", b"="))
    value = b"%s%s%s(?=%s|\r?\n)" % (opening, inside, quote, delimiter)
    values = b"%s(?:(?:%s|%s)%s)*+" % (bare, value, stray, bare)
    return values + b"\n", b"%s(?:%s%s%s%s?\r?|%s)\\Z" % (
        values, opening, inside, cut_off, quote, cut_off,
    )  # fmt: skip
