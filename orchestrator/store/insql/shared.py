"""What the parts of the store in a SQL database share: how it is read and written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Select, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator import instants
from orchestrator.store import rows
from orchestrator.store.engines import DURABLE, READ, RELAXED
from orchestrator.store.failures import translated
from orchestrator.store.rows import Row
from orchestrator.store.tables import events, flow_runs


class SqlRuns:
    """The runs of a store behind an engine.

    Args:
        engine: From :mod:`orchestrator.store.engines`.
        where: Names the store in errors: the file, or the address without its password.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self._where = where
        self._engines = {
            mode: engine.execution_options(store=mode) for mode in (READ, DURABLE, RELAXED)
        }
        # SQLite has one writer. Threads of this process queue here, fairly and at once, instead
        # of polling the file's lock.
        self._one_writer = threading.Lock() if engine.dialect.name == "sqlite" else None
        #: ``insert(table)`` that knows ``ON CONFLICT``.
        self._dialect: Any = sqlite if engine.dialect.name == "sqlite" else postgresql
        insert_run = self._dialect.insert(flow_runs).returning(flow_runs.c.id)
        self._insert_run = insert_run.on_conflict_do_nothing(index_elements=["idempotency_key"])

    @contextmanager
    def _write(self, mode: str = DURABLE) -> Iterator[Connection]:
        with translated(self._where):
            if self._one_writer is None:
                with self._engines[mode].begin() as connection:
                    yield connection
            else:
                with self._one_writer, self._engines[mode].begin() as connection:
                    yield connection

    def _read(self, statement: Select[Any]) -> list[Row]:
        with translated(self._where), self._engines[READ].connect() as connection:
            found = connection.execute(statement)
            names = tuple(found.keys())
            # Plain dictionaries: SQLAlchemy's own mappings cost three times as much to read from.
            return [dict(zip(names, row, strict=True)) for row in found]

    def _keep_run(self, connection: Connection, row: Row, tasks: int = 0) -> tuple[str, bool]:
        """Write a new run, unless one has its key; returns the run that is kept, and if it is new."""
        if connection.execute(self._insert_run, row).first() is None:
            same_key = flow_runs.c.idempotency_key == row["idempotency_key"]
            found: str = connection.execute(select(flow_runs.c.id).where(same_key)).scalar_one()
            return found, False
        event = rows.event_row(row["id"], None, row["created"], "created", {"tasks": tasks})
        connection.execute(insert(events), event)
        return row["id"], True

    def _add_event(
        self, connection: Connection, run_id: str, kind: str, data: Mapping[str, Any]
    ) -> None:
        at = rows.micros(instants.now())
        assert at is not None
        connection.execute(insert(events), rows.event_row(run_id, None, at, kind, data))


def one(found: list[Row], otherwise: Callable[[], Exception]) -> Row:
    """Return the only row, or raise what ``otherwise`` makes."""
    if not found:
        raise otherwise()
    return found[0]
