"""Values as SQL writes them, so that no value is ever read as anything else."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

#: Dialects in whose texts a backslash says something of the character after it.
_ESCAPING = frozenset(
    {"snowflake", "bigquery", "mysql", "spark", "spark2", "databricks", "hive", "clickhouse"}
)


def literal(value: Any, dialect: str) -> str:
    """Write a value.

    Args:
        value: A text, number, truth value, date, datetime, None; a list of them, in parentheses; a
            mapping, as the text of its JSON.
        dialect: sqlglot's name of the dialect.

    Raises:
        ValueError: SQL has no way to write it.

    Example:
        >>> literal("it's", "duckdb"), literal([1, -2], "duckdb"), literal(None, "duckdb")
        ("'it''s'", '(1, (-2))', 'null')
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float, Decimal)):
        return _number(value)
    if isinstance(value, (datetime, date)):
        return _text(value.isoformat(*([" "] if isinstance(value, datetime) else [])), dialect)
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"({', '.join(literal(item, dialect) for item in value) or 'null'})"
    if isinstance(value, Mapping):
        return _text(json.dumps(dict(value), default=str), dialect)
    if isinstance(value, str):
        return _text(value, dialect)
    raise ValueError(f"a {type(value).__name__} cannot be written in SQL")


class Value:
    """A value in a template: it is written as SQL, compared as Python.

    Args:
        value: What it is.
        dialect: sqlglot's name of the dialect.
        written: Called with each text that is written for it.

    Example:
        >>> day = Value("2024-02-29", "duckdb")
        >>> f"day = {day}", day == "2024-02-29"
        ("day = '2024-02-29'", True)
    """

    def __init__(
        self, value: Any, dialect: str, written: Callable[[str], object] = lambda text: None
    ) -> None:
        self._value, self._dialect, self._written = value, dialect, written

    def __str__(self) -> str:
        if isinstance(self._value, (list, tuple)):
            return f"({', '.join(map(str, self)) or 'null'})"
        text = literal(self._value, self._dialect)
        self._written(text)
        return text

    def __html__(self) -> str:
        return str(self)

    def __iter__(self) -> Iterator[Value]:
        return (Value(item, self._dialect, self._written) for item in self._value)

    def __getitem__(self, key: Any) -> Value:
        return Value(self._value[key], self._dialect, self._written)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def __eq__(self, other: object) -> bool:
        return bool(self._value == _plain(other))

    def __hash__(self) -> int:
        return hash(self._value)

    def __lt__(self, other: Any) -> bool:
        return bool(self._value < _plain(other))

    def __le__(self, other: Any) -> bool:
        return bool(self._value <= _plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._value > _plain(other))

    def __ge__(self, other: Any) -> bool:
        return bool(self._value >= _plain(other))

    def __contains__(self, item: Any) -> bool:
        return _plain(item) in self._value


def _plain(value: Any) -> Any:
    return value._value if isinstance(value, Value) else value


def _number(value: float | Decimal) -> str:
    if not math.isfinite(value):
        raise ValueError(f"{value} cannot be written in SQL")
    # After a minus sign another one would begin a comment.
    return f"({value})" if value < 0 else str(value)


def _text(value: str, dialect: str) -> str:
    if "\0" in value:
        raise ValueError("a text with a zero byte cannot be written in SQL")
    if dialect in _ESCAPING:
        value = value.replace("\\", "\\\\")
    return "'" + value.replace("'", "''") + "'"
