"""Database engines: how SQLite and Postgres are connected to and how their transactions begin."""

from __future__ import annotations

import os
import random
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from orchestrator.errors import StoreError

# How a transaction is meant, as the execution option ``store`` of its connection.
READ = "read"
DURABLE = "durable"  #: on the disk when it returns
RELAXED = "relaxed"  #: whole after a crash of the process; the machine may lose the last ones

#: How long to wait before asking again to write, in seconds: drawn anew each time between these.
_PAUSE = (0.001, 0.004)


def sqlite_engine(path: Path, *, busy_seconds: float) -> Engine:
    """Return an engine on a SQLite file: WAL, foreign keys, writers that queue up.

    Args:
        path: The file; made with mode 0600, and its folder with 0700, when missing.
        busy_seconds: How long to wait for another process's transaction.

    Raises:
        StoreError: The folder or the file cannot be made.
    """
    _make_private(path)
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"timeout": busy_seconds, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # transactions begin where _begin says, nowhere else
        _use_wal(connection, time.monotonic() + busy_seconds)
        connection.execute("PRAGMA foreign_keys=ON")
        # SQLite's own lower() knows ASCII only.
        connection.create_function("lower", 1, _lower, deterministic=True)

    event.listen(engine, "begin", partial(_begin, busy_seconds=busy_seconds))
    return engine


def postgres_engine(url: URL) -> Engine:
    """Return an engine on a server.

    Raises:
        StoreError: The address is wrong or its driver is not installed.
    """
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    try:
        return create_engine(url, pool_pre_ping=True)
    except ModuleNotFoundError as error:
        raise StoreError(
            f"the driver {error.name!r} for this run store is not installed",
            where=url.render_as_string(hide_password=True),
            fix="pip install 'analytics-orchestrator[postgres]'",
        ) from error
    except (ArgumentError, NoSuchModuleError) as error:
        raise StoreError(
            f"a run store cannot be kept there: {error}",
            where=url.render_as_string(hide_password=True),
            fix="give a file, or postgresql://user@host/database",
        ) from error


def _make_private(path: Path) -> None:
    if path.is_file():
        return
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StoreError(
            f"the run store cannot be made: {error.strerror}",
            where=str(path),
            fix="make the folder writable for this user, or choose another place",
        ) from error


def _use_wal(connection: sqlite3.Connection, deadline: float) -> None:
    # The first switch to WAL needs the file alone, and SQLite does not wait for that by itself.
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if not _is_busy(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _begin(connection: Connection, *, busy_seconds: float) -> None:
    mode = connection.get_execution_options().get("store", DURABLE)
    if mode == READ:
        return
    wanted = "NORMAL" if mode == RELAXED else "FULL"
    info = connection.info
    if info.get("synchronous") != wanted:
        connection.exec_driver_sql(f"PRAGMA synchronous={wanted}")
        info["synchronous"] = wanted
    # A transaction that reads first and writes later fails when another wrote between: begin as
    # a writer.
    _begin_to_write(connection, busy_seconds)


def _begin_to_write(connection: Connection, busy_seconds: float) -> None:
    """Begin as the writer, waiting for the others fairly.

    SQLite's own wait sleeps longer each time, up to 0.1 s, so that who has waited longest asks
    least and starves behind those who have just come.
    """
    database: Any = connection.connection.driver_connection
    deadline = time.monotonic() + busy_seconds
    database.execute("PRAGMA busy_timeout=0")
    try:
        while not _try_to_write(database):
            if time.monotonic() > deadline:
                connection.exec_driver_sql("BEGIN IMMEDIATE")  # says what is wrong
                return
            time.sleep(random.uniform(*_PAUSE))
    finally:
        database.execute(f"PRAGMA busy_timeout={round(busy_seconds * 1000)}")


def _try_to_write(database: sqlite3.Connection) -> bool:
    try:
        database.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if not _is_busy(error):
            raise
        return False
    return True


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _lower(text: Any) -> Any:
    return text.lower() if isinstance(text, str) else text
