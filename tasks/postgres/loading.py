"""Writes Arrow batches to a Postgres table by COPY, all or nothing."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

import psycopg
import pyarrow as pa
from pyarrow import csv

from tasks.columns import fitted, refuse_twice
from tasks.postgres.arrow import sql_type
from tasks.postgres.opening import quoted
from tasks.sql.session import Mode

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ROWS = 50_000  #: that are written as CSV at a time
_CSV = csv.WriteOptions(include_header=False, quoting_style="needed")


def load(
    connection: psycopg.Connection[Any], table: str, batches: pa.RecordBatchReader, mode: Mode
) -> int:
    """Write batches to a table in one transaction.

    Args:
        connection: The connection; within a transaction of its own the rows are part of that.
        table: Name as SQL has it, of one to three parts.
        batches: The rows.
        mode: What becomes of a table that is there.

    Returns:
        The number of rows.

    Raises:
        FlowError: The columns do not fit the table.
        psycopg.Error: Postgres refused; nothing is changed.
    """
    _make_schema(connection, table)
    with connection.transaction(), connection.cursor() as cursor:
        known = _columns(cursor, table)
        if known is not None and mode is Mode.REPLACE:
            cursor.execute(f"DROP TABLE {table}")
            known = None
        elif known is not None and mode is Mode.TRUNCATE:
            cursor.execute(f"TRUNCATE TABLE {table}")
        if known is None:
            names = _new_names(table, batches.schema)
            cursor.execute(_creation(table, names, batches.schema))
        else:
            lacking = [name for name, filled in known.items() if filled]
            names = fitted(table, batches.schema.names, list(known), lacking)
        columns = ", ".join(map(quoted, names))
        with cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
            for text in _texts(batches):
                copy.write(text)
        return cursor.rowcount


def _make_schema(connection: psycopg.Connection[Any], table: str) -> None:
    row = connection.execute("SELECT parse_ident(%s)", [table]).fetchone()
    parts = row[0] if row else []
    if len(parts) < 2:
        return
    schema = quoted(parts[-2])
    found = connection.execute("SELECT to_regnamespace(%s)", [schema]).fetchone()
    if found is not None and found[0] is None:
        with suppress(psycopg.errors.UniqueViolation):  # another one was quicker
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")


def _columns(cursor: psycopg.Cursor[Any], table: str) -> dict[str, bool] | None:
    """The columns of a table, each with whether it fills itself; None if there is no table."""
    cursor.execute("SELECT to_regclass(%s)::oid", [table])
    row = cursor.fetchone()
    if row is None or row[0] is None:
        return None
    cursor.execute(
        "SELECT attname::text, atthasdef OR attidentity <> '' FROM pg_attribute"
        " WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
        [row[0]],
    )
    return dict(cursor.fetchall())


def _new_names(table: str, schema: pa.Schema) -> tuple[str, ...]:
    """Names of the columns of a new table: plain ones as if they were written without quotes."""
    refuse_twice(table, schema.names)
    return tuple(name.lower() if _PLAIN.fullmatch(name) else name for name in schema.names)


def _creation(table: str, names: Sequence[str], schema: pa.Schema) -> str:
    columns = zip(names, schema, strict=True)
    listed = ", ".join(f"{quoted(name)} {sql_type(field.type)}" for name, field in columns)
    return f"CREATE TABLE {table} ({listed})"


# -- CSV as COPY reads it ----------------------------------------------------------------------


def _texts(batches: pa.RecordBatchReader) -> Iterator[bytes]:
    for batch in batches:
        for start in range(0, batch.num_rows, _ROWS):
            part = batch.slice(start, _ROWS)
            arrays = [_writable(array) for array in part.columns]
            buffer = io.BytesIO()
            csv.write_csv(
                pa.record_batch(arrays, names=[str(i) for i in range(len(arrays))]), buffer, _CSV
            )
            yield buffer.getvalue()


def _writable(array: pa.Array) -> pa.Array:
    """An array that the writer of CSV takes; NULL is what stands there without quotes."""
    kind, is_ = array.type, pa.types
    if is_.is_dictionary(kind):
        return _writable(array.dictionary_decode())
    if is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind):
        return _made(array, lambda value: "\\x" + value.hex())
    if is_.is_duration(kind):
        seconds = array.cast(pa.duration("us")).cast(pa.int64())
        return _made(seconds, lambda value: f"{value} microseconds")
    if is_.is_nested(kind):
        return _made(array, lambda value: json.dumps(value, default=str))
    if is_.is_float16(kind):
        return array.cast(pa.float32())
    if is_.is_null(kind):
        return pa.nulls(len(array), pa.string())
    return array


def _made(array: pa.Array, write: Any) -> pa.Array:
    values = array.to_pylist()
    return pa.array([None if value is None else write(value) for value in values], pa.string())
