"""Reads a TOML file, and tells the line of each key, which tomllib does not; for messages."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(
    r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")

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
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigurationError(
            f"{path.name} cannot be read: {reason}", where=str(path), fix="it must be UTF-8 text"
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
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        raise ConfigurationError(
            f"{path.name} is not TOML: {_PLACE.sub('', str(error))}",
            where=f"{path}:{place[1]}:{place[2]}" if place else str(path),
            fix='write text in quotes: name = "shop", and lists in brackets: hosts = ["shop.example"]',
        ) from None


def lines_of(text: str) -> dict[Place, int]:
    """Return the line of each table and key, by its parts; a best effort.

    Example:
        >>> lines_of('[tests]\\nrequired = ["unique"]\\n')["tests", "required"]
        2
    """
    found: dict[Place, int] = {}
    lists: Counter[str] = Counter()
    table: Place = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[2])
            if header[1] == "[[":
                lists[header[2]] += 1
                table = (*table, str(lists[header[2]] - 1))
            place = table
        elif assignment := _ASSIGNMENT.match(line):
            place = (*table, *_parts(assignment[1]))
        else:
            continue
        for depth in range(1, len(place) + 1):
            found.setdefault(place[:depth], number)
    return found


def _parts(dotted: str) -> Place:
    return tuple(part.strip("\"'") for part in _PART.findall(dotted))
