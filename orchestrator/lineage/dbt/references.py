"""Where a dbt node's code says ref(), source() or function(): the line of each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

#: Without a word boundary in front: so the search skips to the letters that a call begins with.
_CALL = re.compile(r"(ref|source|function)\s*\(\s*(['\"])([^'\"]+)\2(?:\s*,\s*(['\"])([^'\"]+)\4)?")


def reference_lines(code: str) -> dict[tuple[str, ...], int]:
    """The line, counted from 1, of the first call for each thing named.

    Args:
        code: SQL with Jinja, or Python.

    Example:
        >>> reference_lines("select *\\nfrom {{ ref('orders') }}, {{ source('raw', 'x') }}")
        {('ref', 'orders'): 2, ('source', 'raw', 'x'): 2}
    """
    lines: dict[tuple[str, ...], int] = {}
    line, position = 1, 0
    for match in _CALL.finditer(code):
        start = match.start()
        if start and (code[start - 1].isalnum() or code[start - 1] == "_"):
            continue  # the end of a longer name
        line += code.count("\n", position, start)
        position = start
        lines.setdefault(_named(match), line)
    return lines


def reference_key(node: Mapping[str, Any]) -> tuple[str, ...]:
    """The key under which :func:`reference_lines` holds calls that name ``node``."""
    kind = node.get("resource_type")
    if kind == "source":
        return ("source", node["source_name"], node["name"])
    return ("function" if kind == "function" else "ref", node["name"])


def _named(match: re.Match[str]) -> tuple[str, ...]:
    kind, first, second = match[1], match[3], match[5]
    if kind == "source":
        return (kind, first, second or "")
    # ref("package", "model"): the package does not tell models of one project apart.
    return (kind, second or first)
