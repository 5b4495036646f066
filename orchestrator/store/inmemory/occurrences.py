"""Occurrences of schedules in memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from orchestrator.store import keeping, missing, rows
from orchestrator.store.inmemory.deployments import MemoryDeployments
from orchestrator.store.inmemory.shared import WHERE
from orchestrator.store.occurrences import OccurrenceStore, ScheduleState, Settled, SettledAs
from orchestrator.store.records import FlowRun
from orchestrator.store.rows import Row


class MemoryOccurrences(MemoryDeployments, OccurrenceStore):
    """Settled occurrences by schedule and key."""

    def __init__(self) -> None:
        super().__init__()
        self._occurrences: dict[tuple[str, str], Row] = {}

    def schedule_states(self, project: str | None = None) -> tuple[ScheduleState, ...]:
        with self._lock:
            found = [row for row in self._schedules.values() if project in (None, row["project"])]
            return tuple(map(keeping.schedule_state, sorted(found, key=lambda row: str(row["id"]))))

    def occur(
        self,
        schedule_id: str,
        rows: Sequence[Settled],
        runs: Sequence[FlowRun],
        evaluated: datetime,
        *,
        seen: datetime | None = None,
    ) -> tuple[str, ...]:
        settled = [keeping.settled_row(row) for row in rows]
        made = {run.id: _run_row(run) for run in runs}
        with self._lock:
            schedule = self._schedules.get(schedule_id)
            if schedule is None:
                raise missing.no_such_schedule(schedule_id, WHERE)
            if seen is not None and schedule["evaluated"] != _micros(seen):
                return ()
            new = [row for row in settled if (schedule_id, row["key"]) not in self._occurrences]
            wanted = keeping.runs_of(new)
            for run_id in wanted:
                if run_id in made:
                    self._keep_run(made[run_id])
            for row in new:
                self._occurrences[schedule_id, row["key"]] = row
            schedule["evaluated"] = max(schedule["evaluated"], _micros(evaluated))
            return tuple(row["key"] for row in new)

    def occurrences(
        self,
        schedule_id: str | None = None,
        *,
        outcome: SettledAs | None = None,
        limit: int = 100,
    ) -> tuple[Settled, ...]:
        with self._lock:
            found = [
                row
                for row in self._occurrences.values()
                if schedule_id in (None, row["schedule_id"])
                and outcome in (None, row["outcome"])
            ]
        found.sort(key=lambda row: (row["instant"], row["schedule_id"], row["key"]), reverse=True)
        return tuple(map(keeping.settled, found[:limit]))


def _run_row(run: FlowRun) -> Row:
    return rows.flow_run_row(run)


def _micros(instant: datetime) -> int:
    return rows.micros(instant) or 0
