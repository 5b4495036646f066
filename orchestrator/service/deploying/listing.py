"""What is in service: flows with their current deployments, and the history of one of them."""

from __future__ import annotations

from dataclasses import dataclass

from orchestrator.errors import UsageError
from orchestrator.service.deploying.environments import name_of
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Audited, DeployedFlow, Deployment
from orchestrator.store.missing import not_deployed
from orchestrator.store.occurrences import ScheduleState


@dataclass(frozen=True, slots=True)
class InService:
    """A deployed flow with its current deployment and where its schedules stand."""

    flow: DeployedFlow
    current: Deployment
    schedules: tuple[ScheduleState, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """A deployed flow with all its deployments, the newest first, and what people did to it."""

    now: InService
    deployments: tuple[Deployment, ...]
    audit: tuple[Audited, ...]


def in_service(store: RunStore, project: str, *, deleted: bool = False) -> tuple[InService, ...]:
    """Return a project's deployed flows by name.

    Args:
        store: The run store.
        project: The project.
        deleted: Whether those that were deleted count.
    """
    flows = [flow for flow in store.deployed(project) if deleted or not flow.deleted]
    current = {one.id: one for one in store.deployments(ids=[f.deployment_id for f in flows])}
    states = store.schedule_states(project)
    return tuple(
        InService(
            flow,
            current[flow.deployment_id],
            tuple(state for state in states if state.flow == flow.flow),
        )
        for flow in flows
    )


def history_of(store: RunStore, project: str, flow: str) -> History:
    """Return a flow's deployments and what was done to it; a deleted flow has them still.

    Raises:
        NotFoundError: It was never deployed.
    """
    there = in_service(store, project, deleted=True)
    for found in there:
        if found.flow.flow == flow:
            return History(found, store.deployments(project, flow), store.audit(project, flow))
    raise not_deployed(project, flow, [one.flow.flow for one in there], deleted=False)


def one_before(store: RunStore, project: str, flow: str) -> int:
    """Return the number of the deployment before a flow's current one, in the same environment.

    Raises:
        NotFoundError: The flow is not deployed.
        UsageError: The current one is the first there.
    """
    current = store.current(project, flow)
    place = name_of(current)
    earlier = [one for one in store.deployments(project, flow) if one.number < current.number]
    for one in earlier:
        if name_of(one) == place:
            return one.number
    within = f" in environment {place}" if place else ""
    others = ", ".join(f"{one.number} ({name_of(one) or 'no environment'})" for one in earlier)
    raise UsageError(
        f"flow {flow!r} is at its first deployment{within}: there is none before it",
        fix=f"name the number of another: {others}"
        if others
        else f"`orchestrator deployments show {flow}` shows its deployments",
    )
