"""Occurrences of schedules in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from orchestrator.store import keeping, rows
from orchestrator.store.inmemory.deployments import MemoryDeployments
from orchestrator.store.occurrences import (
    LastRun,
    OccurrenceStore,
    ScheduleState,
    Settled,
    SettledAs,
    Settling,
)
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

    def occur_all(self, wanted: Sequence[Settling]) -> tuple[tuple[str, ...] | None, ...]:
        made = {run.id: rows.flow_run_row(run) for each in wanted for run in each.runs}
        asked = [list(map(keeping.settled_row, each.settled)) for each in wanted]
        with self._lock:
            new = [self._new(each, given) for each, given in zip(wanted, asked, strict=True)]
            self._make_runs([row for found in new for row in found or ()], made)
            for each, found in zip(wanted, new, strict=True):
                if found is not None and self._stands(each):
                    for row in found:
                        self._occurrences[each.schedule_id, row["key"]] = row
                    schedule = self._schedules[each.schedule_id]
                    mark = rows.micros(each.evaluated) or 0
                    schedule["evaluated"] = max(schedule["evaluated"], mark)
        return tuple(None if f is None else tuple(row["key"] for row in f) for f in new)

    def last_runs(self, schedule_ids: Collection[str]) -> Mapping[str, LastRun]:
        found: dict[str, LastRun] = {}
        with self._lock:
            ran = [row for row in self._occurrences.values() if row["outcome"] == SettledAs.RUN]
            for row in sorted(ran, key=lambda row: (row["instant"], row["key"])):
                kept = self._kept.get(row["run_id"])
                if row["schedule_id"] in schedule_ids and kept is not None:
                    run = rows.flow_run(kept.run)
                    if run.schedule_id == row["schedule_id"]:
                        found[row["schedule_id"]] = LastRun(run.id, run.created, run.finished)
        return found

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
        # A backfill settles nights long gone: they are as young as their runs.
        kept = self._occurrences.items()
        for place in [p for p, row in kept if max(row["instant"], row["settled"]) < before]:
            del self._occurrences[place]

    def _new(self, wanted: Settling, asked: Sequence[Row]) -> list[Row] | None:
        """The occurrences that are not there; None if the schedule is not."""
        if wanted.schedule_id not in self._schedules:
            return None
        if not self._stands(wanted):
            return []
        first = {row["key"]: row for row in reversed(asked)}.values()  # asked twice is new once
        known = self._occurrences
        return [row for row in reversed(first) if (wanted.schedule_id, row["key"]) not in known]

    def _stands(self, wanted: Settling) -> bool:
        mark = self._schedules[wanted.schedule_id]["evaluated"]
        return wanted.seen is None or bool(mark == rows.micros(wanted.seen))

    def _make_runs(self, new: Sequence[Row], made: Mapping[str, Row]) -> None:
        """Make the runs of newly settled occurrences, all or none of them."""
        wanted = [run_id for run_id in keeping.runs_of(new) if run_id in made]
        for run_id in wanted:
            self._refuse_taken(run_id)
        kept = {run_id: self._keep_run(made[run_id]) for run_id in wanted}
        for row in new:
            row["run_id"] = kept.get(row["run_id"], row["run_id"])
