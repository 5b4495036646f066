"""The line of each key of a TOML text, which tomllib does not tell; a best effort, for messages."""

from __future__ import annotations

import re
from collections import Counter

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(
    r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")

Place = tuple[str, ...]


def lines_of(text: str) -> dict[Place, int]:
    """Return the line of each table and key, by its parts; tables of a list are numbered from 0.

    Example:
        >>> lines_of('[tests]\\nrequired = ["unique"]\\n')[("tests", "required")]
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
