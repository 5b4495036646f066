"""A schedule that is watched: its clocks read once, and the next time something of it is due."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from typing import Any

from orchestrator.schedule import Occurrence, Schedule
from orchestrator.service.scheduler.policies import Policies
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.occurrences import ScheduleState

#: So many occurrences are settled one by one; of more, those between the first and the newest are
#: left out.
MOST = 10_000


@dataclass(slots=True)
class Watch:
    """One schedule of one deployment.

    Args:
        deployment: The deployment.
        schedule: Its clocks.
        policies: What it says besides.
        mark: The mark that ``next`` was reckoned from.
        next: The epoch of the first occurrence after the mark; None: there is none.
    """

    deployment: Deployment
    schedule: Schedule
    policies: Policies
    mark: datetime
    next: int | None

    def move(self, mark: datetime) -> None:
        """Reckon the next occurrence from another mark."""
        if mark != self.mark:
            self.mark, self.next = mark, _first(self.schedule, mark)


def watch(deployment: Deployment, state: ScheduleState) -> Watch:
    """Read a schedule of a deployment.

    Raises:
        FlowError: It cannot be read.
        LookupError: The deployment has none of that name.
    """
    shape = shape_of(deployment, state.name)
    schedule = Schedule.from_dict(shape)
    first = _first(schedule, state.evaluated)
    return Watch(deployment, schedule, Policies.from_dict(shape), state.evaluated, first)


def shape_of(deployment: Deployment, name: str) -> Mapping[str, Any]:
    """Return the schedule of that name as the deployment says it."""
    for shape in deployment.schedules:
        if shape.get("name") == name:
            return shape
    raise LookupError(f"deployment {deployment.number} has no schedule {name!r}")


def due(schedule: Schedule, after: datetime, now: datetime) -> list[Occurrence]:
    """Return the occurrences after an instant, up to and including another, in order.

    Of more than ``MOST`` come the first and the newest: a schedule that nobody served for a year
    does not stop the others.
    """
    last = int(now.timestamp())
    coming = takewhile(lambda one: one.epoch <= last, schedule.occurrences(after))
    found = list(islice(coming, MOST + 1))
    if len(found) <= MOST:
        return found
    newest = list(islice(schedule.before(now + timedelta(seconds=1)), MOST - 1))
    return [found[0], *reversed([one for one in newest if one.epoch <= last])]


def due_of(store: RunStore, watched: Watch, name: str, now: datetime) -> list[Occurrence]:
    """Return what is due of a schedule; until its deployment came, by the clocks it had before.

    A schedule that is given another time does not count what the new time would have named before,
    and does not lose what the old one named.
    """
    mark, came = watched.mark, watched.deployment.created
    found = due(watched.schedule, mark, now)
    if not found or mark >= came or watched.deployment.number <= 1:
        return found
    before = _earlier(store, watched.deployment, name)
    if before is None or before == watched.schedule:
        return found
    return [*due(before, mark, min(came, now)), *(one for one in found if one.instant > came)]


def _earlier(store: RunStore, deployment: Deployment, name: str) -> Schedule | None:
    """The schedule of that name in the deployment before."""
    for other in store.deployments(deployment.project, deployment.flow):
        if other.number == deployment.number - 1:
            try:
                return Schedule.from_dict(shape_of(other, name))
            except LookupError:
                return None
    return None


def _first(schedule: Schedule, after: datetime) -> int | None:
    found = next(iter(schedule.occurrences(after)), None)
    return None if found is None else found.epoch


def instant(epoch: int) -> datetime:
    """An epoch as an aware instant."""
    return datetime.fromtimestamp(epoch, UTC)
