"""Occurrences of schedules in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        settled: Sequence[Settled],
        runs: Sequence[FlowRun],
        evaluated: datetime,
        *,
        seen: datetime | None = None,
    ) -> tuple[str, ...]:
        wanted = [keeping.settled_row(one) for one in settled]
        made = {run.id: rows.flow_run_row(run) for run in runs}
        mark = rows.micros(evaluated) or 0
        with self._lock:
            schedule = self._schedules.get(schedule_id)
            if schedule is None:
                raise missing.no_such_schedule(schedule_id, WHERE)
            if seen is not None and schedule["evaluated"] != rows.micros(seen):
                return ()
            new = [row for row in wanted if (schedule_id, row["key"]) not in self._occurrences]
            self._make_runs(new, made)
            for row in new:
                self._occurrences[schedule_id, row["key"]] = row
            schedule["evaluated"] = max(schedule["evaluated"], mark)
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
                if schedule_id in (None, row["schedule_id"]) and outcome in (None, row["outcome"])
            ]
        found.sort(key=lambda row: (row["instant"], row["schedule_id"], row["key"]), reverse=True)
        return tuple(map(keeping.settled, found[:limit]))

    def _forget_occurrences(self, before: int) -> None:
        for place in [p for p, row in self._occurrences.items() if row["instant"] < before]:
            del self._occurrences[place]

    def _make_runs(self, new: Sequence[Row], made: Mapping[str, Row]) -> None:
        """Make the runs of newly settled occurrences, all or none of them."""
        wanted = [run_id for run_id in keeping.runs_of(new) if run_id in made]
        for run_id in wanted:
            self._refuse_taken(run_id)
        kept = {run_id: self._keep_run(made[run_id]) for run_id in wanted}
        for row in new:
            row["run_id"] = kept.get(row["run_id"], row["run_id"])
