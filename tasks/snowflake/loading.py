"""Writes Arrow batches to a Snowflake table: Parquet files into its stage, then one COPY."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import parquet
from snowflake.connector.errors import Error, ProgrammingError

from tasks.columns import fitted, refuse_twice
from tasks.snowflake.arrow import sql_type
from tasks.snowflake.names import column, parts_of, quoted
from tasks.sql.session import Mode
from tasks.sql.transactions import transaction

if TYPE_CHECKING:
    from tasks.snowflake.session import SnowflakeSession

_FILE = 64 * 1024 * 1024  #: bytes of rows in memory that make a file
_UNKNOWN = 2003  #: Snowflake's number for what does not exist


def load(session: SnowflakeSession, table: str, rows: pa.RecordBatchReader, mode: Mode) -> int:
    """Write batches to a table; see :meth:`tasks.sql.session.SqlSession.load`.

    They are written to local files of at most some 64 MB, each put into the stage that the table
    has of itself and removed here before the next. Rows in a transaction that is open are part of
    it, unless the table is new or made anew: that commits, as all DDL does on Snowflake.

    Raises:
        FlowError: The columns do not fit the table.
        snowflake.connector.errors.Error: Snowflake refused; the table is as it was.
    """
    parts = parts_of(table)
    known = _columns(session, parts)
    if known is None:
        return _new(session, parts, rows)
    if mode is Mode.REPLACE:
        return _replaced(session, parts, rows)
    may_lack = [name for name, filled in known.items() if filled]
    into = fitted(table, rows.schema.names, list(known), may_lack)
    with _staged(session, parts, into, rows) as staged, _transaction(session):
        if mode is Mode.TRUNCATE:
            session.say(f"DELETE FROM {_name(parts)}")
        return staged.copy()


def _new(session: SnowflakeSession, parts: list[str], rows: pa.RecordBatchReader) -> int:
    into = _created(session, parts, rows.schema)
    try:
        with _staged(session, parts, into, rows) as staged:
            return staged.copy()
    except BaseException:
        with suppress(Error):
            session.say(f"DROP TABLE {_name(parts)}")
        raise


def _replaced(session: SnowflakeSession, parts: list[str], rows: pa.RecordBatchReader) -> int:
    """Load beside the table, then put that in its place: readers see one or the other."""
    beside = [*parts[:-1], f"ORCHESTRATOR_{uuid.uuid4().hex.upper()}"]
    into = _created(session, beside, rows.schema)
    try:
        with _staged(session, beside, into, rows) as staged:
            count = staged.copy()
        session.say(f"CREATE OR REPLACE TABLE {_name(parts)} AS SELECT * FROM {_name(beside)}")
        return count
    finally:
        with suppress(Error):
            session.say(f"DROP TABLE {_name(beside)}")


def _created(session: SnowflakeSession, parts: list[str], schema: pa.Schema) -> tuple[str, ...]:
    refuse_twice(_name(parts), schema.names)
    if len(parts) > 1:
        session.say(f"CREATE SCHEMA IF NOT EXISTS {_name(parts[:-1])}")
    into = tuple(column(field.name) for field in schema)
    columns = ", ".join(
        f"{quoted(name)} {sql_type(field.type)}" for name, field in zip(into, schema, strict=True)
    )
    session.say(f"CREATE TABLE {_name(parts)} ({columns})")
    return into


def _columns(session: SnowflakeSession, parts: list[str]) -> dict[str, bool] | None:
    """The columns of a table, each with whether it fills itself; None if there is no table."""
    try:
        described = session.ask(f"DESCRIBE TABLE {_name(parts)}")
    except ProgrammingError as error:
        if error.errno == _UNKNOWN:
            return None
        raise
    return {str(row[0]): row[4] is not None for row in described}


class _Staged:
    """Rows that lie in a table's stage."""

    def __init__(self, session: SnowflakeSession, parts: list[str]) -> None:
        self.session, self.parts = session, parts
        stage = [*parts[:-1], f"%{parts[-1]}"]
        self.place = f"@{_name(stage)}/orchestrator/{uuid.uuid4().hex}/"
        self.files = 0

    def put(self, path: Path) -> None:
        """Upload a file."""
        self.session.say(
            f"PUT 'file://{path.as_posix()}' {self.place} AUTO_COMPRESS = FALSE OVERWRITE = TRUE"
        )
        self.files += 1

    def copy(self) -> int:
        """Write the rows to the table, and return how many they are."""
        if not self.files:
            return 0
        loaded = self.session.ask(
            f"COPY INTO {_name(self.parts)} FROM {self.place}"
            " FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)"
            " MATCH_BY_COLUMN_NAME = CASE_SENSITIVE PURGE = TRUE"
        )
        self.files = 0  # PURGE has removed them
        return sum(int(row[3]) for row in loaded)

    def forget(self) -> None:
        """Remove what was left there by an upload or a COPY that failed."""
        if self.files:
            with suppress(Error):
                self.session.say(f"REMOVE {self.place}")


@contextmanager
def _staged(
    session: SnowflakeSession, parts: list[str], into: tuple[str, ...], rows: pa.RecordBatchReader
) -> Iterator[_Staged]:
    staged = _Staged(session, parts)
    try:
        with tempfile.TemporaryDirectory(prefix="orchestrator") as folder:
            for path in _files(Path(folder), into, rows):
                staged.put(path)
                path.unlink()
        yield staged
    finally:
        staged.forget()


def _files(folder: Path, into: tuple[str, ...], rows: pa.RecordBatchReader) -> Iterator[Path]:
    schema = pa.schema(
        [pa.field(name, _plain(field.type)) for name, field in zip(into, rows.schema, strict=True)]
    )
    batches = (batch for batch in rows if batch.num_rows)
    for number, first in enumerate(batches):
        path = folder / f"{number}.parquet"
        with parquet.ParquetWriter(
            path, schema, coerce_timestamps="us", allow_truncated_timestamps=True
        ) as writer:
            size = first.nbytes
            writer.write_batch(_renamed(first, schema))
            while size < _FILE and (batch := next(batches, None)) is not None:
                size += batch.nbytes
                writer.write_batch(_renamed(batch, schema))
        yield path


def _renamed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        values if values.type == field.type else values.cast(field.type)
        for values, field in zip(batch.columns, schema, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def _plain(kind: pa.DataType) -> pa.DataType:
    """What Parquet readers understand: no dictionaries, and text for a column that is all empty."""
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_null(kind) or pa.types.is_string_view(kind):
        return pa.string()
    return kind


def _name(parts: list[str]) -> str:
    return ".".join(map(quoted, parts))


def _transaction(session: SnowflakeSession) -> AbstractContextManager[None]:
    """A transaction of its own, or that which is open."""
    return nullcontext() if session.in_transaction else transaction(session)
