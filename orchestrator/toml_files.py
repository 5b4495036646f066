"""Reads a TOML file, and tells the line of each key, which tomllib does not; for messages."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(
    r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")
_MOMENT = re.compile(r"(?:\d+-\d+-\d+(?:[Tt ]\d+:)?|\d+:)[\d:.+-]*[Zz]?")
_MOMENTS = (
    "write one that there is, as 2026-01-31, 06:30:00 or 2026-01-31T06:30:00; or text in quotes"
)
_ONCE = "write each key and each table once: join the two, or give one another name"
#: What to write, by the beginning of what tomllib says; the last fits always.
_FIXES = {
    **dict.fromkeys(("Cannot declare", "Cannot overwrite", "Duplicate"), _ONCE),
    "Unescaped": "write text with a backslash in single quotes: folder = 'C:\\data'",
    "Illegal character '\\n'": "end the text on the line it begins on, with the quotes it begins with",
    "Expected '=' after a key": 'write a key, = and its value: name = "shop"',
    "Expected ']'": "write a table's name between [ and ]",
    "": 'write text in quotes: name = "shop", and lists in brackets: hosts = ["shop.example"]',
}

#: A key with the tables around it; tables of a list are numbered from 0.
Place = tuple[str, ...]


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        ConfigurationError: It cannot be read, or is no UTF-8 text.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason, fix = "it is not UTF-8 text", "save it as UTF-8"
        if isinstance(error, OSError):
            reason, fix = str(error.strerror or error), "it is to be a file that you may read"
        raise ConfigurationError(
            f"{path.name} cannot be read: {reason}", where=str(path), fix=fix
        ) from None


def read_toml(text: str, path: Path) -> tuple[dict[str, Any], dict[Place, int]]:
    """Return what a text holds, and the line of each key as far as it can be told.

    Args:
        text: TOML.
        path: Its file, for messages.

    Raises:
        ConfigurationError: It is not TOML; names the line.

    Example:
        >>> values, lines = read_toml('[warehouses.dev]\\ntype = "duckdb"', Path("shop.toml"))
        >>> lines["warehouses", "dev", "type"]
        2
    """
    try:
        return tomllib.loads(text), lines_of(text)
    except (ValueError, RecursionError) as error:  # of a number or a depth that Python cannot read
        reason, fix = _mistake(text, str(error))
        place = _PLACE.search(str(error))
        raise ConfigurationError(
            f"{path.name} is not TOML: {reason}",
            where=f"{path}:{place[1]}:{place[2]}" if place else str(path),
            fix=fix,
        ) from None


def _mistake(text: str, said: str) -> tuple[str, str]:
    """What is wrong and what to write instead, by what tomllib said."""
    reason = _PLACE.sub("", said)
    fix = next(fix for begin, fix in _FIXES.items() if reason.startswith(begin))
    if place := _PLACE.search(said):
        line, column = int(place[1]), int(place[2])
        if moment := _no_moment(text.split("\n")[line - 1], column - 1):
            return f"{moment} is no date or time", _MOMENTS
        if fix is _ONCE:
            reason = _earlier(text, line) or reason
    return reason, fix


def _no_moment(line: str, column: int) -> str:
    """What stands at a column in the shape of a date or a time and is none."""
    for written in _MOMENT.finditer(line):
        if written.start() <= column < written.end():
            try:
                tomllib.loads(f"moment = {written[0]}")
            except tomllib.TOMLDecodeError:
                return written[0]
    return ""


def _earlier(text: str, line: int) -> str:
    """What a line writes again, and the line it is on already."""
    again = next((place for number, place in reversed([*_places(text)]) if number <= line), ())
    lines = lines_of(text)
    for depth in range(len(again), 0, -1):
        if (first := lines[again[:depth]]) < line:
            return f"{'.'.join(again[:depth])} is on line {first} already"
    return ""


def lines_of(text: str) -> dict[Place, int]:
    """Return the line of each table and key, by its parts; a best effort.

    Example:
        >>> lines_of('[tests]\\nrequired = ["unique"]\\n')["tests", "required"]
        2
    """
    found: dict[Place, int] = {}
    for number, place in _places(text):
        for depth in range(1, len(place) + 1):
            found.setdefault(place[:depth], number)
    return found


def _places(text: str) -> Iterator[tuple[int, Place]]:
    """The lines that begin a table or give a key its value."""
    lists: Counter[str] = Counter()
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                lists[header[2]] += 1
                table = (*table, str(lists[header[2]] - 1))
            yield number, table
        elif assignment := _ASSIGNMENT.match(line):
            yield number, (*table, *_parts(assignment[1]))


def _parts(dotted: str) -> Place:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
