"""Texts that cannot be cut into tokens as they stand: client commands, unclosed quotes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql.tokens import tokenize

#: A quote opened in one piece is looked for in this many following pieces.
_REACH = 20
_PIECES = 2000
#: A longer piece is not tried in parts.
_LONGEST_LINE = 20_000
#: Lines of psql and the data that follows COPY … FROM stdin.
_COPY_DATA = re.compile(r"(?ims)^(\s*copy\b[^;]*\bfrom\s+stdin\b[^;]*;[^\n]*\n)(.*?^\\\.[ \t]*$)")
_CLIENT_LINE = re.compile(r"(?m)^\\[^\n]*$")
_LONE_SLASH = re.compile(r"(?m)^[ \t]*/[ \t]*$")
_DELIMITER = re.compile(r"(?im)^[ \t]*delimiter[ \t]+(\S+)[ \t]*$")


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a text.

    Args:
        text: The part.
        line: Line of the whole text it begins at, counted from 1.
        tokens: Its tokens, or None where it cannot be cut.
    """

    text: str
    line: int
    tokens: list[Token] | None


def mend(sql: str, dialect: str) -> str:
    """Blank out what speaks to a client and not to the database, keeping every line in its place.

    Args:
        sql: The text.
        dialect: A dialect of sqlglot.
    """
    sql = sql.replace("\x00", " ") if "\x00" in sql else sql
    sql = sql.removeprefix("\ufeff")
    if "\\" in sql and dialect in ("postgres", "redshift", "materialize", "risingwave"):
        sql = _COPY_DATA.sub(lambda m: m[1] + "\n" * m[2].count("\n"), sql)
        sql = _CLIENT_LINE.sub("", sql)
    if dialect == "oracle" and "/" in sql:
        sql = _LONE_SLASH.sub(";", sql)
    if dialect in ("mysql", "doris", "starrocks") and _DELIMITER.search(sql):
        sql = _usual_delimiter(sql)
    return sql


def _usual_delimiter(sql: str) -> str:
    """MySQL's DELIMITER lines removed, and what they set replaced by a semicolon."""
    delimiter, lines = ";", []
    for line in sql.split("\n"):
        found = _DELIMITER.match(line)
        if found:
            delimiter = found[1]
            line = ""
        elif delimiter != ";":
            line = line.replace(delimiter, ";")
        lines.append(line)
    return "\n".join(lines)


def salvage(sql: str, dialect: str) -> Iterator[Piece]:
    """Cut a text at lines that end in a semicolon, so that one open quote costs one statement.

    Args:
        sql: A text that cannot be cut into tokens as a whole.
        dialect: A dialect of sqlglot.

    Yields:
        The pieces in order, the bad ones without tokens.
    """
    lines = sql.split("\n")
    starts = [0, *(i + 1 for i, line in enumerate(lines) if line.rstrip().endswith(";"))]
    starts = [start for start in starts if start < len(lines)]
    index = 0
    while index < len(starts):
        if index > _PIECES:
            yield Piece("\n".join(lines[starts[index] :]), starts[index] + 1, None)
            return
        good = _longest_needed(lines, starts, index, dialect)
        if good is None:
            end = starts[index + 1] if index + 1 < len(starts) else len(lines)
            yield from _parted("\n".join(lines[starts[index] : end]), starts[index] + 1, dialect)
            index += 1
        else:
            yield good[0]
            index = good[1]


def _parted(text: str, line: int, dialect: str) -> Iterator[Piece]:
    """A piece that cannot be cut, parted into the statements before the open quote and the rest."""
    good, tokens, position = 0, None, text.find(";")
    for _ in range(_REACH):
        if position < 0 or len(text) > _LONGEST_LINE:
            break
        try:
            tokens, good = tokenize(text[:position], dialect), position + 1
        except TokenError:
            break
        position = text.find(";", position + 1)
    if tokens:
        yield Piece(text[: good - 1], line, tokens)
    yield Piece(text[good:], line + text.count("\n", 0, good), None)


def _longest_needed(
    lines: list[str], starts: list[int], index: int, dialect: str
) -> tuple[Piece, int] | None:
    """The fewest pieces from ``index`` on that can be cut together, and the index after them."""
    for after in range(index + 1, min(index + 1 + _REACH, len(starts) + 1)):
        end = starts[after] if after < len(starts) else len(lines)
        text = "\n".join(lines[starts[index] : end])
        try:
            return Piece(text, starts[index] + 1, tokenize(text, dialect)), after
        except TokenError:
            continue
    return None
