"""Postgres connections that outlive a node: making one costs the server more than most nodes do."""

from __future__ import annotations

import re
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.contracts.connection import ConnectionState

from tasks.dbt.known_code import CONNECTIONS, changed

#: Statements that change what a connection made from here on begins with.
_CHANGES_DEFAULTS = re.compile(r"\balter\s+(role|user|database|system)\b", re.IGNORECASE)

#: Seconds for which a connection that has answered, and got no word since, counts as alive.
_FRESH = 1.0


class KeptConnections:
    """Gives a connection that one node has done with to the next.

    dbt closes it after each node. Here it is emptied of all that the node left in it
    (``DISCARD ALL``: settings, temporary tables, locks, prepared statements), which leaves it as a
    new one. One that cannot be emptied is closed; one that has died meanwhile is passed by.

    Args:
        manager: dbt's connection manager, whose ``open`` and ``close`` are replaced.
    """

    def __init__(self, manager: Any) -> None:
        self._manager, self._kind = manager, type(manager)
        self._free: list[tuple[Any, float]] = []  # each with when it last answered
        self._lock = threading.RLock()
        self._keeps = True
        manager.open, manager.close, manager.add_query = self._open, self._close, self._add_query

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let no connection go from node to node: who cancels a node must not meet the next one."""
        with self._manager.lock, self._lock:  # as dbt takes them where it cancels all
            yield

    def end(self) -> None:
        """Close those that nobody uses, and keep none from here on."""
        with self._lock:
            self._keeps = False
            while self._free:
                self._free.pop()[0].close()

    def _open(self, connection: Any) -> Any:
        handle = None if connection.state == ConnectionState.OPEN else self._taken(connection)
        if handle is None:
            return self._kind.open(connection)
        connection.handle, connection.state = handle, ConnectionState.OPEN
        return connection

    def _taken(self, connection: Any) -> Any:
        """A free connection that is alive, as dbt hands out a new one; None if there is none."""
        with self._lock:
            while self._free:
                handle, answered = self._free.pop()
                try:
                    if time.monotonic() - answered > _FRESH or _has_word(handle):
                        handle.cursor().execute("select 1")
                    handle.autocommit = connection.credentials.autocommit is True
                    if connection.credentials.role:
                        handle.cursor().execute(f"set role {connection.credentials.role}")
                    return handle
                except Exception:  # whatever it is, a new connection shows whether it stays
                    handle.close()
        return None

    def _close(self, connection: Any) -> Any:
        if connection.state != ConnectionState.OPEN:
            return self._kind.close(connection)
        with self._lock:
            handle, connection.handle = connection.handle, None
            connection.state, connection.transaction_open = ConnectionState.CLOSED, False
        if self._emptied(handle):
            with self._lock:
                if self._keeps:
                    self._free.append((handle, time.monotonic()))
                    return connection
        handle.close()
        return connection

    def _emptied(self, handle: Any) -> bool:
        if not self._keeps or handle.closed:
            return False
        try:
            handle.rollback()
            handle.autocommit = True  # not in a transaction
            handle.cursor().execute("discard all")
        except Exception as error:  # a server that does not know it is not asked again
            self._keeps = self._keeps and bool(handle.closed or _died(error))
            return False
        return True

    def _add_query(self, sql: str, *args: Any, **kwargs: Any) -> Any:
        if self._keeps and _CHANGES_DEFAULTS.search(sql):
            self.end()
        return self._kind.add_query(self._manager, sql, *args, **kwargs)


def _has_word(handle: Any) -> bool:
    """Whether the server has sent something unasked, as it does when it ends a connection."""
    if not hasattr(select, "poll"):
        return True
    waiting = select.poll()
    waiting.register(handle.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _died(error: Exception) -> bool:
    return getattr(error, "pgcode", None) is None


def kept_connections(adapter: Any) -> KeptConnections | None:
    """Keep the connections of an adapter, if it is dbt-postgres as it is known here."""
    manager = adapter.connections
    module = f"{type(manager).__module__}.{type(manager).__qualname__}"
    if module != "dbt.adapters.postgres.connections.PostgresConnectionManager":
        return None
    return None if changed(CONNECTIONS) else KeptConnections(manager)
