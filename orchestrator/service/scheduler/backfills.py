"""The backfills of a project, as their runs tell: each with how far it is."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from orchestrator.model.state import BROKEN, FINISHED, SUCCEEDED, StateType
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun

_RUNS = 10_000  #: the latest runs that are looked at
#: Between a schedule and the name of a backfill, in what the runs of the backfill name as theirs.
_BETWEEN = " backfill "


@dataclass(frozen=True, slots=True)
class Filling:
    """A backfill.

    Args:
        id: Its name.
        flow: The flow.
        schedule: Name of the schedule.
        created: When its first run was made.
        first: The first instant it makes up for.
        last: The last one.
        total: Its runs, as far as they are kept.
        succeeded: So many succeeded.
        failed: So many failed or timed out.
        cancelled: So many were cancelled.
        running: So many are under way.
        waiting: So many wait for an agent, or for others of the backfill.
    """

    id: str
    flow: str
    schedule: str
    created: datetime
    first: datetime | None
    last: datetime | None
    total: int
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    waiting: int = 0


def backfills(store: RunStore, project: str, *, limit: int = 100) -> tuple[Filling, ...]:
    """Return the backfills of a project that have runs among the latest, the newest first.

    Args:
        store: The run store.
        project: The project.
        limit: At most so many.
    """
    groups: dict[str, list[FlowRun]] = {}
    for run in store.runs(project=project, limit=_RUNS):
        if run.schedule_id and _BETWEEN in run.schedule_id:
            groups.setdefault(run.schedule_id, []).append(run)
    return tuple(_filling(place, runs) for place, runs in list(groups.items())[:limit])


def _filling(place: str, runs: list[FlowRun]) -> Filling:
    schedule, _, name = place.partition(_BETWEEN)
    instants = [run.scheduled for run in runs if run.scheduled is not None]
    counts = Counter(standing(run.state) for run in runs)
    return Filling(
        name, runs[0].flow, schedule.rpartition("/")[2], min(run.created for run in runs),
        min(instants, default=None), max(instants, default=None), len(runs), **counts,
    )  # fmt: skip


def standing(state: StateType) -> str:
    """Return under which word of :class:`Filling` a run counts.

    Example:
        >>> standing(StateType.PENDING)
        'waiting'
    """
    if state not in FINISHED:
        return "waiting" if state is StateType.PENDING else "running"
    return "succeeded" if state in SUCCEEDED else "failed" if state in BROKEN else "cancelled"
