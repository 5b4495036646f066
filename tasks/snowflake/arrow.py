"""Arrow out of Snowflake: batches as the server hands them over, under one schema."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from snowflake.connector.constants import FIELD_ID_TO_NAME
from snowflake.connector.errors import NotSupportedError

from tasks.dbapi.session import batch_of
from tasks.snowflake.names import shown

if TYPE_CHECKING:
    from snowflake.connector.cursor import SnowflakeCursor

_BATCH = 65_536  #: rows of one batch
_ROWS = 10_000  #: that are read at a time where the server gives no Arrow
_TYPES = {
    "REAL": pa.float64(),
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "TIMESTAMP_NTZ": pa.timestamp("us"),
    "TIMESTAMP_LTZ": pa.timestamp("us", "UTC"),
    "TIMESTAMP_TZ": pa.timestamp("us", "UTC"),
    "TIMESTAMP": pa.timestamp("us"),
    "BINARY": pa.binary(),
}
#: SQL types of new columns, by what pyarrow calls theirs.
_SQL_TYPES = (
    (pa.types.is_boolean, "BOOLEAN"),
    (pa.types.is_integer, "NUMBER(38,0)"),
    (pa.types.is_floating, "FLOAT"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
    (pa.types.is_binary, "BINARY"),
    (pa.types.is_large_binary, "BINARY"),
    (pa.types.is_fixed_size_binary, "BINARY"),
    (pa.types.is_map, "OBJECT"),
    (pa.types.is_struct, "OBJECT"),
    (pa.types.is_list, "ARRAY"),
    (pa.types.is_large_list, "ARRAY"),
)


def reader_of(cursor: SnowflakeCursor) -> pa.RecordBatchReader:
    """Give the result of a cursor in batches; the server's parts are fetched as they are read."""
    schema = schema_of(cursor)
    return pa.RecordBatchReader.from_batches(schema, _batches(cursor, schema))


def schema_of(cursor: SnowflakeCursor) -> pa.Schema:
    """The columns of a result: names compared without case in lower case, one type for each."""
    return pa.schema(
        [pa.field(shown(column.name), _type(column)) for column in cursor.description or ()]
    )


def sql_type(kind: pa.DataType) -> str:
    """The type of a new column.

    Example:
        >>> sql_type(pa.int32()), sql_type(pa.decimal128(10, 2)), sql_type(pa.string())
        ('NUMBER(38,0)', 'NUMBER(10,2)', 'VARCHAR')
    """
    if pa.types.is_dictionary(kind):
        return sql_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return f"NUMBER({min(kind.precision, 38)},{kind.scale})"
    if pa.types.is_timestamp(kind):
        return "TIMESTAMP_TZ" if kind.tz else "TIMESTAMP_NTZ"
    return next((name for fits, name in _SQL_TYPES if fits(kind)), "VARCHAR")


def _type(column: Any) -> pa.DataType:
    name = FIELD_ID_TO_NAME[column.type_code]
    if name == "FIXED":
        # Whole numbers come as narrow as those of one part are: each part otherwise.
        return pa.decimal128(column.precision or 38, column.scale) if column.scale else pa.int64()
    return _TYPES.get(name, pa.string())


def _batches(cursor: SnowflakeCursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    # Otherwise fractions would come as floats.
    connection = cursor.connection
    before, connection._arrow_number_to_decimal = connection._arrow_number_to_decimal, True
    try:
        tables = cursor.fetch_arrow_batches(force_microsecond_precision=True)
        first = next(iter(tables), None)
    except NotSupportedError:  # what SHOW, DESCRIBE and DML give is no Arrow
        yield from _of_rows(cursor, schema)
        return
    finally:
        connection._arrow_number_to_decimal = before
    for table in itertools.chain([] if first is None else [first], tables):
        yield from _alike(table, schema).to_batches(max_chunksize=_BATCH)


def _of_rows(cursor: SnowflakeCursor, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    while rows := cursor.fetchmany(_ROWS):
        yield batch_of(rows, schema)


def _alike(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [
        _cast(column, field.type) for column, field in zip(table.columns, schema, strict=True)
    ]
    return pa.table(columns, schema=schema)


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    # Of a time or an instant what is finer than microseconds is cut off; a number never is.
    exact = not (pa.types.is_timestamp(kind) or pa.types.is_time(kind))
    return column if column.type == kind else column.cast(kind, safe=exact)
