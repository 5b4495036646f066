"""Waits for queries that run on the server by themselves, over as many connections as it takes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

from snowflake.connector.constants import QueryStatus
from snowflake.connector.cursor import DictCursor, SnowflakeCursor
from snowflake.connector.errors import Error

from orchestrator.errors import OrchestratorError
from orchestrator.model import context
from tasks.dbapi.cancelling import cancellable
from tasks.dbapi.errors import UnreachableError
from tasks.snowflake.connection import Connection
from tasks.snowflake.failures import is_lost
from tasks.snowflake.session import SnowflakeSession
from tasks.sql.session import Data, Outcome, Statement

PATIENCE = 600.0  #: seconds without any word of the server, after which it is given up
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0  #: seconds between two questions
#: Other statements belong to the session they are said in, or move files of this machine.
_BY_THEMSELVES = frozenset(
    {"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "CREATE", "COPY", "CALL", "TRUNCATE"}
)
_COUNTS = "number of rows "  #: begins the names of columns that DML answers with


class ByIdSession(SnowflakeSession):
    """A session whose queries run on though the connection is lost: each is asked for by its id.

    Statements stand each for itself, since a transaction ends with its connection.

    Args:
        connection: As of any session.
        reconnect: Lends another connection.
        patience: Seconds without any word of the server, after which it is given up.
    """

    patience: float = PATIENCE
    _query_id: str | None = None

    def execute(self, statement: Statement, data: Data = None, fetch: str = "none") -> Outcome:
        """As of any session."""
        self._query_id = None
        done = super().execute(statement, data, fetch)
        return replace(done, query_id=self._query_id or done.query_id)

    @contextmanager
    def running(
        self, text: str, values: Sequence[Any] | None, fetch: str
    ) -> Iterator[SnowflakeCursor]:
        """Send a text, wait until it is done, and give a cursor with its result."""
        kinds = {statement.kind for statement in self.split(text)}
        if not kinds <= _BY_THEMSELVES:
            with super().running(text, values, fetch) as cursor:
                yield cursor
            return
        query_id = self._query_id = self._sent(text, values)
        _logger().info("the query runs as %s", query_id)
        with ExitStack() as connections:
            connection = self._done(query_id, connections)
            found: Any = connection.cursor(DictCursor if fetch == "dicts" else SnowflakeCursor)
            try:
                found.execute(f"SELECT * FROM TABLE(RESULT_SCAN('{query_id}'))")
                yield found
            finally:
                found.close()

    def outcome(self, cursor: SnowflakeCursor, statement: Statement, fetch: str) -> Outcome:
        """As of any session; counts are in the result, for the cursor has only read that."""
        if statement.kind in ("INSERT", "UPDATE", "DELETE", "MERGE"):
            return _counted(cursor, statement, fetch)
        if fetch == "none" and statement.kind != "COPY":
            return Outcome(query_id=cursor.sfqid)
        return super().outcome(cursor, statement, fetch)

    def _sent(self, text: str, values: Sequence[Any] | None) -> str:
        with self.connection.cursor() as cursor:
            cursor.execute_async(text, values, _force_qmark_paramstyle=True)
            return str(cursor.sfqid)

    def _done(self, query_id: str, connections: ExitStack) -> Connection:
        """Wait until a query is done; gives a connection that its result can be read by."""
        connection, pause = self.connection, _FIRST_PAUSE
        connections.enter_context(connection.awaiting(query_id))
        heard = time.monotonic()
        while True:
            try:
                if not connection.is_still_running(_status(connection, query_id)):
                    return connection
                heard = time.monotonic()
            except (Error, OrchestratorError, OSError) as error:
                if not _worth_waiting(error) or time.monotonic() - heard > self.patience:
                    raise
                connection = self._another(connection, query_id, connections, error)
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_PAUSE)

    def _another(
        self, lost: Connection, query_id: str, connections: ExitStack, error: Exception
    ) -> Connection:
        if self.reconnect is None:
            raise error
        _logger().warning(
            "the connection was lost (%s); the query runs on, asking for %s on another one",
            type(error).__name__, query_id,
        )  # fmt: skip
        try:
            connection = connections.enter_context(self.reconnect())
        except OrchestratorError as refused:
            if not _worth_waiting(refused):
                raise
            return lost  # it is asked again after a pause
        connections.enter_context(cancellable(connection.cancel))
        connections.enter_context(connection.awaiting(query_id))
        return connection


def _status(connection: Connection, query_id: str) -> QueryStatus:
    if connection.is_closed():
        raise ConnectionError("the connection is closed")
    return connection.get_query_status_throw_if_error(query_id)


def _worth_waiting(error: BaseException) -> bool:
    running = context.active()
    if running is not None and running.cancelled.is_set():
        return False
    if isinstance(error, OrchestratorError):
        return isinstance(error, UnreachableError)  # all else is refused
    return is_lost(error)


def _counted(cursor: SnowflakeCursor, statement: Statement, fetch: str) -> Outcome:
    found = cursor.fetchall()
    names = [column.name.lower() for column in cursor.description or ()]
    rows = [tuple(row.values()) if isinstance(row, dict) else tuple(row) for row in found]
    count = sum(
        int(value or 0)
        for row in rows
        for name, value in zip(names, row, strict=True)
        if name.startswith(_COUNTS)
    )
    value = {"all": rows, "dicts": found, "one": rows[0] if rows else None}.get(fetch)
    return Outcome(count, statement.kind != "DELETE", value, cursor.sfqid)


def _logger() -> logging.Logger:
    running = context.active()
    return running.logger if running is not None else logging.getLogger("orchestrator.task")
