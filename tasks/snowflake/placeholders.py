"""Turns the placeholders of Prefect 1's Snowflake tasks, ``%s`` and ``%(name)s``, into ours."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tasks.dbapi.lexing import SNOWFLAKE, Kind, pieces
from tasks.sql.session import Data

_NAMED = re.compile(r"%\((\w+)\)s")
_POSITIONAL = re.compile(r"%s\b")


def as_ours(text: str, data: Data) -> tuple[str, Data]:
    """Write ``?`` and ``$name`` where a text has the connector's own placeholders.

    It has them only where there are values for them: elsewhere ``a %s`` is a remainder. In strings
    and comments nothing is changed.

    Example:
        >>> as_ours("select '%s' from t where a = %s", [1])
        ("select '%s' from t where a = ?", [1])
        >>> as_ours("select %(a)s", {"a": 1})
        ('select $a', {'a': 1})
    """
    if not data:
        return text, data
    pattern, ours = (_NAMED, r"$\1") if isinstance(data, Mapping) else (_POSITIONAL, "?")
    untouched = [
        (piece.start, piece.end)
        for piece in pieces(text, SNOWFLAKE)
        if piece.kind in (Kind.STRING, Kind.COMMENT, Kind.NAME)
    ]

    def written(found: re.Match[str]) -> str:
        inside = any(start <= found.start() < end for start, end in untouched)
        return found[0] if inside else found.expand(ours)

    return pattern.sub(written, text), data
