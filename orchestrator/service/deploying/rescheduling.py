"""Gives a deployed flow other schedules by hand: a new deployment of the same version."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from orchestrator import instants
from orchestrator.errors import NotFoundError, ParameterError, UsageError
from orchestrator.schedule import CronClock, Schedule
from orchestrator.service.deploying.deploy import SCHEDULE
from orchestrator.service.scheduler.policies import Policies
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import new_run_id

#: Keys of a schedule that say what becomes of missed and meeting runs; they go with its name.
_POLICIES = (
    "catch_up", "catch_up_window", "max_catch_up", "overlap", "on_lost", "max_lost_retries",
)  # fmt: skip
#: In a schedule: who gave it by hand. Those that the flow's code says have no such key.
BY_HAND = "by_hand"


@dataclass(frozen=True, slots=True)
class CronWanted:
    """A schedule by cron expression.

    Args:
        cron: The expression.
        timezone: Its zone.
        name: No other of the flow has it.
        gap: ``end``, ``shift`` or ``skip``, for a local time that does not exist.
        overlap: ``first``, ``second`` or ``both``, for one that comes twice.
        parameters: What its runs get.
    """

    cron: str
    timezone: str
    name: str = SCHEDULE
    gap: str = "end"
    overlap: str = "first"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def schedule(self) -> Schedule:
        """The schedule.

        Raises:
            FlowError: The expression, the zone or a policy cannot be read.
        """
        clock = CronClock(
            self.cron, timezone=self.timezone, gap=self.gap, overlap=self.overlap,
            parameters=self.parameters or None,
        )  # fmt: skip
        return Schedule([clock])


def reschedule(
    store: RunStore,
    project: str,
    flow: str,
    wanted: Sequence[CronWanted],
    *,
    by: str,
    parameters: Collection[str] | None = None,
    now: datetime | None = None,
) -> Deployment:
    """Make a new deployment of a flow's current version, with other schedules.

    The next ``orchestrator deploy`` takes the schedules from the flow's code again.

    Args:
        store: The run store.
        project: The project.
        flow: The flow; it is deployed.
        wanted: All its schedules from now on; none lets it run by hand only.
        by: Who says so.
        parameters: Names that runs of the flow take, if they are known.
        now: The present (aware).

    Returns:
        The deployment that is current now.

    Raises:
        NotFoundError: The flow is not deployed.
        FlowError: An expression or a zone cannot be read, or two schedules have one name.
    """
    current = store.current(project, flow)
    kept = {str(shape.get("name")): shape for shape in current.schedules}
    moment = now or instants.now()
    shapes = [_shape(one, kept.get(one.name, {}), by, moment, parameters) for one in wanted]
    names = [shape["name"] for shape in shapes]
    if len(set(names)) < len(names):
        raise UsageError(
            f"two schedules of {flow!r} have one name", fix="give each a name of its own"
        )
    return store.deploy(
        replace(
            current, id=new_run_id(), number=0, schedules=tuple(shapes), created=moment,
            created_by=by,
        )
    )  # fmt: skip


def _shape(
    one: CronWanted,
    before: Mapping[str, Any],
    by: str,
    now: datetime,
    parameters: Collection[str] | None,
) -> dict[str, Any]:
    unknown = [name for name in one.parameters if parameters is not None and name not in parameters]
    if unknown:
        raise ParameterError(
            f"the flow has no parameter {unknown[0]!r}",
            fix=f"its parameters: {', '.join(parameters or ()) or 'none'}",
        )
    schedule = one.schedule()
    if not list(islice(schedule.occurrences(now), 1)):
        raise UsageError(
            f"the schedule {one.cron!r} names nothing that is to come", fix="give another"
        )
    policies = {name: before[name] for name in _POLICIES if name in before}
    Policies.from_dict(policies)
    return {"name": one.name, **schedule.to_dict(), **policies, BY_HAND: by}


def schedule_named(deployment: Deployment, name: str | None) -> str:
    """Return the name of the schedule that is meant: the one named, or the only one.

    Raises:
        NotFoundError: There is none of that name.
        UsageError: None is named, and there is not just one.
    """
    names = [str(shape["name"]) for shape in deployment.schedules]
    if name is None and len(names) == 1:
        return names[0]
    if name is not None and name in names:
        return name
    known = ", ".join(names) or "none"
    if not names:
        raise NotFoundError(
            f"{deployment.flow} has no schedule", fix="give its flow one, and deploy it again"
        )
    if name is None:
        raise UsageError(
            f"which schedule of {deployment.flow}? it has: {known}", fix="name it: --schedule NAME"
        )
    raise NotFoundError(f"{deployment.flow} has no schedule {name!r}", fix=f"it has: {known}")
