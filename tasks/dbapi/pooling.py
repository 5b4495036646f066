"""The connections that this process keeps open to each database, for as long as a run uses them."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from orchestrator.errors import InfrastructureError
from orchestrator.model import context

if TYPE_CHECKING:
    from sqlalchemy.pool import PoolProxiedConnection, QueuePool

_LOOK = 0.2  #: seconds between two looks whether the attempt that waits was cancelled
_RETURNED = "orchestrator_returned"


@dataclass(frozen=True)
class Source:
    """Where connections come from, and what is done with them between two uses.

    Args:
        key: What tells connections apart: equal keys share a pool. It holds no secret.
        label: Names the database for messages.
        opened: Opens a connection.
        alive: Tells whether a used connection still works; what it raises means no.
        tidied: Makes a used connection as good as new; if it raises, the connection is closed.
        size: The most connections of this process at the same time.
        patience: Seconds to wait for one when all are in use.
        trusted: Seconds of idleness after which ``alive`` is asked before the next use.
    """

    key: Hashable
    label: str
    opened: Callable[[], Any]
    alive: Callable[[Any], bool]
    tidied: Callable[[Any], object]
    size: int = 16
    patience: float = 300.0
    trusted: float = 20.0


@contextmanager
def pooled(source: Source) -> Iterator[Any]:
    """Give the driver's own connection to one user for a block; nobody else has it meanwhile.

    It goes back to its pool afterwards, which is closed when the runs that used it are released;
    outside a run with its last user. A connection of a cancelled attempt is closed: the cancel
    might reach whoever has it next.

    Args:
        source: Where it comes from.

    Raises:
        InfrastructureError: All connections stayed in use, or the attempt was cancelled meanwhile.
        Exception: What ``source.opened`` raises.
    """
    pool = _entered(source)
    try:
        lent = _lent(pool, source)
        try:
            yield lent.dbapi_connection
        finally:
            _take_back(lent, source)
    finally:
        _left(pool)


def release_all(run_id: str | None = None) -> None:
    """Close the connections that only a run kept open; those in use are closed after their use.

    Args:
        run_id: The run that ended; every run, if left out.

    Example:
        >>> release_all("20130101-nightly")
    """
    with _registry.lock:
        idle = []
        for pool in list(_registry.pools.values()):
            pool.runs -= set(pool.runs) if run_id is None else {run_id}
            idle += [pool] if _forgotten(pool) else []
    for pool in idle:
        pool.connections.dispose()


class _Pool:
    """The connections of one key: who uses them and which runs keep them."""

    def __init__(self, source: Source) -> None:
        from sqlalchemy.pool import QueuePool

        self.key = source.key
        self.connections: QueuePool = QueuePool(
            source.opened,
            pool_size=source.size,
            max_overflow=0,
            timeout=_LOOK,
            use_lifo=True,
            reset_on_return=None,
        )
        self.users = 0
        self.runs: set[str] = set()


class _Registry:
    """The pools of this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # never held while a connection is opened or closed
        self.pools: dict[Hashable, _Pool] = {}


_registry = _Registry()
#: Of the process that this one was forked from: never closed here, that would end its sessions.
_inherited: list[_Registry] = []


def _entered(source: Source) -> _Pool:
    running = context.active()
    with _registry.lock:
        pool = _registry.pools.get(source.key)
        if pool is None:
            pool = _registry.pools[source.key] = _Pool(source)
        pool.users += 1
        if running is not None:
            pool.runs.add(running.run_id)
    return pool


def _left(pool: _Pool) -> None:
    with _registry.lock:
        pool.users -= 1
        idle = _forgotten(pool)
    if idle:
        pool.connections.dispose()


def _forgotten(pool: _Pool) -> bool:
    """Take a pool that nobody uses out of the registry; it is to be closed then."""
    if pool.users or pool.runs:
        return False
    if _registry.pools.get(pool.key) is pool:
        del _registry.pools[pool.key]
    return True


def _lent(pool: _Pool, source: Source) -> PoolProxiedConnection:
    while True:
        lent = _waited_for(pool, source)
        returned = lent.info.get(_RETURNED)
        if returned is None or time.monotonic() - returned < source.trusted:
            return lent
        with suppress(Exception):
            if source.alive(lent.dbapi_connection):
                return lent
        lent.invalidate()
        lent.close()


def _waited_for(pool: _Pool, source: Source) -> PoolProxiedConnection:
    from sqlalchemy.exc import TimeoutError as AllInUse

    deadline = time.monotonic() + source.patience
    while True:
        try:
            return pool.connections.connect()
        except AllInUse:
            pass
        if _cancelled():
            raise InfrastructureError(
                "cancelled while waiting for a connection", where=source.label
            )
        if time.monotonic() > deadline:
            raise InfrastructureError(
                f"all {source.size} connections of this process were in use "
                f"for {source.patience:g} s",
                where=source.label,
                fix="set a larger pool_size, or fewer tasks at the same time",
            )


def _take_back(lent: PoolProxiedConnection, source: Source) -> None:
    tidy = False
    try:
        if not _cancelled():
            with suppress(Exception):  # then it is of no use to anybody
                source.tidied(lent.dbapi_connection)
                lent.info[_RETURNED] = time.monotonic()
                tidy = True
    finally:
        if not tidy:
            lent.invalidate()
        lent.close()


def _cancelled() -> bool:
    running = context.active()
    return running is not None and running.cancelled.is_set()


def _start_anew() -> None:
    """Forget the pools of the process that this one was forked from, without closing them."""
    global _registry
    _inherited.append(_registry)
    _registry = _Registry()


os.register_at_fork(after_in_child=_start_anew)
atexit.register(release_all)
