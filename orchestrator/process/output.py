"""Turns the bytes that a command writes into lines of text, as they come."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Stream = Literal["stdout", "stderr"]
Take = Callable[[Stream, str, str | None], None]

KEPT_LINE = 16 * 2**20  #: characters of a line that came in pieces which ``whole`` holds


class Lines:
    """Cuts the bytes of one stream into lines, and lines without end into pieces.

    Args:
        stream: Which stream it is.
        take: Called as ``take(stream, text, whole)``; ``whole`` is the line, None where ``text`` is
            a piece and the line goes on.
        longest: Bytes of a line, about, above which it is handed on in pieces.
    """

    def __init__(self, stream: Stream, take: Take, longest: int) -> None:
        self.stream = stream
        self.take = take
        self.longest = longest
        self.rest = b""
        self.before: list[str] = []  # of a line that has been handed on in part
        self.room = KEPT_LINE

    def feed(self, data: bytes) -> None:
        """Take bytes; none at the end of the stream."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        for line in lines:
            self._end(line)
        if not data and (self.rest or self.before):
            self._end(self.rest)
            self.rest = b""
        elif len(self.rest) > self.longest:
            self._piece()

    def _end(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip("\r")
        whole = "".join([*self.before, text]) if self.before else text
        self.before, self.room = [], KEPT_LINE
        self.take(self.stream, text, whole)

    def _piece(self) -> None:
        cut = len(self.rest)
        for back in range(1, 4):  # not in the middle of a character
            if self.rest[-back] & 0xC0 != 0x80:
                cut -= back if self.rest[-back] >= 0xC0 else 0
                break
        text = self.rest[:cut].decode("utf-8", "replace")
        self.rest = self.rest[cut:]
        self.before.append(text[: self.room])
        self.room -= len(self.before[-1])
        self.take(self.stream, text, None)
