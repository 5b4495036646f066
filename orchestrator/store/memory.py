"""The run store in memory: for tests, and for runs that nobody will ask about later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from orchestrator import instants
from orchestrator.model.state import FINISHED, StateType
from orchestrator.store import rows
from orchestrator.store.base import LATEST, RunStore
from orchestrator.store.inmemory.access import MemoryAccess
from orchestrator.store.inmemory.agents import MemoryAgents
from orchestrator.store.inmemory.graphs import MemoryGraphs
from orchestrator.store.inmemory.occurrences import MemoryOccurrences
from orchestrator.store.inmemory.outbox import MemoryOutbox
from orchestrator.store.inmemory.shared import WHERE, Kept
from orchestrator.store.inmemory.texts import MemoryTexts
from orchestrator.store.lines import PLACE, Line, refusing, waits_since
from orchestrator.store.lookup import (
    RUNS_LOOKED_AT,
    fenced,
    medians,
    no_such_run,
    no_such_task,
    not_one_run,
    reject_twice,
    states_of,
)
from orchestrator.store.moves import KEPT_IF_NONE, Outcome, Standing, decide, ending, fencing
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


class MemoryStore(
    MemoryOccurrences, MemoryAgents, MemoryOutbox, MemoryGraphs, MemoryTexts, MemoryAccess, RunStore
):
    """A run store that lasts as long as the object; it keeps the very rows a database would.

    Example:
        >>> store = MemoryStore()
        >>> store.create_run(FlowRun("a1", "nightly"))
        'a1'
        >>> store.run("latest").flow
        'nightly'
    """

    def __init__(self) -> None:
        super().__init__()
        self._last_ask = 0
        self._limits: dict[str, int] = {}
        self._leases: dict[tuple[str, str], Row] = {}
        self._waits: dict[tuple[str, str], Row] = {}

    def create_run(self, run: FlowRun, tasks: Sequence[TaskRun] = ()) -> str:
        reject_twice(tasks)
        row = rows.flow_run_row(run)
        task_rows = [rows.task_run_row(run.id, task, place) for place, task in enumerate(tasks)]
        with self._lock:
            return self._keep_run(row, task_rows)

    def add_tasks(self, run_id: str, tasks: Sequence[TaskRun], *, fence: int | None = None) -> None:
        with self._lock:
            kept = self._of(run_id)
            if kept.run["state"] in FINISHED:
                raise fenced(f"run {run_id} is {kept.run['state']}: no task can be added")
            if reason := fencing(kept.run["fence"], fence):
                raise fenced(reason)
            place = 1 + max((row["position"] for row in kept.tasks.values()), default=-1)
            added = [
                rows.task_run_row(run_id, task, place + offset) for offset, task in enumerate(tasks)
            ]
            for row in added:
                kept.tasks.setdefault(row["key"], row)
            self._happened(kept, "tasks_added", {"tasks": len(tasks)})

    def transition(
        self, run_id: str, changes: Sequence[Change], *, fence: int | None = None
    ) -> tuple[Refused, ...]:
        with self._lock:
            return self._make(self._of(run_id), changes, fence)

    def _make(
        self, kept: Kept, changes: Sequence[Change], fence: int | None = None
    ) -> tuple[Refused, ...]:
        run = Standing(StateType(kept.run["state"]), started=kept.run["started"])
        keys = {change.key for change in changes}
        tasks = {key: _standing(kept.tasks[key]) for key in keys if key in kept.tasks}
        held = kept.run["fence"]
        outcome = decide(kept.run["id"], run, tasks, changes, fence=held, given_fence=fence)
        _write_outcome(kept, outcome)
        self._append_events(kept, outcome.events)
        return tuple(outcome.refused)

    def append_logs(self, run_id: str, lines: Sequence[LogLine]) -> None:
        line_rows = [rows.log_row(run_id, line) for line in lines]
        with self._lock:
            kept = self._of(run_id).logs
            kept += [row | {"seq": seq} for seq, row in enumerate(line_rows, len(kept) + 1)]

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
        wanted = search.lower() if search else ""
        with self._lock:
            kept = self._kept.get(run_id)
            found = [
                row
                for row in (kept.logs if kept else ())
                if row["seq"] > after_seq
                and (before_seq is None or row["seq"] < before_seq)
                and (key is None or row["key"] == key)
                and (level is None or row["level"] >= level)
                and wanted in row["text"].lower()
            ]
        chosen = found[:limit] if tail is None else found[max(0, len(found) - tail) :]
        return tuple(map(rows.log_line, chosen))

    def log_total(self, run_id: str) -> int:
        with self._lock:
            kept = self._kept.get(run_id)
            return len(kept.logs) if kept else 0

    def run(self, run_id: str) -> FlowRun:
        if run_id == LATEST:
            latest = self.runs(limit=1)
            if not latest:
                raise no_such_run(run_id, WHERE)
            return latest[0]
        with self._lock:
            found = [run_id] if run_id in self._kept else self._beginning(run_id)
            if len(found) != 1:
                raise not_one_run(run_id, found, WHERE)
            return rows.flow_run(self._kept[found[0]].run)

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
        states = None if state is None else states_of(state)
        last = None if before is None else self.run(before)
        first, end = rows.micros(since), rows.micros(until)
        with self._lock:
            found = [
                row
                for row in self._newest_first(flow, project)
                if (states is None or row["state"] in states)
                and (first is None or row["created"] >= first)
                and (end is None or row["created"] < end)
                and (last is None or _age(row) < (rows.micros(last.created), last.id))
            ]
            return tuple(map(rows.flow_run, found[:limit]))

    def retries(self, run_id: str) -> tuple[str, ...]:
        with self._lock:
            found = self._newest_first(None, None)[::-1]
            return tuple(row["id"] for row in found if row["retry_of"] == run_id)

    def counts(self, run_ids: Collection[str]) -> Mapping[str, Mapping[StateType, int]]:
        with self._lock:
            found = {run_id: self._kept[run_id].tasks for run_id in run_ids if run_id in self._kept}
            return {
                run_id: dict(Counter(StateType(row["state"]) for row in tasks.values()))
                for run_id, tasks in found.items()
                if tasks
            }

    def task_runs(
        self, run_id: str, key: str | None = None, *, keys: Collection[str] | None = None
    ) -> tuple[TaskRun, ...]:
        wanted = None if keys is None else set(keys)
        with self._lock:
            found = self._of(run_id).tasks.values()
            return tuple(
                rows.task_run(row)
                for row in found
                if key in (None, row["key"]) and (wanted is None or row["key"] in wanted)
            )

    def attempts(self, run_id: str, key: str | None = None) -> tuple[Attempt, ...]:
        with self._lock:
            kept = self._of(run_id)
            found = [row for row in kept.attempts.values() if key in (None, row["key"])]
            found.sort(key=lambda row: (kept.tasks[row["key"]]["position"], row["number"]))
            return tuple(map(rows.attempt, found))

    def events(
        self, run_id: str, *, after: int = 0, limit: int | None = None, key: str | None = None
    ) -> tuple[Event, ...]:
        with self._lock:
            found = [row for row in self._of(run_id).events if row["id"] > after]
        wanted = found if key is None else [row for row in found if row["key"] == key]
        return tuple(map(rows.event, wanted[:limit]))

    def last_event(self, run_id: str | None = None) -> int:
        if run_id is None:
            return self._last_event
        with self._lock:
            kept = self._kept.get(run_id)
            return int(kept.events[-1]["id"]) if kept else 0

    def changed_runs(self, after: int) -> Mapping[str, int]:
        with self._lock:
            last = {run_id: kept.events[-1]["id"] for run_id, kept in self._kept.items()}
        return {run_id: number for run_id, number in last.items() if number > after}

    def durations(
        self,
        flow: str | None,
        keys: Collection[str],
        *,
        last: int = 10,
        project: str | None = None,
    ) -> Mapping[str, float]:
        with self._lock:
            samples: dict[str, list[int]] = {key: [] for key in keys}
            for key, elapsed in self._successes(flow, project):
                if key in samples:
                    samples[key].append(elapsed)
            return medians(samples, last)

    def heartbeat(self, run_id: str, fence: int, until: datetime) -> bool:
        with self._lock:
            kept = self._kept.get(run_id)
            if kept is None or kept.run["finished"] is not None or kept.run["fence"] != fence:
                return False
            kept.run["lease_expires"] = rows.micros(until)
            for lease in self._leases.values():
                if lease["run_id"] == run_id:
                    lease["expires"] = rows.micros(until)
            return True

    def expired_runs(self, now: datetime) -> tuple[FlowRun, ...]:
        instant = rows.micros(now)
        with self._lock:
            found = [row for row in self._newest_first(None, None) if _expired(row, instant)]
            return tuple(map(rows.flow_run, reversed(found)))

    def take_over(
        self,
        run_id: str,
        *,
        seen: int | None = None,
        pid: int | None = None,
        host: str | None = None,
        until: datetime | None = None,
    ) -> int:
        with self._lock:
            kept = self._of(run_id)
            if kept.run["state"] in FINISHED:
                raise fenced(f"run {run_id} is {kept.run['state']}: nobody needs to drive it")
            if reason := fencing(kept.run["fence"], seen):
                raise fenced(reason)
            fence: int = kept.run["fence"] + 1
            kept.run.update(fence=fence, pid=pid, host=host, lease_expires=rows.micros(until))
            self._give_back(run_id)
            self._happened(kept, "taken_over", {"fence": fence, "pid": pid, "host": host})
            return fence

    def call_off(self, run_ids: Collection[str], why: str) -> tuple[str, ...]:
        with self._lock:
            wanted = [run_id for run_id in dict.fromkeys(run_ids) if self._is_unclaimed(run_id)]
            for run_id in wanted:
                kept = self._kept[run_id]
                tasks = {key: StateType(row["state"]) for key, row in kept.tasks.items()}
                self._make(kept, ending(tasks, StateType.CANCELLED, why))
                self.leave(run_id)
        return tuple(wanted)

    def ask(self, run_id: str, asked: Ask) -> int:
        row = rows.ask_row(run_id, asked)
        with self._lock:
            kept = self._of(run_id)
            if row["key"] is not None and row["key"] not in kept.tasks:
                raise no_such_task(run_id, row["key"], WHERE)
            self._append_events(kept, [rows.asked_event(row)])
            self._last_ask += 1
            kept.asked.append(row | {"id": self._last_ask})
            return self._last_ask

    def asked(self, run_id: str, *, after: int = 0) -> tuple[Ask, ...]:
        with self._lock:
            found = [row for row in self._of(run_id).asked if row["id"] > after]
        return tuple(map(rows.ask, found))

    def set_limit(self, name: str, slots: int | None) -> None:
        with self._lock:
            if slots is None:
                self._limits.pop(rows.clean(name), None)
            else:
                self._limits[rows.clean(name)] = slots

    def limits(self) -> tuple[Limit, ...]:
        now = rows.micros(instants.now()) or 0
        with self._lock:
            taken = sorted(
                (row for row in self._leases.values() if row["expires"] >= now),
                key=lambda row: (row["taken"], row["holder"]),
            )
            return tuple(
                Limit(name, slots, tuple(rows.lease(row) for row in taken if row["name"] == name))
                for name, slots in sorted(self._limits.items())
            )

    def acquire(
        self, names: Collection[str], holder: str, run_id: str, until: datetime
    ) -> tuple[str, ...]:
        if not names:
            return ()
        now = instants.now()
        at = rows.micros(now) or 0
        with self._lock:
            self._of(run_id)
            lines = self._lines(names, holder, at)
            refused = refusing(lines, run_id, at)
            since = waits_since(lines, run_id, at)
            for name in refused:
                self._waits[name, run_id] = {"since": since, "expires": rows.micros(now + PLACE)}
            for name in () if refused else lines:
                self._leases[name, holder] = {
                    "name": name, "holder": holder, "run_id": run_id, "taken": at,
                    "expires": rows.micros(until),
                }  # fmt: skip
                self._waits.pop((name, run_id), None)
            return refused

    def release(self, holder: str) -> None:
        with self._lock:
            for place in [place for place in self._leases if place[1] == holder]:
                del self._leases[place]

    def leave(self, run_id: str) -> None:
        with self._lock:
            self._give_back(run_id)
            for place in [place for place in self._waits if place[1] == run_id]:
                del self._waits[place]

    def prune(self, older_than: datetime | None = None, *, most: int | None = None) -> int:
        before = rows.micros(older_than) or 0
        with self._lock:
            self._forget_occurrences(before)
            finished = [r for r in self._newest_first(None, None) if r["finished"] is not None]
            old = {row["id"] for row in finished if row["finished"] < before}
            if most is not None:
                old.update(_beyond(finished, most))
            for run_id in old:
                self.leave(run_id)
                self._forget_notifications(run_id)
                del self._kept[run_id]
            self._forget_graphs()
            self._forget_texts()
            return len(old)

    def close(self) -> None:
        """Keep everything: there is nothing to let go of."""

    def _give_back(self, run_id: str) -> None:
        for place in [p for p, row in self._leases.items() if row["run_id"] == run_id]:
            del self._leases[place]

    def _lines(self, names: Collection[str], holder: str, now: int) -> dict[str, Line]:
        lines = {name: Line(self._limits[name]) for name in names if name in self._limits}
        for table in (self._leases, self._waits):
            for place in [p for p, row in table.items() if p[0] in lines and row["expires"] < now]:
                del table[place]
        for name, other in self._leases:
            if name in lines and other != holder:
                lines[name].taken += 1
        for (name, run_id), row in self._waits.items():
            if name in lines:
                lines[name].waiting[run_id] = row["since"]
        return lines

    def _beginning(self, prefix: str) -> list[str]:
        return sorted(key for key in self._kept if prefix and key.startswith(prefix))[:5]

    def _newest_first(self, flow: str | None, project: str | None) -> list[Row]:
        found = [
            kept.run
            for kept in self._kept.values()
            if flow in (None, kept.run["flow"]) and project in (None, kept.run["project"])
        ]
        return sorted(found, key=_age, reverse=True)

    def _successes(self, flow: str | None, project: str | None) -> Iterator[tuple[str, int]]:
        for run in self._newest_first(flow, project)[:RUNS_LOOKED_AT]:
            for row in self._kept[run["id"]].tasks.values():
                if row["state"] == StateType.SUCCESS and row["started"] is not None:
                    yield row["key"], row["finished"] - row["started"]


def _age(run: Row) -> tuple[int, str]:
    return run["created"], run["id"]


def _beyond(newest_first: Iterable[Row], most: int) -> Iterator[str]:
    """Yield the ids of all but the first few runs of each flow."""
    seen: Counter[tuple[str, str]] = Counter()
    for row in newest_first:
        place = row["project"], row["flow"]
        seen[place] += 1
        if seen[place] > most:
            yield row["id"]


def _expired(run: Row, now: int | None) -> bool:
    if run["finished"] is not None:
        return False
    lease = run["lease_expires"]
    return run["state"] != StateType.PENDING if lease is None else bool(lease < now)


def _standing(task: Row) -> Standing:
    return Standing(StateType(task["state"]), task["attempt"], task["token"], task["started"])


def _write_outcome(kept: Kept, outcome: Outcome) -> None:
    kept.run.update(outcome.run or {})
    for key, values in outcome.tasks.items():
        row = kept.tasks[key]
        row.update({n: v for n, v in values.items() if v is not None or n not in KEPT_IF_NONE})
    kept.attempts.update(outcome.opened)
    for place, values in outcome.closed.items():
        attempt = kept.attempts[place]
        attempt.update(values, worker=values["worker"] or attempt["worker"])
