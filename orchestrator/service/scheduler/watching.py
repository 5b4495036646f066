"""A schedule that is watched: its timetable, and the next time something of it is due."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.schedule import Occurrence, Schedule
from orchestrator.service.scheduler.policies import Policies
from orchestrator.service.scheduler.timetables import Timetable, Timetables
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.occurrences import ScheduleState


@dataclass(slots=True)
class Watch:
    """One schedule of one deployment.

    Args:
        name: Its name.
        deployment: The deployment.
        times: What the schedule says of times.
        policies: What it says besides.
        mark: The mark that ``next`` was reckoned from.
        next: The epoch of the first occurrence after the mark; None: there is none.
    """

    name: str
    deployment: Deployment
    times: Timetable
    policies: Policies
    mark: datetime
    next: int | None

    @property
    def schedule(self) -> Schedule:
        """Its clocks."""
        return self.times.schedule

    def move(self, mark: datetime) -> None:
        """Reckon the next occurrence from another mark."""
        if mark != self.mark:
            self.mark, self.next = mark, self.times.first(mark)


def watch(deployment: Deployment, state: ScheduleState, timetables: Timetables) -> Watch:
    """Read a schedule of a deployment.

    Raises:
        FlowError: It cannot be read.
        LookupError: The deployment has none of that name.
    """
    times = timetables.of(shape_of(deployment, state.name))
    policies, first = times.policies, times.first(state.evaluated)
    return Watch(state.name, deployment, times, policies, state.evaluated, first)


def shape_of(deployment: Deployment, name: str) -> Mapping[str, Any]:
    """Return the schedule of that name as the deployment says it."""
    for shape in deployment.schedules:
        if shape.get("name") == name:
            return shape
    raise LookupError(f"deployment {deployment.number} has no schedule {name!r}")


def earlier(store: RunStore, watches: Iterable[Watch]) -> Mapping[str, Deployment]:
    """Return the deployments before those that came after their schedule's mark, by these' ids."""
    newer = [one.deployment for one in watches if one.mark < one.deployment.created]
    return store.previous([one.id for one in newer if one.number > 1])


def due_of(
    watched: Watch, now: datetime, before: Mapping[str, Deployment], timetables: Timetables
) -> Sequence[Occurrence]:
    """Return what is due of a schedule; until its deployment came, by the clocks it had before.

    A schedule that is given another time does not count what the new time would have named before,
    and does not lose what the old one named.

    Args:
        watched: The schedule.
        now: The present (aware).
        before: What :func:`earlier` found.
        timetables: Where schedules are read.
    """
    if watched.next is None or watched.next > now.timestamp():
        return ()
    found = watched.times.due(watched.next, now)
    old = _times_of(before.get(watched.deployment.id), watched.name, timetables)
    came = watched.deployment.created
    if old is None or old.schedule == watched.schedule or watched.mark >= came:
        return found
    first, until = old.first(watched.mark), min(came, now)
    missed = () if first is None or first > until.timestamp() else old.due(first, until)
    return [*missed, *(one for one in found if one.instant > came)]


def _times_of(deployment: Deployment | None, name: str, timetables: Timetables) -> Timetable | None:
    """The timetable of that name in a deployment, if it has one that can be read."""
    if deployment is None:
        return None
    try:
        return timetables.of(shape_of(deployment, name))
    except (OrchestratorError, LookupError, TypeError, ValueError):
        return None
