"""A Postgres database as a warehouse: where its names live, and a warm connection for each task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.errors import ConfigurationError
from orchestrator.model import context
from orchestrator.model.dataset import Dataset, Namespace
from tasks.dbapi.cancelling import cancellable
from tasks.dbapi.login import Login, digest
from tasks.dbapi.pooling import Source, pooled, release_all
from tasks.dbapi.recording import Recorded, unrecorded
from tasks.dbapi.tag import short_tag

if TYPE_CHECKING:
    from psycopg import Connection

    from tasks.postgres.opening import Opening
    from tasks.postgres.session import PostgresSession

POOL_SIZE = 16  #: connections of a process to one database
_CANCEL = 10.0  #: seconds for telling the server to cancel


@dataclass(frozen=True)
class PostgresWarehouse:
    """A named Postgres database; tasks get warm connections of a pool that each process has.

    Args:
        name: Its name in ``orchestrator.toml``.
        login: Where its settings are found; they are read when a connection is opened.
        catalog: The database's name.
        schema: Schema of names that have none; made if it is not there.
        pool_size: The most connections of a process.

    Example:
        >>> from tasks.dbapi.login import TableLogin
        >>> PostgresWarehouse("main", TableLogin({"password": "secret:PG"}), "shop").namespace
        Namespace(dialect='postgres', catalog='shop', schema='public')
    """

    name: str
    login: Login = field(repr=False)
    catalog: str | None
    schema: str = "public"
    pool_size: int = POOL_SIZE

    @property
    def namespace(self) -> Namespace:
        """Postgres' dialect with the defaults as they are written."""
        return Namespace("postgres", self.catalog, self.schema)

    @property
    def affinity(self) -> None:
        """Any process may open it."""
        return

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        """Give a psycopg connection in autocommit mode, with the schema as its search path.

        It says who uses it (``application_name`` in ``pg_stat_activity``). Its statement is
        cancelled on the server when the attempt that runs here is cancelled. Where the run checks
        what its tasks read and write, it takes down what runs on it.

        Raises:
            InfrastructureError: The server cannot be reached, or all connections stay in use.
            ConfigurationError: The server refuses the user, the password or the database; or the
                driver is not installed.
        """
        with (
            self._pooled() as connection,
            cancellable(lambda: connection.cancel_safe(timeout=_CANCEL)),
        ):
            yield self._recorded(connection)

    def release(self, run_id: str) -> None:
        """Close the connections that only this run kept open."""
        release_all(run_id)

    def columns(self) -> dict[Dataset, tuple[str, ...]]:
        """The columns of every table and view, in their order.

        Raises:
            InfrastructureError: The server cannot be reached.
            ConfigurationError: It refuses the user, the password or the database.
        """
        from tasks.postgres.catalog import columns_of

        with self._pooled() as connection:
            return columns_of(connection, self.namespace)

    def session(self, connection: Any) -> PostgresSession:
        """Wrap an open connection for running scripts."""
        from tasks.postgres.session import PostgresSession

        return PostgresSession(unrecorded(connection))

    @contextmanager
    def _pooled(self) -> Iterator[Connection[Any]]:
        with pooled(self._source()) as connection:
            yield connection

    def _source(self) -> Source:
        opening = self._opening()
        return Source(
            key=("postgres", digest({**opening.values, "schema": self.schema}), self.pool_size),
            label=f"warehouse {self.name!r}",
            opened=opening.connect,
            alive=_says_who,
            tidied=lambda connection: _tidy(connection, opening),
            size=self.pool_size,
            trusted=0.0,  # the next user has to be named in any case
        )

    def _opening(self) -> Opening:
        try:
            from tasks.postgres.opening import Opening
        except ImportError as error:
            raise ConfigurationError(
                f"warehouse {self.name!r} needs psycopg, which is not installed ({error})",
                fix='pip install "analytics-orchestrator[postgres]"',
            ) from None
        return Opening(self.name, self.login.values(), self.schema)

    def _recorded(self, connection: Connection[Any]) -> Any:
        running = context.active()
        if running is None or running.executed is None:
            return connection
        running.executed.behind[self.namespace] = self._behind
        return Recorded(connection, running.executed, self.namespace)

    def _behind(self, names: Iterable[Dataset]) -> Iterator[tuple[Dataset, Dataset]]:
        """What stands behind the views among these names."""
        from tasks.postgres.catalog import behind

        with self._pooled() as connection:
            yield from behind(connection, list(names), self.namespace)


def _says_who(connection: Connection[Any]) -> bool:
    from tasks.postgres.opening import NAME_BYTES

    connection.execute("SELECT set_config('application_name', %s, false)", [short_tag(NAME_BYTES)])
    return True


def _tidy(connection: Connection[Any], opening: Opening) -> None:
    """Undo what is open and forget the session: temporary tables, settings, cursors, locks."""
    connection.rollback()
    connection.autocommit = True
    connection.execute("DISCARD ALL")
    opening.prepare(connection)
