"""Postgres' types as Arrow has them, and the other way round."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pyarrow as pa
from psycopg.types.string import TextLoader

_ARROW: dict[str, pa.DataType] = {
    "bool": pa.bool_(), "bytea": pa.binary(), "date": pa.date32(), "float4": pa.float32(),
    "float8": pa.float64(), "int2": pa.int16(), "int4": pa.int32(), "int8": pa.int64(),
    "interval": pa.duration("us"), "oid": pa.int64(), "time": pa.time64("us"),
    "timestamp": pa.timestamp("us"), "timestamptz": pa.timestamp("us", "UTC"),
    "text": pa.string(), "varchar": pa.string(), "bpchar": pa.string(), "name": pa.string(),
    "char": pa.string(),
}  # fmt: skip
_MOST_DIGITS = 76  #: of Arrow's decimals
_SIMPLE = {
    pa.bool_(): "boolean", pa.int8(): "smallint", pa.int16(): "smallint", pa.int32(): "integer",
    pa.int64(): "bigint", pa.uint8(): "smallint", pa.uint16(): "integer", pa.uint32(): "bigint",
    pa.uint64(): "numeric(20)", pa.float16(): "real", pa.float32(): "real",
    pa.float64(): "double precision", pa.date32(): "date", pa.date64(): "date",
    pa.null(): "text",
}  # fmt: skip


def as_texts(cursor: psycopg.Cursor[Any]) -> None:
    """Have a cursor give JSON, UUIDs, ranges and the like as their texts, and digits for Arrow."""
    for info in cursor.adapters.types:
        if info.name not in _ARROW:
            cursor.adapters.register_loader(info.oid, TextLoader)


def schema_of(cursor: psycopg.Cursor[Any]) -> pa.Schema:
    """The Arrow schema of a cursor's result.

    A ``numeric`` without precision becomes a float: its digits are known only row by row. What
    Arrow has no type for (JSON, UUIDs, …) becomes text.
    """
    columns = cursor.description or ()
    return pa.schema([pa.field(c.name, _type(cursor, c)) for c in columns])


def batch_of(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.RecordBatch:
    """Make a record batch of rows that a cursor gave.

    Raises:
        psycopg.DataError: A value is none of its column's type, as a ``numeric`` that is no number.
    """
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(schema)
    arrays = []
    for values, field in zip(columns, schema, strict=True):
        try:
            arrays.append(_array(values, field.type))
        except pa.ArrowInvalid as error:
            what = f"column {field.name!r} cannot become Arrow's {field.type}: {error}"
            raise psycopg.DataError(what) from None
    return pa.record_batch(arrays, schema=schema)


def sql_type(kind: pa.DataType) -> str:
    """Name the type of a column that is to hold Arrow values.

    Example:
        >>> sql_type(pa.decimal128(10, 2)), sql_type(pa.list_(pa.int32()))
        ('numeric(10, 2)', 'jsonb')
    """
    is_ = pa.types
    if is_.is_dictionary(kind):
        return sql_type(kind.value_type)
    if is_.is_decimal(kind):
        return f"numeric({kind.precision}, {kind.scale})"
    if is_.is_timestamp(kind):
        return "timestamp" if kind.tz is None else "timestamptz"
    if is_.is_time(kind):
        return "time"
    if is_.is_duration(kind):
        return "interval"
    if is_.is_nested(kind):
        return "jsonb"
    if is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind):
        return "bytea"
    return _SIMPLE.get(kind, "text")


def _type(cursor: psycopg.Cursor[Any], column: psycopg.Column) -> pa.DataType:
    info = cursor.adapters.types.get(column.type_code)
    if info is None:
        return pa.string()
    if info.array_oid == column.type_code:
        return pa.list_(
            _ARROW.get(info.name, pa.float64() if info.name == "numeric" else pa.string())
        )
    if info.name != "numeric":
        return _ARROW.get(info.name, pa.string())
    if not column.precision or column.precision > _MOST_DIGITS or (column.scale or 0) < 0:
        return pa.float64()
    wide = pa.decimal128 if column.precision <= 38 else pa.decimal256
    return wide(column.precision, column.scale or 0)


def _array(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    first = next((value for value in values if value is not None), None)
    if isinstance(first, str) and not pa.types.is_string(kind):  # digits: Arrow reads them fast
        return pa.array(values, pa.string()).cast(kind)
    if pa.types.is_list(kind) and pa.types.is_floating(kind.value_type):
        return pa.array([v and [None if x is None else float(x) for x in v] for v in values], kind)
    return pa.array(values, kind)
