"""Reads and writes tables over any warehouse's connection, as frames of pandas, polars or Arrow."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from orchestrator.model import context
from tasks.columns import refuse_twice
from tasks.frames import arrow, batches_of, frame_of
from tasks.sql import transactions
from tasks.sql.failing import failed
from tasks.sql.script import Script
from tasks.sql.session import Data, Mode, SqlSession, SqlWarehouse, Statement

if TYPE_CHECKING:
    from pyarrow import RecordBatch, RecordBatchReader

#: The session of each driver's connections, by the package that the connection's class is of.
_SESSIONS = {
    "duckdb": ("tasks.duckdb.session", "DuckDBSession"),
    "_duckdb": ("tasks.duckdb.session", "DuckDBSession"),
    "psycopg": ("tasks.postgres.session", "PostgresSession"),
    "snowflake": ("tasks.snowflake.session", "SnowflakeSession"),
}
#: Files that are no place of a user's: this one, libraries, Python's own.
_OWN = (__file__, f"{os.sep}site-packages{os.sep}", os.path.dirname(os.__file__))


def read(connection: Any, query: str, data: Data = None, as_: str = "pandas") -> Any:
    """Run a query and return its rows as a frame.

    Args:
        connection: What a task got as its connection (``warehouse``, an argument annotated with
            ``Connection``), or a warehouse itself.
        query: One statement that gives rows.
        data: Values for its placeholders, bound.
        as_: ``pandas``, ``arrow`` (a pyarrow table), ``polars``, ``dicts`` (a list of them), or
            ``stream``, as :func:`stream` does.

    Raises:
        FAIL: The query failed; the detail has its text and what the database said.
        FlowError: This is no connection of a warehouse, or there is no such kind of frame.

    Example:
        >>> import duckdb
        >>> with duckdb.connect() as con:
        ...     read(con, "select 6 * ? as answer", [7], as_="dicts")
        [{'answer': 42}]
    """
    if as_ == "stream":
        return stream(connection, query, data)
    with _session(connection) as session:
        take_down(connection, query)
        return frame_of(_batches(session, query, data), as_)


def stream(connection: Any, query: str, data: Data = None) -> RecordBatchReader:
    """Run a query and return its rows in Arrow batches as they come, in bounded memory.

    Read it to its end: on DuckDB the connection can do nothing else before that.

    Args:
        connection: As of :func:`read`.
        query: One statement that gives rows.
        data: Values for its placeholders, bound.

    Raises:
        FAIL: The query failed, here or on the way.

    Example:
        >>> import duckdb
        >>> with duckdb.connect() as con:
        ...     sum(batch.num_rows for batch in stream(con, "from range(1000000)"))
        1000000
    """
    pyarrow = arrow()
    held = _session(connection)
    session = held.__enter__()
    try:
        take_down(connection, query)
        reader = _batches(session, query, data)
    except BaseException:
        held.__exit__(*sys.exc_info())
        raise

    def batches() -> Iterator[RecordBatch]:
        try:
            yield from reader
        finally:
            held.__exit__(None, None, None)

    return pyarrow.RecordBatchReader.from_batches(reader.schema, batches())


def write(connection: Any, table: str, frame: Any, mode: Mode | str = Mode.APPEND) -> int:
    """Write a frame to a table, all or nothing, and return the number of rows.

    Args:
        connection: As of :func:`read`.
        table: Its name as SQL has it; where the table or its schema is missing, it is made.
        frame: A pandas or polars frame, a pyarrow table or reader, a list of dicts, or an iterator
            of such pieces. Columns go by name.
        mode: ``append`` to the rows that are there; ``truncate``: put these in their place;
            ``replace``: make the table anew.

    Raises:
        FlowError: It is no frame, or its columns do not fit the table.
        FAIL: The database refused the rows; nothing is changed.

    Example:
        >>> import duckdb
        >>> with duckdb.connect() as con:
        ...     write(con, "marts.days", [{"day": "Mon"}, {"day": "Tue"}], mode="replace")
        2
    """
    how = mode_of(mode)
    batches = batches_of(frame)
    with _session(connection) as session:
        take_down(connection, written(table, how))
        with translated(session, f"write {table} ({how})"):
            return loaded(session, table, batches, how)


def run(connection: Any, sql: str, data: Data = None) -> int | None:
    """Run a script, its statements in order, and return the rows that the last one wrote.

    Args:
        connection: As of :func:`read`.
        sql: One statement, or several.
        data: Values for placeholders, ``$name`` in the SQL of any database: by name.

    Raises:
        FAIL: A statement failed.

    Example:
        >>> import duckdb
        >>> with duckdb.connect() as con:
        ...     run(con, "create table t (x int); insert into t values ($a), ($b)", {"a": 1, "b": 2})
        2
    """
    with _session(connection) as session:
        take_down(connection, sql)
        with translated(session, sql):
            rows = None
            for statement in session.split(sql):
                values = data if statement.parameters else None
                rows = session.execute(statement, values).rows
            return rows


@contextmanager
def transaction(connection: Any) -> Iterator[None]:
    """Keep what a block runs and writes on a connection, or nothing of it.

    Args:
        connection: What a task got as its connection.

    Example:
        >>> import duckdb
        >>> with duckdb.connect() as con:
        ...     with transaction(con):
        ...         _ = run(con, "create table t as select 1 as x")
        ...     con.sql("from t").fetchall()
        [(1,)]
    """
    with transactions.transaction(session_of(connection)):
        yield


def loaded(session: SqlSession, table: str, batches: RecordBatchReader, mode: Mode) -> int:
    """Load a table; an empty list, of which nobody knows the columns, adds no rows.

    Raises:
        FlowError: The columns do not fit; or there are none, and the table would be made anew.
    """
    if batches.schema.names:
        return session.load(table, batches, mode)
    if mode is Mode.REPLACE:
        refuse_twice(table, ())
    if mode is Mode.TRUNCATE:
        for statement in session.split(f"DELETE FROM {table}"):
            session.execute(statement)
    return 0


def mode_of(mode: Mode | str) -> Mode:
    """Read a mode's word.

    Raises:
        FlowError: It is none.
    """
    try:
        return Mode(mode)
    except ValueError:
        raise FlowError(
            f"a table cannot be written with mode {mode!r}", fix=f"one of {', '.join(Mode)}"
        ) from None


def session_of(connection: Any) -> SqlSession:
    """Find the session that speaks for a driver's connection, recorded or not.

    Raises:
        FlowError: It is no connection of a driver that is known here.
    """
    own = getattr(connection, "unrecorded", connection)
    for cls in type(own).__mro__:
        home = _SESSIONS.get(cls.__module__.partition(".")[0])
        if home is not None:
            made: SqlSession = getattr(importlib.import_module(home[0]), home[1])(own)
            return made
    raise FlowError(
        f"a {type(own).__name__} is no connection of a warehouse",
        fix="pass the connection that the task got, or the warehouse",
    )


@contextmanager
def translated(session: SqlSession, text: str | Script, place: str | None = None) -> Iterator[None]:
    """Say what a database refused as SQL tasks say it.

    Args:
        session: Whose errors they are.
        text: What was run.
        place: Where a bare text comes from; the caller's line, if left out.
    """
    try:
        yield
    except session.errors as error:
        running = context.active()
        script = Script(text, place=place or _place()(1)) if isinstance(text, str) else text
        raise failed(
            script,
            Statement(script.text, 1, ""),
            session.failure(error),
            cancelled=running is not None and running.cancelled.is_set(),
        ) from None


def take_down(connection: Any, text: str, place: str | None = None) -> None:
    """Tell the check of what ran, where the run has one.

    Args:
        connection: The connection as the warehouse gave it.
        text: The statement.
        place: Where it comes from; the caller's line, if left out.
    """
    running = context.active()
    namespace = getattr(connection, "_namespace", None) or getattr(connection, "namespace", None)
    if running is not None and running.executed is not None and namespace is not None:
        own = id(getattr(connection, "unrecorded", connection))
        where = _place() if place is None else lambda line: place
        running.executed.add(text, namespace, connection=own, place=where)


def written(table: str, mode: Mode) -> str:
    """A statement that stands for loading a table in the record of what ran."""
    if mode is Mode.REPLACE:
        return f"CREATE OR REPLACE TABLE {table} AS SELECT 0 AS rows"
    return f"INSERT INTO {table} VALUES (0)"


@contextmanager
def _session(connection: Any) -> Iterator[SqlSession]:
    if isinstance(connection, SqlWarehouse):
        with connection.connect() as opened:
            yield connection.session(opened)
        return
    yield session_of(connection)


def _batches(session: SqlSession, query: str, data: Data) -> RecordBatchReader:
    pyarrow = arrow()
    with translated(session, query):
        reader = session.batches(query, data)

    def batches() -> Iterator[RecordBatch]:
        with translated(session, query):
            yield from reader

    return pyarrow.RecordBatchReader.from_batches(reader.schema, batches())


def _place() -> Callable[[int], str]:
    """File and line of the nearest caller that is neither this file nor a library."""
    seen: FrameType | None = sys._getframe(1)
    while seen is not None and any(part in seen.f_code.co_filename for part in _OWN):
        seen = seen.f_back
    place = f"{seen.f_code.co_filename}:{seen.f_lineno}" if seen is not None else ""
    return lambda line: place
