"""Occurrences of schedules in a SQL database: the unique key is what makes them exactly-once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from orchestrator.store import keeping, missing, rows
from orchestrator.store.insql.deployments import SqlDeployments
from orchestrator.store.occurrences import OccurrenceStore, ScheduleState, Settled, SettledAs
from orchestrator.store.records import FlowRun
from orchestrator.store.rows import Row
from orchestrator.store.tables import occurrences, schedules

# The schedule is locked first, always, so that no two callers wait for each other in a circle.
_MARK = select(schedules.c.evaluated).where(schedules.c.id == bindparam("b_id")).with_for_update()
# The mark is moved last, and only forward; whoever is behind leaves it where it is.
_ADVANCE = (
    update(schedules)
    .where(schedules.c.id == bindparam("b_id"), schedules.c.evaluated < bindparam("b_mark"))
    .values(evaluated=bindparam("b_mark"))
)


class SqlOccurrences(SqlDeployments, OccurrenceStore):
    """Settled occurrences by schedule and key."""

    def schedule_states(self, project: str | None = None) -> tuple[ScheduleState, ...]:
        query = select(schedules).order_by(schedules.c.id)
        if project is not None:
            query = query.where(schedules.c.project == project)
        return tuple(map(keeping.schedule_state, self._read(query)))

    def occur(
        self,
        schedule_id: str,
        settled: Sequence[Settled],
        runs: Sequence[FlowRun],
        evaluated: datetime,
        *,
        seen: datetime | None = None,
    ) -> tuple[str, ...]:
        wanted = [keeping.settled_row(each) for each in settled]
        made = {run.id: rows.flow_run_row(run) for run in runs}
        with self._write() as connection:
            mark = connection.execute(_MARK, {"b_id": schedule_id}).scalar()
            if mark is None:
                raise missing.no_such_schedule(schedule_id, self._where)
            if seen is not None and mark != rows.micros(seen):
                return ()
            new = [row for row in wanted if self._is_new(connection, row)]
            self._make_runs(connection, new, made)
            connection.execute(_ADVANCE, {"b_id": schedule_id, "b_mark": rows.micros(evaluated)})
        return tuple(row["key"] for row in new)

    def occurrences(
        self,
        schedule_id: str | None = None,
        *,
        outcome: SettledAs | None = None,
        limit: int = 100,
    ) -> tuple[Settled, ...]:
        column = occurrences.c
        newest = (column.instant.desc(), column.schedule_id.desc(), column.key.desc())
        query = select(occurrences).order_by(*newest).limit(limit)
        if schedule_id is not None:
            query = query.where(column.schedule_id == schedule_id)
        if outcome is not None:
            query = query.where(column.outcome == outcome.value)
        return tuple(map(keeping.settled, self._read(query)))

    def _is_new(self, connection: Connection, row: Row) -> bool:
        insert: Any = self._dialect.insert(occurrences).returning(occurrences.c.key)
        return connection.execute(insert.on_conflict_do_nothing(), row).first() is not None

    def _make_runs(
        self, connection: Connection, new: Sequence[Row], made: Mapping[str, Row]
    ) -> None:
        """Make the runs of newly settled occurrences; one whose key is taken is that other run."""
        for run_id in keeping.runs_of(new):
            if run_id in made:
                kept, is_new = self._keep_run(connection, made[run_id])
                if not is_new:
                    other = update(occurrences).where(occurrences.c.run_id == run_id)
                    connection.execute(other.values(run_id=kept))

    def _forget_occurrences(self, before: int) -> None:
        with self._write() as connection:
            connection.execute(delete(occurrences).where(occurrences.c.instant < before))
