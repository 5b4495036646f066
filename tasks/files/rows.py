"""Rows of Python values into Arrow batches, those that do not fit kept aside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from tasks.files.broken import BrokenRows
from tasks.files.columns import word_of

if TYPE_CHECKING:
    import pyarrow

_LARGEST = 2**63
_MIDNIGHT = time(0)


@dataclass(frozen=True, slots=True)
class Row:
    """A row as its file has it.

    Args:
        line: Line (of an Excel sheet: row) it begins at, counted from 1.
        values: In the order of the columns.
        text: What stands there, for people.
    """

    line: int
    values: Sequence[Any]
    text: str


def batch_of(
    rows: list[Row], schema: pyarrow.Schema, address: str, broken: BrokenRows
) -> pyarrow.RecordBatch:
    """Make a batch.

    Args:
        rows: Each with as many values as there are columns.
        schema: Names and types of the columns.
        address: The file, for what is said of broken rows.
        broken: Takes the rows with a value that does not fit its column.
    """
    import pyarrow

    made = _made(rows, schema)
    if made is None:
        sound = []
        for row in rows:
            reason = _reason(row, schema)
            if reason:
                broken.add(address, row.line, reason, row.text)
            else:
                sound.append(row)
        made = _made(sound, schema)
    return pyarrow.record_batch(made, schema=schema)


def guessed(values: Iterable[Any]) -> pyarrow.DataType:
    """The type of a column with these values; text where they are of several."""
    import pyarrow

    values = [value for value in values if value is not None]
    kinds = {type(value) for value in values}
    if kinds == {bool}:
        return pyarrow.bool_()
    if int in kinds and any(abs(value) >= _LARGEST for value in values if type(value) is int):
        return pyarrow.string()
    if kinds == {int}:
        return pyarrow.int64()
    if kinds and kinds <= {int, float}:
        return pyarrow.float64()
    if kinds and kinds <= {date, datetime}:
        days = all(type(v) is date or (v.time() == _MIDNIGHT and not v.tzinfo) for v in values)
        return pyarrow.date32() if days else pyarrow.timestamp("us")
    return pyarrow.time64("us") if kinds == {time} else pyarrow.string()


def _made(rows: list[Row], schema: pyarrow.Schema) -> list[pyarrow.Array] | None:
    """The columns; None if a value of one does not fit."""
    import pyarrow

    columns = []
    for number, field in enumerate(schema):
        convert = _converter(field.type)
        try:
            values = [convert(v) if (v := row.values[number]) is not None else None for row in rows]
            columns.append(pyarrow.array(values, type=field.type))
        except _REFUSED:
            return None
    return columns


def _reason(row: Row, schema: pyarrow.Schema) -> str:
    """What is wrong with a row; nothing if all is well."""
    import pyarrow

    for value, field in zip(row.values, schema, strict=True):
        try:
            if value is not None:
                pyarrow.scalar(_converter(field.type)(value), type=field.type)
        except _REFUSED:
            return f"{field.name}: {str(value)[:100]!r} is no {word_of(field.type)}"
    return ""


#: What converters and pyarrow raise; pyarrow's errors are of these.
_REFUSED = (ValueError, TypeError, OverflowError, InvalidOperation, ArithmeticError)


def _converter(kind: pyarrow.DataType) -> Callable[[Any], Any]:
    from pyarrow import types

    tests: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
        (types.is_integer, _integer),
        (types.is_floating, _number),
        (types.is_boolean, _boolean),
        (types.is_decimal, _decimal),
        (types.is_date, _date),
        (types.is_time, _time),
    )
    for test, convert in tests:
        if test(kind):
            return convert
    if types.is_timestamp(kind):
        return _aware if kind.tz else _naive
    return text_of


def text_of(value: Any) -> str:
    """A value as text: lists and objects as JSON, dates as ISO 8601.

    Example:
        >>> text_of(True), text_of({"a": [1]}), text_of(date(2026, 3, 1))
        ('true', '{"a":[1]}', '2026-03-01')
    """
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | bool):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str)
    return value.isoformat(" ") if isinstance(value, datetime) else str(value)


def _integer(value: Any) -> int:
    if isinstance(value, str):
        return int(value)
    if isinstance(value, bool) or value != int(value):
        raise ValueError(value)
    return int(value)


def _number(value: Any) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    return float(value)


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower(), value)  # type: ignore[arg-type]
    if not isinstance(value, bool):
        raise ValueError(value)
    return value


def _decimal(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise ValueError(value)
    return value if isinstance(value, Decimal) else Decimal(str(value))


def _date(value: Any) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value)
    if isinstance(value, datetime):
        if value.time() != _MIDNIGHT:
            raise ValueError(value)
        return value.date()
    return value


def _time(value: Any) -> time:
    return time.fromisoformat(value) if isinstance(value, str) else value


def _naive(value: Any) -> datetime:
    found = _instant(value)
    if found.tzinfo is not None:
        raise ValueError(value)
    return found


def _aware(value: Any) -> datetime:
    found = _instant(value)
    if found.tzinfo is None:
        raise ValueError(value)
    return found


def _instant(value: Any) -> datetime:
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, _MIDNIGHT)
    raise ValueError(value)
