"""The outbox in a SQL database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update

from orchestrator.store import keeping, rows
from orchestrator.store.delivering import Delivering
from orchestrator.store.insql.shared import SqlRuns
from orchestrator.store.lookup import no_such_run
from orchestrator.store.outbox import Delivery, Notification
from orchestrator.store.rows import Row
from orchestrator.store.tables import flow_runs
from orchestrator.store.tables import notifications as table


class SqlOutbox(SqlRuns, Delivering):
    """Notifications by number."""

    def put(self, notifications: Sequence[Notification]) -> tuple[int, ...]:
        added = [keeping.notification_row(each) for each in notifications]
        insert = self._dialect.insert(table).returning(table.c.id)
        insert = insert.on_conflict_do_nothing(index_elements=["key"])
        kept: list[int] = []
        with self._write() as connection:
            for run_id in {row["run_id"] for row in added} - {None}:
                known = select(flow_runs.c.id).where(flow_runs.c.id == run_id)
                if connection.execute(known).first() is None:
                    raise no_such_run(run_id, self._where)
            for row in added:
                number = connection.execute(insert, row).scalar()
                kept += [] if number is None else [number]
        return tuple(kept)

    def take(self, now: datetime, until: datetime, *, most: int = 10) -> tuple[Notification, ...]:
        column = table.c
        due = (
            select(table)
            .where(column.state == Delivery.PENDING.value, column.next_try <= rows.micros(now))
            .order_by(column.next_try, column.id)
            .limit(most)
        )
        if not self._read(due):
            return ()
        with self._write() as connection:
            # What another sender takes at this moment is passed over.
            locked = connection.execute(due.with_for_update(skip_locked=True)).mappings()
            taken = [dict(row) for row in locked]
            for row in taken:
                values = {"attempts": row["attempts"] + 1, "next_try": rows.micros(until)}
                connection.execute(update(table).where(column.id == row["id"]).values(values))
                row.update(values)
        return tuple(map(keeping.notification, taken))

    def outbox(
        self, *, state: Delivery | None = None, run_id: str | None = None, limit: int = 100
    ) -> tuple[Notification, ...]:
        column = table.c
        query = select(table).order_by(column.id.desc()).limit(limit)
        if state is not None:
            query = query.where(column.state == state.value)
        if run_id is not None:
            query = query.where(column.run_id == run_id)
        return tuple(map(keeping.notification, self._read(query)))

    def _move(self, number: int, values: Row, expected: Delivery = Delivery.PENDING) -> bool:
        column = table.c
        moved = update(table).where(column.id == number, column.state == expected.value)
        with self._write() as connection:
            return connection.execute(moved.values(values)).rowcount == 1
