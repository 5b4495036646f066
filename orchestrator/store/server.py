"""The run store on a database server, which may restart at any time: it is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, select
from sqlalchemy.exc import DBAPIError

from orchestrator.errors import StoreError
from orchestrator.store.base import RunStore
from orchestrator.store.engines import READ
from orchestrator.store.failures import LostError, is_lost
from orchestrator.store.sql import SqlStore

_PAUSE, _LONGEST = 0.05, 1.0  #: seconds between two tries, at first and at most
# The number of a transaction, if it wrote anything, and what became of it: the server keeps that
# over its own end.
_NUMBER = select(func.txid_current_if_assigned())
_NEVER_HEARD = "is in the future"
_FATE = select(func.txid_status(bindparam("b_number")))


class ServerStore(SqlStore):
    """A run store on Postgres: while the server restarts its methods wait, and then do their work.

    What was lost before its commit is done again; of what was lost in its commit the server knows
    whether it was kept. So nothing is written twice.

    Args:
        engine: From :func:`orchestrator.store.engines.postgres_engine`.
        where: Names the store in errors.
        patience: Seconds that a server is waited for.
    """

    def __init__(self, engine: Engine, where: str, patience: float = 30.0) -> None:
        super().__init__(engine, where)
        self._patience = patience

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        number = None
        try:
            with engine.begin() as connection:
                yield connection
                number = connection.execute(_NUMBER).scalar()
        except DBAPIError as error:
            if number is None or not is_lost(error) or not self._was_kept(number):
                raise

    def _was_kept(self, number: int) -> bool:
        """Whether a transaction whose commit was not answered is kept."""
        deadline = time.monotonic() + self._patience
        while time.monotonic() < deadline:
            try:
                with self._engines[READ].connect() as connection:
                    fate = connection.execute(_FATE, {"b_number": number}).scalar()
            except DBAPIError as error:
                if _NEVER_HEARD in str(error):
                    return False  # the server crashed before it wrote the number down
                if not is_lost(error):
                    raise
            else:
                if fate != "in progress":
                    return bool(fate == "committed")
            time.sleep(_PAUSE)
        raise StoreError(
            "the run store went away while it wrote: it is not known whether that is kept",
            where=self._where,
            fix="check that the database runs; then look at the run before you run it again",
        )


def _patient(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a method try again while the server is away."""

    @wraps(method)
    def patiently(self: ServerStore, *arguments: Any, **named: Any) -> Any:
        deadline, pause = time.monotonic() + self._patience, _PAUSE
        while True:
            try:
                return method(self, *arguments, **named)
            except LostError as error:
                if time.monotonic() > deadline:
                    raise StoreError(error.what, where=error.where, fix=error.fix) from error
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST)

    return patiently


for _name in sorted(RunStore.__abstractmethods__ - {"close"}):
    setattr(ServerStore, _name, _patient(getattr(SqlStore, _name)))
