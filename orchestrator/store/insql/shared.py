"""What the parts of the store in a SQL database share: how it is read and written."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Engine, Select, UpdateBase, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from orchestrator import instants
from orchestrator.store import rows
from orchestrator.store.engines import DURABLE, READ, RELAXED
from orchestrator.store.failures import translated
from orchestrator.store.rows import Row
from orchestrator.store.tables import events, flow_runs

_AT_ONCE = 5000  #: ids a statement: databases limit bound values (SQLite 32,766)


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
        self._one_writer = threading.Lock()
        #: ``insert(table)`` that knows ``ON CONFLICT``.
        self._dialect: Any = sqlite if engine.dialect.name == "sqlite" else postgresql
        # Statements as text, and the order of their values; None where these go by their names.
        self._texts: dict[UpdateBase, tuple[str, Sequence[str] | None]] = {}
        insert_run = self._dialect.insert(flow_runs).returning(flow_runs.c.id)
        self._insert_run = insert_run.on_conflict_do_nothing(index_elements=["idempotency_key"])

    @contextmanager
    def _write(self, mode: str = DURABLE) -> Iterator[Connection]:
        with translated(self._where), self._transaction(self._engines[mode]) as connection:
            yield connection

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        # SQLite has one writer. Threads of this process queue here, fairly and at once, instead
        # of polling the file's lock.
        with self._one_writer, engine.begin() as connection:
            yield connection

    def _read(self, statement: Select[Any] | CompoundSelect[Any]) -> list[Row]:
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
        connection.execute(insert(events), rows.created_event(row, tasks))
        return row["id"], True

    def _many(self, connection: Connection, statement: UpdateBase, values: Sequence[Row]) -> None:
        """Execute a statement for each of several values that have the same names, at least one.

        The driver takes them as they are: SQLAlchemy looks at each value of each row, which takes
        longer than to write it.

        Args:
            connection: The transaction's.
            statement: One that lasts: its text is kept.
            values: By the names of its columns or parameters.
        """
        if statement not in self._texts:
            compiled = statement.compile(self._engine, column_keys=list(values[0]))
            self._texts[statement] = str(compiled), compiled.positiontup
        text, order = self._texts[statement]
        given = [*map(itemgetter(*order), values)] if order else list(values)
        connection.exec_driver_sql(text, given)

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


def chunks(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut ids into pieces that one statement can take."""
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
