"""Opens a run store wherever it is kept, and brings its schema up to date first."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import StoreError
from orchestrator.store.base import RunStore

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

MEMORY = "memory:"  #: instead of a place: a store that lasts as long as the process

_MIGRATIONS = Path(__file__).with_name("migrations")
_POSTGRES_LOCK = 0x6F7263  #: any number, the same in every process that migrates


def open_store(place: str | os.PathLike[str], *, busy_seconds: float = 30.0) -> RunStore:
    """Open the run store at a place; make it, or bring its schema up to date, when needed.

    Args:
        place: A SQLite file, a URL (``sqlite:///…``, ``postgresql://…``), or ``"memory:"``.
        busy_seconds: How long to wait for another process that writes to the same file, or for a
            server that restarts once the store is open.

    Raises:
        StoreError: It cannot be opened, is something else, or was made by a newer version.

    Example:
        >>> with open_store("memory:") as store:
        ...     store.runs()
        ()
    """
    if place == MEMORY:
        from orchestrator.store.memory import MemoryStore

        return MemoryStore()
    # SQLAlchemy takes a third of a second to import: only whoever opens a database waits for it.
    from orchestrator.store.failures import translated
    from orchestrator.store.server import ServerStore
    from orchestrator.store.sql import SqlStore

    engine, where = _engine(os.fspath(place), busy_seconds)
    try:
        with translated(where):
            _bring_to_head(engine, where)
    except BaseException:
        engine.dispose()
        raise
    if engine.dialect.name == "sqlite":
        return SqlStore(engine, where)
    return ServerStore(engine, where, patience=busy_seconds)


def _engine(place: str, busy_seconds: float) -> tuple[Engine, str]:
    from sqlalchemy import make_url
    from sqlalchemy.exc import ArgumentError

    from orchestrator.store.engines import postgres_engine, sqlite_engine

    if "://" not in place:
        return sqlite_engine(Path(place), busy_seconds=busy_seconds), place
    try:
        url = make_url(place)
    except ArgumentError as error:
        raise StoreError(
            "the address of the run store cannot be read",
            fix="give a file, or postgresql://user@host/database",
        ) from error
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreError(
                "a run store needs a file", where=place, fix=f"give a file, or {MEMORY!r}"
            )
        return sqlite_engine(Path(url.database), busy_seconds=busy_seconds), url.database
    return postgres_engine(url), url.render_as_string(hide_password=True)


def _bring_to_head(engine: Engine, where: str) -> None:
    from orchestrator.store.tables import HEAD

    with engine.execution_options(store="read").connect() as connection:
        if _version(connection) == HEAD:
            return
    with engine.begin() as connection:
        # Whoever else migrates waits here, and then finds the work done.
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_POSTGRES_LOCK})")
        version = _version(connection)
        if version is None:
            _check_ours(connection, where)
            _make(connection)
        elif version != HEAD:
            _migrate(connection, where)


def _version(connection: Connection) -> str | None:
    from sqlalchemy import inspect

    if connection.dialect.name == "sqlite":
        table = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        if connection.exec_driver_sql(table).first() is None:
            return None
    elif not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.exec_driver_sql(
        "SELECT version_num FROM alembic_version"
    ).scalar()
    return version


def _check_ours(connection: Connection, where: str) -> None:
    """Refuse a SQLite file that belongs to something else; a server's database may be shared."""
    if connection.dialect.name != "sqlite":
        return
    if connection.exec_driver_sql("SELECT 1 FROM sqlite_master").first() is not None:
        raise StoreError(
            "the file is a SQLite database, but not a run store",
            where=where,
            fix="name another file",
        )


def _make(connection: Connection) -> None:
    """Make at once the tables that the migrations would make one after the other."""
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory

    from orchestrator.store.tables import HEAD, metadata

    metadata.create_all(connection, checkfirst=False)
    MigrationContext.configure(connection).stamp(ScriptDirectory(str(_MIGRATIONS)), HEAD)


def _migrate(connection: Connection, where: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"the run store was made by a newer version of this program ({error})",
            where=where,
            fix="update with `pip install --upgrade analytics-orchestrator`, or name another store",
        ) from error
