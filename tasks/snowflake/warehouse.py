"""A Snowflake database as a warehouse: where its names live, and a warm session for each task."""

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
from tasks.snowflake.names import stored

if TYPE_CHECKING:
    from tasks.snowflake.connection import Connection
    from tasks.snowflake.opening import Opening
    from tasks.snowflake.session import SnowflakeSession

POOL_SIZE = 16  #: sessions of a process
#: Methods whose first argument is SQL.
_RUN = frozenset({"execute", "executemany", "execute_async", "execute_string", "describe"})


@dataclass(frozen=True)
class SnowflakeWarehouse:
    """A named Snowflake database; tasks get warm sessions of a pool that each process has.

    Each statement tells who runs it: its ``QUERY_TAG`` is JSON with flow, run, task and attempt.
    A session that a task changed (temporary tables, ``USE``, variables) is closed after its use.

    Args:
        name: Its name in ``orchestrator.toml``.
        login: Where its settings are found; they are read when a connection is opened.
        database: Database of names that have none, as a setting names it.
        schema: Schema of names that have none; made if it is not there.
        pool_size: The most sessions of a process.

    Example:
        >>> from tasks.dbapi.login import TableLogin
        >>> SnowflakeWarehouse("prod", TableLogin({"password": "secret:SF"}), "shop", "raw").namespace
        Namespace(dialect='snowflake', catalog='SHOP', schema='RAW')
    """

    name: str
    login: Login = field(repr=False)
    database: str | None
    schema: str = "PUBLIC"
    pool_size: int = POOL_SIZE

    @property
    def namespace(self) -> Namespace:
        """Snowflake's dialect with the defaults as Snowflake keeps them."""
        catalog = stored(self.database) if self.database else None
        return Namespace("snowflake", catalog, stored(self.schema))

    @property
    def affinity(self) -> None:
        """Any process may open it."""
        return

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Give a connection of Snowflake's connector, in autocommit mode.

        What runs on it is cancelled on the server when the attempt that runs here is cancelled.
        Where the run checks what its tasks read and write, it takes down what runs on it.

        Raises:
            InfrastructureError: Snowflake cannot be reached, or all sessions stay in use.
            ConfigurationError: It refuses the user, the password or key; or the connector is not
                installed.
        """
        with self._pooled() as connection, cancellable(connection.cancel):
            yield self._recorded(connection)

    def release(self, run_id: str) -> None:
        """Close the sessions that only this run kept open."""
        release_all(run_id)

    def columns(self) -> dict[Dataset, tuple[str, ...]]:
        """The columns of every table and view of the database, in their order.

        Raises:
            InfrastructureError: Snowflake cannot be reached.
            ConfigurationError: It refuses the user, the password or key.
        """
        from tasks.snowflake.catalog import columns_of

        with self._pooled() as connection:
            return columns_of(connection, self.namespace)

    def session(self, connection: Any) -> SnowflakeSession:
        """Wrap an open connection for running scripts."""
        from tasks.snowflake.session import SnowflakeSession

        return SnowflakeSession(unrecorded(connection), reconnect=self._pooled)

    @contextmanager
    def _pooled(self) -> Iterator[Connection]:
        with pooled(self._source()) as connection:
            yield connection

    def _source(self) -> Source:
        opening = self._opening()
        return Source(
            key=("snowflake", digest(opening.values), self.pool_size),
            label=f"warehouse {self.name!r}",
            opened=opening.connect,
            alive=lambda connection: bool(connection.works()),
            tidied=lambda connection: connection.tidy(),
            size=self.pool_size,
        )

    def _opening(self) -> Opening:
        try:
            from tasks.snowflake.opening import Opening
        except ImportError as error:
            raise ConfigurationError(
                f"warehouse {self.name!r} needs Snowflake's connector, which is not installed "
                f"({error})",
                fix='pip install "analytics-orchestrator[snowflake]"',
            ) from None
        return Opening(self.name, self.login.values())

    def _recorded(self, connection: Connection) -> Any:
        running = context.active()
        if running is None or running.executed is None:
            return connection
        running.executed.behind[self.namespace] = self._behind
        return Recorded(connection, running.executed, self.namespace, run=_RUN)

    def _behind(self, names: Iterable[Dataset]) -> Iterator[tuple[Dataset, Dataset]]:
        """What stands behind the views among these names."""
        from tasks.snowflake.catalog import behind

        with self._pooled() as connection:
            yield from behind(connection, names, self.namespace)
