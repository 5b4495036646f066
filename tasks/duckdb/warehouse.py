"""A DuckDB database as a warehouse: where its names live, who owns it, a cursor for each task."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.model import context
from orchestrator.model.dataset import Access, Dataset, Namespace
from tasks.duckdb.files import FileView, make_views
from tasks.duckdb.instances import cursor, release_all
from tasks.duckdb.opening import MEMORY, Opening
from tasks.interrupts import interruptible

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from tasks.duckdb.session import DuckDBSession

#: Seconds that two threads which make one schema may keep each other waiting.
_CONFLICT_PATIENCE = 10.0


@dataclass(frozen=True)
class DuckDBWarehouse:
    """A named DuckDB database; tasks get cursors of the one instance its owner process has.

    Args:
        name: Its name in ``orchestrator.toml``.
        opening: The file and how to open it.
        catalog: Catalog of names that have none, as DuckDB writes it.
        schema: Schema of names that have none, made on first use.
        files: Files that have the names of tables.

    Example:
        >>> with DuckDBWarehouse("scratch", Opening(":memory:"), "memory").connect() as connection:
        ...     connection.execute("select 1").fetchone()
        (1,)
    """

    name: str
    opening: Opening
    catalog: str
    schema: str = "main"
    files: tuple[FileView, ...] = ()

    @property
    def namespace(self) -> Namespace:
        """DuckDB's dialect with the defaults, in lower case since DuckDB compares without case."""
        return Namespace("duckdb", self.catalog.lower(), self.schema.lower())

    @property
    def affinity(self) -> str:
        """The same for every name of one file, so that one process owns it."""
        return f"duckdb:{self.opening.path}"

    @contextmanager
    def connect(self) -> Iterator[DuckDBPyConnection]:
        """Give a cursor: a connection of its own to the shared database, with its own temporary tables.

        Its statement is interrupted when the attempt that runs here is cancelled. Where the run
        checks what its tasks read and write, the cursor takes down what runs on it.

        Raises:
            WarehouseBusyError: Another process holds the file for longer than its busy timeout.
            ConfigurationError: The database cannot be opened as configured.
        """
        with cursor(self.opening) as connection:
            self._enter_schema(connection)
            if self.files:
                make_views(connection, self.opening, self.files)
            with interruptible(connection.interrupt):
                yield self._recorded(connection)

    @property
    def stands_for(self) -> dict[Dataset, Access]:
        """By the name of each view over files, those files."""
        return {view.dataset(self.namespace): view.access() for view in self.files}

    def release(self, run_id: str) -> None:
        """Close the file unless another run of this process uses it."""
        release_all(run_id)

    def columns(self) -> dict[Dataset, tuple[str, ...]]:
        """The columns of every table and view, in their order; nothing waits, nothing is written.

        Raises:
            WarehouseBusyError: Another process holds the file.
            ConfigurationError: There is no file yet, or it cannot be opened as configured.
        """
        from tasks.duckdb.catalog import columns_of

        return columns_of(self.opening)

    def session(self, connection: Any) -> DuckDBSession:
        """Wrap an open connection for running scripts."""
        from tasks.duckdb.session import DuckDBSession

        return DuckDBSession(getattr(connection, "unrecorded", connection))

    def _recorded(self, connection: DuckDBPyConnection) -> Any:
        running = context.active()
        if running is None or running.executed is None:
            return connection
        from tasks.duckdb.recording import RecordedConnection

        running.executed.behind[self.namespace] = self._behind
        return RecordedConnection(connection, running.executed, self.namespace)

    def _behind(self, names: Iterable[Dataset]) -> Iterator[tuple[Dataset, Dataset]]:
        """What stands behind the views among these names."""
        from tasks.duckdb.recording import behind

        with cursor(self.opening) as connection:
            yield from behind(connection, names, self.namespace)

    def _enter_schema(self, connection: DuckDBPyConnection) -> None:
        import duckdb

        if (self.catalog, self.schema) == (catalog_of(self.opening.path), "main"):
            return
        place = f"{_quoted(self.catalog)}.{_quoted(self.schema)}"
        deadline = time.monotonic() + _CONFLICT_PATIENCE
        while True:
            try:
                connection.execute(f"USE {place}")
                return
            except duckdb.CatalogException:
                if time.monotonic() > deadline:
                    raise
            try:
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {place}")
            except duckdb.TransactionException:
                time.sleep(0.01)  # another thread makes it right now, and has not committed yet


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def catalog_of(path: str) -> str:
    """Return the catalog's name as DuckDB takes it from the file's.

    Example:
        >>> catalog_of("/srv/Shop.dev.duckdb"), catalog_of(":memory:")
        ('Shop', 'memory')
    """
    return "memory" if path == MEMORY else os.path.basename(path).lstrip(".").split(".")[0]
