"""Arrow out of DuckDB and into it: batches of a query as they come, a table loaded all or nothing."""

from __future__ import annotations

import contextlib
import itertools
import re
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import duckdb

from orchestrator.model import context
from orchestrator.model.dataset import Dataset, Namespace
from tasks.columns import fitted, refuse_twice
from tasks.frames import arrow
from tasks.sql.session import Data, Mode

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection
    from pyarrow import RecordBatch, RecordBatchReader

_BATCH = 100_000  #: rows of one batch
_PAUSE = 0.02  #: seconds between two looks at what another transaction holds
_numbers = itertools.count(1)
#: The schema that a table's name begins with, where it has one.
_SCHEMA = re.compile(
    r"""\s*((?:"(?:[^"]|"")+"|[^".]+)(?:\s*\.\s*(?:"(?:[^"]|"")+"|[^".]+))?)\s*\."""
)
_DESCRIBED = "select name, dflt_value is not null from pragma_table_info(?)"
_LISTED = """
select column_name, column_default is not null
from duckdb_columns()
where lower(table_name) = lower($name)
    and lower(schema_name) = lower(coalesce($schema, current_schema()))
    and (
        lower(database_name) = lower(coalesce($catalog, current_database()))
        or ($catalog is null and $schema is null and database_name = 'temp')
    )
order by column_index
"""
_IS_CATALOG = """
select 1 from duckdb_databases() where lower(database_name) = lower($name) and not exists (
    from duckdb_schemas()
    where lower(schema_name) = lower($name) and database_name = current_database()
)
"""


def batches(connection: DuckDBPyConnection, query: str, data: Data) -> RecordBatchReader:
    """Give the rows of a query as they come; until they are read, the connection is in use.

    Args:
        connection: DuckDB's own.
        query: One statement that gives rows.
        data: Values for its placeholders.

    Raises:
        ConfigurationError: pyarrow is not installed.
        duckdb.Error: The query failed, here or while the batches are read.
    """
    pyarrow = arrow()
    relation = connection.sql(query, params=data or None)
    if relation is None:
        return pyarrow.table({}).to_reader()
    # DuckDB 1.2 has another name for it, and reads all rows first.
    newer = hasattr(type(relation), "to_arrow_reader")
    reader = (relation.to_arrow_reader if newer else relation.fetch_arrow_reader)(_BATCH)
    return pyarrow.RecordBatchReader.from_batches(reader.schema, _translated(reader, relation))


def load(connection: DuckDBPyConnection, table: str, rows: RecordBatchReader, mode: Mode) -> int:
    """Write batches to a table; see :meth:`tasks.sql.session.SqlSession.load`.

    Raises:
        FlowError: The columns do not fit the table.
        duckdb.Error: DuckDB refused; nothing is changed.
    """
    refuse_twice(table, rows.schema.names)
    known = _columns(connection, table)
    if known is None:
        _make_schema(connection, table)
    with _poured(connection, rows) as name, _named(connection, rows.schema.empty_table()) as empty:
        if mode is Mode.REPLACE:
            return _counted(connection, f"CREATE OR REPLACE TABLE {table} AS SELECT * FROM {name}")
        with _transaction(connection) as own:
            if known is None:
                known = _made(connection, table, empty, again=own)
            lacking = [column for column, filled in known.items() if filled]
            into = fitted(table, rows.schema.names, list(known), lacking)
            if mode is Mode.TRUNCATE:
                connection.execute(f"DELETE FROM {table}")
            columns = ", ".join(map(_quoted, into))
            return _counted(connection, f"INSERT INTO {table} ({columns}) SELECT * FROM {name}")


def _columns(connection: DuckDBPyConnection, table: str) -> dict[str, bool] | None:
    """The columns of a table, each with whether it fills itself; None if there is no table."""
    if _in_transaction(connection):  # which asking for a table that is not there would abort
        return _columns_listed(connection, table)
    try:  # not DESCRIBE, which takes the table json of the schema raw for a file, if there is none
        found = connection.execute(_DESCRIBED, [table]).fetchall()
    except duckdb.CatalogException:
        return None
    return dict(found)


def _columns_listed(connection: DuckDBPyConnection, table: str) -> dict[str, bool] | None:
    name = Dataset.table(table, Namespace("duckdb"))
    catalog, schema = name.catalog, name.schema
    if catalog is None and schema is not None and _is_catalog(connection, schema):
        catalog, schema = schema, "main"
    values = {"catalog": catalog, "schema": schema, "name": name.name}
    return dict(connection.execute(_LISTED, values).fetchall()) or None


def _made(
    connection: DuckDBPyConnection, table: str, empty: str, *, again: bool
) -> dict[str, bool]:
    """Make a table; another transaction that makes it right now is waited for.

    Args:
        connection: In a transaction.
        table: Its name.
        empty: Name of something with its columns and no rows.
        again: Whether the transaction may be begun anew.
    """
    while True:
        try:
            connection.execute(f"CREATE TABLE IF NOT EXISTS {table} AS SELECT * FROM {empty}")
            return _columns(connection, table) or {}
        except duckdb.TransactionException:
            if not again:
                raise
            connection.execute("ROLLBACK")
            _rest()
            connection.execute("BEGIN TRANSACTION")


@contextlib.contextmanager
def _poured(connection: DuckDBPyConnection, rows: RecordBatchReader) -> Iterator[str]:
    """The rows under a name that one statement of the block may read."""
    import pyarrow

    watched = _Watched(rows)
    reader = pyarrow.RecordBatchReader.from_batches(rows.schema, watched.batches())
    with _named(connection, reader) as name:
        try:
            yield name
        except duckdb.Error:
            if watched.error is not None:  # what makes the rows failed, not DuckDB
                raise watched.error from None
            raise


@contextlib.contextmanager
def _named(connection: DuckDBPyConnection, rows: Any) -> Iterator[str]:
    name = f"orchestrator_rows_{threading.get_ident()}_{next(_numbers)}"
    connection.register(name, rows)
    try:
        yield name
    finally:
        with contextlib.suppress(duckdb.Error):  # gone already where a transaction was aborted
            connection.unregister(name)


def _counted(connection: DuckDBPyConnection, statement: str) -> int:
    counted = connection.execute(statement).fetchall()
    return int(counted[0][0]) if counted else 0


class _Watched:
    """Batches on their way into DuckDB, and what their source raised: DuckDB tells its text only."""

    def __init__(self, rows: RecordBatchReader) -> None:
        self._rows = rows
        self.error: BaseException | None = None

    def batches(self) -> Iterator[RecordBatch]:
        try:
            yield from self._rows
        except BaseException as error:
            self.error = error
            raise


def _translated(reader: RecordBatchReader, relation: Any) -> Iterator[RecordBatch]:
    """The batches; the relation that they come from stays until all have come."""
    try:
        yield from reader
    except OSError as error:  # so pyarrow says what DuckDB says on the way
        raise duckdb.Error(str(error)) from None


@contextlib.contextmanager
def _transaction(connection: DuckDBPyConnection) -> Iterator[bool]:
    """A transaction of its own, or that which is open; tells whether it is its own."""
    if _in_transaction(connection):
        yield False
        return
    connection.execute("BEGIN TRANSACTION")
    try:
        yield True
        connection.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(duckdb.Error):  # none is left where its end was what failed
            connection.execute("ROLLBACK")
        raise


def _in_transaction(connection: DuckDBPyConnection) -> bool:
    """Whether two statements share their transaction; to begin one in another would abort that."""
    asked = (connection.execute("SELECT txid_current()").fetchall() for _ in range(2))
    return next(asked) == next(asked)


def _make_schema(connection: DuckDBPyConnection, table: str) -> None:
    named = _SCHEMA.match(table)
    if named is None or _is_catalog(connection, named[1]):
        return
    while True:
        try:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {named[1]}")
            return
        except duckdb.TransactionException:  # another thread makes it, and has not committed yet
            _rest()


def _rest() -> None:
    """A moment, while another transaction is in the way; ends the wait when told to stop."""
    running = context.active()
    if running is None:
        time.sleep(_PAUSE)
    elif running.cancelled.wait(_PAUSE):
        raise duckdb.TransactionException("cancelled while another transaction was in the way")


def _is_catalog(connection: DuckDBPyConnection, name: str) -> bool:
    """Whether ``a.b`` is table b of the database a, as DuckDB reads it where no schema is called a."""
    values = {"name": name.strip().strip('"')}
    return bool(connection.execute(_IS_CATALOG, values).fetchall())


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
