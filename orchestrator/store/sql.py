"""The run store in a SQL database: SQLite on one machine, Postgres for several."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Select, delete, func, insert, select, update

from orchestrator import instants
from orchestrator.model.state import FINISHED, StateType
from orchestrator.store import rows, slots, statements
from orchestrator.store.base import LATEST, RunStore
from orchestrator.store.engines import READ, RELAXED
from orchestrator.store.failures import translated
from orchestrator.store.insql.access import SqlAccess
from orchestrator.store.insql.agents import SqlAgents
from orchestrator.store.insql.graphs import SqlGraphs
from orchestrator.store.insql.moving import KEYS_AT_ONCE, call_off, standings, write_outcomes
from orchestrator.store.insql.occurrences import SqlOccurrences
from orchestrator.store.insql.outbox import SqlOutbox
from orchestrator.store.insql.shared import chunks
from orchestrator.store.insql.texts import SqlTexts
from orchestrator.store.lookup import (
    fenced,
    medians,
    no_such_run,
    no_such_task,
    not_one_run,
    reject_twice,
    states_of,
)
from orchestrator.store.moves import Standing, decide, fencing
from orchestrator.store.records import (
    Ask,
    Attempt,
    Change,
    Event,
    FlowRun,
    Limit,
    LogLine,
    Refused,
    TaskRun,
)
from orchestrator.store.rows import Row
from orchestrator.store.slots import set_limit as write_limit
from orchestrator.store.tables import (
    attempts,
    events,
    flow_runs,
    leases,
    limits,
    log_lines,
    requests,
    task_runs,
)

Record = TypeVar("Record")

_PRUNED_AT_ONCE = 10  #: runs a transaction: others write between
_FEW_KEYS = 500  #: up to so many are looked up one by one, not picked from all of a run


class SqlStore(SqlOccurrences, SqlAgents, SqlOutbox, SqlGraphs, SqlTexts, SqlAccess, RunStore):
    """A run store behind a SQLAlchemy engine whose schema is at head.

    Use :func:`orchestrator.store.opening.open_store`, which sees to the schema.

    Args:
        engine: From :mod:`orchestrator.store.engines`.
        where: Names the store in errors: the file, or the address without its password.
    """

    def __init__(self, engine: Engine, where: str) -> None:
        super().__init__(engine, where)
        self._insert_new_tasks = self._dialect.insert(task_runs).on_conflict_do_nothing()

    def create_run(self, run: FlowRun, tasks: Sequence[TaskRun] = ()) -> str:
        reject_twice(tasks)
        row = rows.flow_run_row(run)
        task_rows = [rows.task_run_row(run.id, task, place) for place, task in enumerate(tasks)]
        with self._write() as connection:
            kept, is_new = self._keep_run(connection, row, len(tasks))
            if is_new and task_rows:
                connection.execute(insert(task_runs), task_rows)
        return kept

    def add_tasks(self, run_id: str, tasks: Sequence[TaskRun], *, fence: int | None = None) -> None:
        with self._write() as connection:
            standing, held = self._lock_run(connection, run_id)
            if standing.state in FINISHED:
                raise fenced(f"run {run_id} is {standing.state}: no task can be added")
            if reason := fencing(held, fence):
                raise fenced(reason)
            place: int = connection.execute(
                statements.NEXT_POSITION, {"b_run": run_id}
            ).scalar_one()
            task_rows = [
                rows.task_run_row(run_id, task, place + offset) for offset, task in enumerate(tasks)
            ]
            if task_rows:
                connection.execute(self._insert_new_tasks, task_rows)
            self._add_event(connection, run_id, "tasks_added", {"tasks": len(tasks)})

    def transition(
        self, run_id: str, changes: Sequence[Change], *, fence: int | None = None
    ) -> tuple[Refused, ...]:
        keys = list(dict.fromkeys(change.key for change in changes if change.key is not None))
        with self._write() as connection:
            run, held = self._lock_run(connection, run_id)
            tasks = standings(connection, run_id, keys)
            outcome = decide(run_id, run, tasks, changes, fence=held, given_fence=fence)
            write_outcomes(connection, {run_id: outcome})
        return tuple(outcome.refused)

    def append_logs(self, run_id: str, lines: Sequence[LogLine]) -> None:
        line_rows = [rows.log_row(run_id, line) for line in lines]
        if not line_rows:
            return
        with self._write(RELAXED) as connection:
            self._lock_run(connection, run_id)
            last: int = connection.execute(statements.LAST_LINE, {"b_run": run_id}).scalar_one()
            numbered = [row | {"seq": seq} for seq, row in enumerate(line_rows, last + 1)]
            connection.execute(insert(log_lines), numbered)

    def logs(
        self,
        run_id: str,
        key: str | None = None,
        *,
        after_seq: int = 0,
        before_seq: int | None = None,
        limit: int = 1000,
        tail: int | None = None,
        level: int | None = None,
        search: str | None = None,
    ) -> tuple[LogLine, ...]:
        line = log_lines.c
        query = select(log_lines).where(line.run_id == run_id, line.seq > after_seq)
        if before_seq is not None:
            query = query.where(line.seq < before_seq)
        if key is not None:
            query = query.where(line.key == key)
        if level is not None:
            query = query.where(line.level >= level)
        if search:
            query = query.where(func.lower(line.text).contains(search.lower(), autoescape=True))
        if tail is None:
            return tuple(map(rows.log_line, self._read(query.order_by(line.seq).limit(limit))))
        found = self._read(query.order_by(line.seq.desc()).limit(tail))
        return tuple(map(rows.log_line, reversed(found)))

    def log_total(self, run_id: str) -> int:
        with translated(self._where), self._engines[READ].connect() as connection:
            total: int = connection.execute(statements.LAST_LINE, {"b_run": run_id}).scalar_one()
        return total

    def run(self, run_id: str) -> FlowRun:
        if run_id == LATEST:
            latest = self.runs(limit=1)
            if not latest:
                raise no_such_run(run_id, self._where)
            return latest[0]
        found = self._read(select(flow_runs).where(flow_runs.c.id == run_id))
        if not found and run_id:
            beginning = func.substr(flow_runs.c.id, 1, len(run_id)) == run_id
            found = self._read(select(flow_runs).where(beginning).order_by(flow_runs.c.id).limit(5))
        if len(found) != 1:
            raise not_one_run(run_id, [row["id"] for row in found], self._where)
        return rows.flow_run(found[0])

    def runs(
        self,
        *,
        flow: str | None = None,
        project: str | None = None,
        state: StateType | Collection[StateType] | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 20,
        before: str | None = None,
    ) -> tuple[FlowRun, ...]:
        last = None if before is None else self.run(before)
        states = None if state is None else states_of(state)
        within = statements.Within(
            project, flow, rows.micros(since), rows.micros(until),
            None if last is None else (rows.micros(last.created), last.id),
        )  # fmt: skip
        return tuple(map(rows.flow_run, self._read(statements.list_of_runs(within, states, limit))))

    def retries(self, run_id: str) -> tuple[str, ...]:
        run = flow_runs.c
        query = select(run.id).where(run.retry_of == run_id).order_by(run.created, run.id)
        return tuple(row["id"] for row in self._read(query))

    def counts(self, run_ids: Collection[str]) -> Mapping[str, Mapping[StateType, int]]:
        found: dict[str, dict[StateType, int]] = {}
        for some in chunks(list(run_ids)):
            for row in self._read(statements.counts(some)):
                found.setdefault(row["run_id"], {})[StateType(row["state"])] = row["tasks"]
        return found

    def task_runs(
        self, run_id: str, key: str | None = None, *, keys: Collection[str] | None = None
    ) -> tuple[TaskRun, ...]:
        query = select(task_runs).where(task_runs.c.run_id == run_id)
        if keys is not None and len(keys) <= KEYS_AT_ONCE:
            query = query.where(task_runs.c.key.in_(keys))
        elif keys is not None:
            wanted = set(keys)
            return tuple(task for task in self.task_runs(run_id) if task.key in wanted)
        if key is not None:
            query = query.where(task_runs.c.key == key)
        return self._of_run(run_id, query.order_by(task_runs.c.position), rows.task_run)

    def attempts(self, run_id: str, key: str | None = None) -> tuple[Attempt, ...]:
        query = select(attempts).where(attempts.c.run_id == run_id)
        if key is not None:
            query = query.where(attempts.c.key == key)
        query = query.join(task_runs).order_by(task_runs.c.position, attempts.c.number)
        return self._of_run(run_id, query, rows.attempt)

    def events(
        self, run_id: str, *, after: int = 0, limit: int | None = None, key: str | None = None
    ) -> tuple[Event, ...]:
        event = events.c
        query = select(events).where(event.run_id == run_id, event.id > after).order_by(event.id)
        if key is not None:
            query = query.where(event.key == key)
        return self._of_run(run_id, query.limit(limit), rows.event)

    def last_event(self, run_id: str | None = None) -> int:
        query = select(func.coalesce(func.max(events.c.id), 0).label("last"))
        if run_id is not None:
            query = query.where(events.c.run_id == run_id)
        last: int = self._read(query)[0]["last"]
        return last

    def changed_runs(self, after: int) -> Mapping[str, int]:
        event = events.c
        query = select(event.run_id, func.max(event.id).label("last")).where(event.id > after)
        return {row["run_id"]: row["last"] for row in self._read(query.group_by(event.run_id))}

    def _of_run(
        self,
        run_id: str,
        query: Select[Any],
        record: Callable[[Row], Record],
    ) -> tuple[Record, ...]:
        found = self._read(query)
        if not found and not self._read(select(flow_runs.c.id).where(flow_runs.c.id == run_id)):
            raise no_such_run(run_id, self._where)
        return tuple(map(record, found))

    def durations(
        self,
        flow: str | None,
        keys: Collection[str],
        *,
        last: int = 10,
        project: str | None = None,
    ) -> Mapping[str, float]:
        recent = [row["id"] for row in self._read(statements.recent_runs(flow, project))]
        samples: dict[str, list[int]] = {key: [] for key in keys}
        for start in range(0, len(recent), last):
            wanted = [key for key, values in samples.items() if len(values) < last]
            for key, elapsed in self._elapsed(recent[start : start + last], wanted):
                if key in samples:
                    samples[key].append(elapsed)
        return medians(samples, last)

    def _elapsed(self, run_ids: Sequence[str], wanted: Sequence[str]) -> Iterator[tuple[str, int]]:
        """Yield key and microseconds of each success in these runs, in the runs' order."""
        of_run: dict[str, list[tuple[str, int]]] = {run_id: [] for run_id in run_ids}
        query = statements.elapsed(run_ids, wanted if len(wanted) <= _FEW_KEYS else None)
        with translated(self._where), self._engines[READ].connect() as connection:
            found: Iterable[Any] = connection.execute(query)
            for run_id, key, elapsed in found:
                of_run[run_id].append((key, elapsed))
        return chain.from_iterable(of_run.values())

    def heartbeat(self, run_id: str, fence: int, until: datetime) -> bool:
        beat = {"b_run": run_id, "b_fence": fence, "b_until": rows.micros(until)}
        with self._write(RELAXED) as connection:
            ours = connection.execute(statements.HEARTBEAT, beat).rowcount == 1
            if ours:
                connection.execute(slots.RENEW, {"b_run": run_id, "b_until": beat["b_until"]})
        return ours

    def expired_runs(self, now: datetime) -> tuple[FlowRun, ...]:
        return tuple(map(rows.flow_run, self._read(statements.expired(rows.micros(now)))))

    def take_over(
        self,
        run_id: str,
        *,
        seen: int | None = None,
        pid: int | None = None,
        host: str | None = None,
        until: datetime | None = None,
    ) -> int:
        with self._write() as connection:
            standing, held = self._lock_run(connection, run_id)
            if standing.state in FINISHED:
                raise fenced(f"run {run_id} is {standing.state}: nobody needs to drive it")
            if reason := fencing(held, seen):
                raise fenced(reason)
            driver = {"pid": pid, "host": host, "lease_expires": rows.micros(until)}
            connection.execute(
                update(flow_runs).where(flow_runs.c.id == run_id),
                {"fence": held + 1, **driver},
            )
            connection.execute(slots.GIVE_BACK, {"b_run": run_id})
            data = {"fence": held + 1, "pid": pid, "host": host}
            self._add_event(connection, run_id, "taken_over", data)
        return held + 1

    def call_off(self, run_ids: Collection[str], why: str) -> tuple[str, ...]:
        with self._write() as connection:
            ended = call_off(connection, sorted(run_ids), why)
            if ended:
                of_each = [{"b_run": run_id} for run_id in ended]
                connection.execute(slots.GIVE_BACK, of_each)
                connection.execute(slots.LEAVE_LINES, of_each)
        return tuple(run_id for run_id in dict.fromkeys(run_ids) if run_id in ended)

    def ask(self, run_id: str, asked: Ask) -> int:
        row = rows.ask_row(run_id, asked)
        with self._write() as connection:
            self._lock_run(connection, run_id)
            if asked.key is not None and not standings(connection, run_id, [row["key"]]):
                raise no_such_task(run_id, asked.key, self._where)
            connection.execute(insert(events), rows.asked_event(row))
            number: int = connection.execute(
                insert(requests).returning(requests.c.id), row
            ).scalar_one()
        return number

    def asked(self, run_id: str, *, after: int = 0) -> tuple[Ask, ...]:
        request = requests.c
        query = select(requests).where(request.run_id == run_id, request.id > after)
        return self._of_run(run_id, query.order_by(request.id), rows.ask)

    def set_limit(self, name: str, slots: int | None) -> None:
        with self._write() as connection:
            write_limit(connection, rows.clean(name), slots)

    def limits(self) -> tuple[Limit, ...]:
        now = rows.micros(instants.now())
        taken = self._read(
            select(leases).where(leases.c.expires >= now).order_by(leases.c.taken, leases.c.holder)
        )
        return tuple(
            Limit(
                row["name"],
                row["slots"],
                tuple(rows.lease(each) for each in taken if each["name"] == row["name"]),
            )
            for row in self._read(select(limits).order_by(limits.c.name))
        )

    def acquire(
        self, names: Collection[str], holder: str, run_id: str, until: datetime
    ) -> tuple[str, ...]:
        if not names:
            return ()
        with self._write(RELAXED) as connection:
            known = select(flow_runs.c.id).where(flow_runs.c.id == run_id)
            if connection.execute(known).first() is None:
                raise no_such_run(run_id, self._where)
            return slots.acquire(connection, names, holder, run_id, instants.now(), until)

    def release(self, holder: str) -> None:
        with self._write(RELAXED) as connection:
            connection.execute(slots.RELEASE, {"b_holder": holder})

    def leave(self, run_id: str) -> None:
        with self._write(RELAXED) as connection:
            connection.execute(slots.GIVE_BACK, {"b_run": run_id})
            connection.execute(slots.LEAVE_LINES, {"b_run": run_id})

    def prune(self, older_than: datetime | None = None, *, most: int | None = None) -> int:
        before = rows.micros(older_than)
        total = 0
        if before is not None:
            self._forget_occurrences(before)
            total += self._prune(statements.FINISHED_BEFORE, {"b_before": before})
        if most is not None:
            total += self._prune(statements.BEYOND, {"b_kept": most})
        if total:
            self._forget_graphs()
            self._forget_texts()
        return total

    def _prune(self, old: Select[Any], values: Row) -> int:
        total = 0
        while True:
            with self._write() as connection:
                some = old.limit(_PRUNED_AT_ONCE)
                found: list[str] = list(connection.execute(some, values).scalars())
                if found:
                    connection.execute(delete(flow_runs).where(flow_runs.c.id.in_(found)))
            total += len(found)
            if len(found) < _PRUNED_AT_ONCE:
                return total

    def close(self) -> None:
        self._engine.dispose()

    def _lock_run(self, connection: Connection, run_id: str) -> tuple[Standing, int]:
        """Return where the run stands, and its fence; other writers of this run wait from here."""
        row = connection.execute(statements.LOCK_RUN, {"b_run": run_id}).one_or_none()
        if row is None:
            raise no_such_run(run_id, self._where)
        return Standing(StateType(row.state), started=row.started), row.fence
