"""Occurrences of schedules in a SQL database: the unique key is what makes them exactly-once."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select, bindparam, delete, insert, select, update

from orchestrator.store import keeping, rows
from orchestrator.store.insql.deployments import SqlDeployments
from orchestrator.store.insql.shared import chunks
from orchestrator.store.occurrences import (
    LastRun,
    OccurrenceStore,
    ScheduleState,
    Settled,
    SettledAs,
    Settling,
)
from orchestrator.store.rows import Row
from orchestrator.store.tables import events, flow_runs, occurrences, schedules

# Schedules are locked first, always, and by id, so that no two callers wait for each other in a
# circle.
_MARKS: Select[Any] = (
    select(schedules.c.id, schedules.c.evaluated)
    .where(schedules.c.id.in_(bindparam("b_ids", expanding=True)))
    .order_by(schedules.c.id)
    .with_for_update()
)
_ADD_RUN, _ADD_EVENT = insert(flow_runs), insert(events)
# The mark is moved last, and only forward; whoever is behind leaves it where it is.
_ADVANCE = (
    update(schedules)
    .where(schedules.c.id == bindparam("b_id"), schedules.c.evaluated < bindparam("b_mark"))
    .values(evaluated=bindparam("b_mark"))
)


# Of each schedule the newest occurrence whose run is the schedule's own, by one look at an index.
_own = flow_runs.alias("own")
_latest = (
    select(occurrences.c.run_id)
    .select_from(occurrences)
    .join(_own, (_own.c.id == occurrences.c.run_id) & (_own.c.schedule_id == schedules.c.id))
    .where(
        occurrences.c.schedule_id == schedules.c.id, occurrences.c.outcome == SettledAs.RUN.value
    )
    .order_by(occurrences.c.instant.desc(), occurrences.c.key.desc())
    .limit(1)
    .correlate(schedules)
    .scalar_subquery()
)
_LAST = (
    select(
        schedules.c.id.label("schedule_id"),
        flow_runs.c.id,
        flow_runs.c.created,
        flow_runs.c.finished,
    )
    .select_from(schedules)
    .join(flow_runs, flow_runs.c.id == _latest)
)


class SqlOccurrences(SqlDeployments, OccurrenceStore):
    """Settled occurrences by schedule and key."""

    def __init__(self, engine: Engine, where: str) -> None:
        super().__init__(engine, where)
        added: Any = self._dialect.insert(occurrences).on_conflict_do_nothing()
        self._insert_occurrences = added.returning(occurrences.c.schedule_id, occurrences.c.key)

    def schedule_states(self, project: str | None = None) -> tuple[ScheduleState, ...]:
        query = select(schedules).order_by(schedules.c.id)
        if project is not None:
            query = query.where(schedules.c.project == project)
        return tuple(map(keeping.schedule_state, self._read(query)))

    def occur_all(self, wanted: Sequence[Settling]) -> tuple[tuple[str, ...] | None, ...]:
        made = {run.id: rows.flow_run_row(run) for each in wanted for run in each.runs}
        asked = {each.schedule_id: list(map(keeping.settled_row, each.settled)) for each in wanted}
        with self._write() as connection:
            marks = _lock(connection, sorted(asked))
            meant = [each for each in wanted if _stands(each, marks.get(each.schedule_id))]
            new = self._new(connection, [row for each in meant for row in asked[each.schedule_id]])
            self._make_runs(connection, new, made)
            if moved := [_mark(each) for each in meant]:
                self._many(connection, _ADVANCE, moved)
        keys: dict[str, list[str]] = {schedule_id: [] for schedule_id in marks}
        for row in new:
            keys[row["schedule_id"]].append(row["key"])
        return tuple(
            tuple(keys[each.schedule_id]) if each.schedule_id in keys else None for each in wanted
        )

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

    def last_runs(self, schedule_ids: Collection[str]) -> Mapping[str, LastRun]:
        found: dict[str, LastRun] = {}
        for some in chunks(sorted(schedule_ids)):
            for row in self._read(_LAST.where(schedules.c.id.in_(some))):
                created, finished = map(rows.instant_of, (row["created"], row["finished"]))
                assert created is not None
                found[row["schedule_id"]] = LastRun(row["id"], created, finished)
        return found

    def _new(self, connection: Connection, wanted: Sequence[Row]) -> list[Row]:
        """Write occurrences; return those that were not there, in order: the unique key says so."""
        if not wanted:
            return []
        written = connection.execute(self._insert_occurrences, wanted)
        kept = {(schedule_id, key) for schedule_id, key in written}
        new = []
        for row in wanted:
            if (place := (row["schedule_id"], row["key"])) in kept:
                kept.discard(place)  # what is asked twice is new once
                new.append(row)
        return new

    def _make_runs(
        self, connection: Connection, new: Sequence[Row], made: Mapping[str, Row]
    ) -> None:
        """Make the runs of newly settled occurrences; one whose key is taken is that other run."""
        wanted = [made[run_id] for run_id in keeping.runs_of(new) if run_id in made]
        plain = [row for row in wanted if row["idempotency_key"] is None]
        if plain:
            self._many(connection, _ADD_RUN, plain)
            self._many(connection, _ADD_EVENT, list(map(rows.created_event, plain)))
        for row in wanted:
            if row["idempotency_key"] is not None:
                kept, is_new = self._keep_run(connection, row)
                if not is_new:
                    other = update(occurrences).where(occurrences.c.run_id == row["id"])
                    connection.execute(other.values(run_id=kept))

    def _forget_occurrences(self, before: int) -> None:
        # A backfill settles nights long gone: they are as young as their runs.
        old = occurrences.c.instant < before, occurrences.c.settled < before
        with self._write() as connection:
            connection.execute(delete(occurrences).where(*old))


def _lock(connection: Connection, schedule_ids: Sequence[str]) -> dict[str, int]:
    """Return the marks of schedules; others who settle theirs wait from here."""
    marks: dict[str, int] = {}
    for some in chunks(schedule_ids):
        found: Iterable[Any] = connection.execute(_MARKS, {"b_ids": some})
        marks |= dict(iter(found))
    return marks


def _stands(wanted: Settling, mark: int | None) -> bool:
    """Whether a schedule is there, and where the caller saw it."""
    return mark is not None and (wanted.seen is None or mark == rows.micros(wanted.seen))


def _mark(wanted: Settling) -> Row:
    return {"b_id": wanted.schedule_id, "b_mark": rows.micros(wanted.evaluated)}
