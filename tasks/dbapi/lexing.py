"""The pieces of a SQL text that matter to a driver: strings and comments told apart from code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import NamedTuple


class Kind(Enum):
    """What a piece of SQL is."""

    COMMENT = auto()
    STRING = auto()  #: of any spelling, ``$$ … $$`` too
    NAME = auto()  #: in quotes
    WORD = auto()
    NUMBER = auto()
    VALUE = auto()  #: the place of a value: ``$name``, ``$1``
    SIGN = auto()


class Piece(NamedTuple):
    """One piece of a text.

    Args:
        kind: What it is.
        text: As it stands.
        start: Where it begins, in characters.
    """

    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where the next one may begin."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """The word in capitals, or the sign; empty for anything else."""
        return self.text.upper() if self.kind in (Kind.WORD, Kind.SIGN) else ""


@dataclass(frozen=True)
class Spelling:
    """How a database writes strings, comments and blocks.

    Args:
        backslashes: ``'it\\'s'`` holds a quote; otherwise only ``E'…'`` does.
        nested_comments: ``/* /* */ */`` is one comment.
        line_comments: What begins a comment to the end of the line.
        tags: ``$tag$ … $tag$`` is a string, as ``$$ … $$`` is.
        blocks: ``BEGIN …; …; END`` by itself is one statement.
    """

    backslashes: bool = False
    nested_comments: bool = True
    line_comments: tuple[str, ...] = ("--",)
    tags: bool = True
    blocks: bool = False


POSTGRES = Spelling()
SNOWFLAKE = Spelling(
    backslashes=True, nested_comments=False, line_comments=("--", "//"), tags=False, blocks=True
)

_LETTER = r"[A-Za-z_\u0080-\uffff]"
_INNER = r"[A-Za-z_0-9\u0080-\uffff]"


def pieces(text: str, spelling: Spelling) -> Iterator[Piece]:
    """Read a text piece by piece, without the blanks between them.

    A quote or comment that is not closed reaches to the end: the database says so best.

    Example:
        >>> [piece.text for piece in pieces("select $a,$b -- 'x", POSTGRES)]
        ['select', '$a', ',', '$b', "-- 'x"]
    """
    position, pattern = 0, _pattern(spelling)
    while position < len(text):
        found = pattern.match(text, position)
        assert found is not None  # the last branch takes any character
        kind, start, end = str(found.lastgroup), position, found.end()
        if kind == "BLOCK":
            end = _end_of_comment(text, start, spelling)
            kind = "COMMENT"
        elif kind == "DOLLARS":
            close = text.find(found[0], end)
            end = len(text) if close < 0 else close + len(found[0])
            kind = "STRING"
        if kind != "BLANK":
            yield Piece(Kind[kind], text[start:end], start)
        position = end


@cache
def _pattern(spelling: Spelling) -> re.Pattern[str]:
    plain, escaped = r"'(?:[^']|'')*(?:'|\Z)", r"'(?:[^'\\]|''|\\.)*(?:'|\\?\Z)"
    ends = "|".join(map(re.escape, spelling.line_comments))
    tag = rf"(?:{_LETTER}{_INNER}*)?" if spelling.tags else ""
    branches = {
        "BLANK": r"\s+",
        "COMMENT": rf"(?:{ends})[^\n]*",
        "BLOCK": r"/\*",
        "STRING": escaped if spelling.backslashes else rf"[eE]{escaped}|{plain}",
        "NAME": r'"(?:[^"]|"")*(?:"|\Z)',
        "DOLLARS": rf"\${tag}\$",
        "VALUE": rf"\$(?:{_LETTER}{_INNER}*|\d+)",
        "WORD": rf"{_LETTER}(?:{_INNER}|\$)*",
        "NUMBER": r"\d(?:[\w.])*",
        # The two-character signs that would be read as two others.
        "SIGN": r"\?[|&]|::|.",
    }
    return re.compile("|".join(f"(?P<{k}>{v})" for k, v in branches.items()), re.DOTALL)


def _end_of_comment(text: str, start: int, spelling: Spelling) -> int:
    depth = 0
    for sign in re.compile(r"/\*|\*/").finditer(text, start):
        if sign[0] == "/*":
            depth = depth + 1 if spelling.nested_comments else 1
        else:
            depth -= 1
        if depth == 0:
            return sign.end()
    return len(text)
