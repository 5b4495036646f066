"""Lines of compiled SQL back to lines of the file that a node stands in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher

_WORD = re.compile(r"\w+")
_NAME = re.compile(r"\s*(?:-\s*)?name:\s*(\S+)")
#: Lines of a block beyond which likeness is not looked for.
_LARGEST = 200


def line_map(raw: str, compiled: str) -> list[int]:
    """For each line of compiled code, the line of the raw code it comes from, counted from 1.

    Equal lines are aligned. Where as many lines took the place of others they are taken one by one,
    as when a macro stands in a line; where more or fewer did, as a loop makes them, each goes to
    the line it shares most words with. Lines that took the place of none belong to the line before.

    Example:
        >>> line_map("select\\n  {{ cents('x') }} as x\\nfrom t", "select\\n  x / 100 as x\\nfrom t")
        [1, 2, 3]
    """
    before, after = _stripped(raw), _stripped(compiled)
    matcher = SequenceMatcher(lambda line: line == "", before, after, autojunk=False)
    lines: list[int] = []
    for _, start, end, first, stop in matcher.get_opcodes():
        block = before[start:end]
        for offset, line in enumerate(after[first:stop]):
            if len(block) == stop - first or not block:
                lines.append(max(start + (offset if block else -1), 0) + 1)
            else:
                lines.append(start + _likest(line, block, offset) + 1)
    return lines


def _likest(line: str, block: Sequence[str], offset: int) -> int:
    """Index of the line that shares most words with another; the nearest of those."""
    if len(block) > _LARGEST:
        return min(offset, len(block) - 1)
    words = set(_WORD.findall(line))
    shared = [len(words.intersection(_WORD.findall(other))) for other in block]
    return max(range(len(block)), key=lambda index: (shared[index], -abs(index - offset)))


def _stripped(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def shift_of(text: str, raw: str) -> int | None:
    """How many lines of a file stand before a node's raw code; None where it is not in the file."""
    start = text.find(raw)
    return None if start < 0 else text.count("\n", 0, start)


def lines_of_names(text: str) -> dict[str, int]:
    """For each name that a YAML file gives something, the first line that does.

    Example:
        >>> lines_of_names("models:\\n  - name: orders")
        {'orders': 2}
    """
    found: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        named = _NAME.match(line)
        if named is not None:
            found.setdefault(named[1].strip("'\""), number)
    return found
