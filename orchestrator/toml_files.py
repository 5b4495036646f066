"""Reads a TOML file, and tells the line of each key, which tomllib does not; for messages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from orchestrator.errors import ConfigurationError

_HEADER = re.compile(r"^\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(r"^\s*([\w.\"' -]+?)\s*=")
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def read_toml(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """Return what a file holds, and the line of each dotted key as far as it can be told.

    Args:
        path: The file.

    Raises:
        ConfigurationError: It cannot be read, or is not TOML; names the line.
    """
    text = _text(path)
    try:
        return tomllib.loads(text), lines_of(text)
    except tomllib.TOMLDecodeError as error:
        raise _broken(path, error) from None


def lines_of(text: str) -> dict[str, int]:
    """Return the line of each dotted key.

    Example:
        >>> lines_of('name = "shop"\\n[warehouses.dev]\\ntype = "duckdb"')["warehouses.dev.type"]
        3
    """
    found: dict[str, int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            table = _parts(header[1])
            parts = table
        elif assignment := _ASSIGNMENT.match(line):
            parts = (*table, *_parts(assignment[1]))
        else:
            continue
        for depth in range(1, len(parts) + 1):
            found.setdefault(".".join(parts[:depth]), number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{path.name} cannot be read: {error}", where=str(path), fix="it must be UTF-8 text"
        ) from None


def _broken(path: Path, error: tomllib.TOMLDecodeError) -> ConfigurationError:
    place = _PLACE.search(str(error))
    where = f"{path}:{place[1]}:{place[2]}" if place else str(path)
    return ConfigurationError(
        f"{path.name} is not TOML: {_PLACE.sub('', str(error))}",
        where=where,
        fix='write text in quotes: name = "shop"',
    )
