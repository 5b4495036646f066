"""Errors about deployments and schedules that are not there, the same for every store."""

from __future__ import annotations

from collections.abc import Iterable

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.nearest import near_to, nearest


def not_deployed(
    project: str, flow: str, deployed: Iterable[str], *, deleted: bool
) -> NotFoundError:
    """Return the error for a flow that is not in service, by the flows that are."""
    why = "was deleted from service" if deleted else "is not deployed"
    near = None if deleted else near_to(flow, deployed)
    there = f"did you mean {near!r}?" if near else f"`orchestrator deploy {flow}` deploys it;"
    return NotFoundError(
        f"flow {flow!r} {why}",
        where=f"project {project}",
        fix=f"{there} `orchestrator deployments list` shows all",
    )


def no_such_number(project: str, flow: str, number: int, numbers: Iterable[int]) -> NotFoundError:
    """Return the error for a deployment that a flow does not have."""
    return NotFoundError(
        f"flow {flow!r} has no deployment {number}",
        where=f"project {project}",
        fix="it has " + ", ".join(map(str, sorted(numbers, reverse=True)[:10])),
    )


def no_such_deployment(deployment_id: str, where: str) -> NotFoundError:
    """Return the error for a deployment that is not kept."""
    return NotFoundError(
        f"there is no deployment {deployment_id!r}",
        where=where,
        fix="`orchestrator deployments list` shows those that are",
    )


def taken_deployment(deployment_id: str, where: str) -> StoreError:
    """Return the error for a deployment whose id another one has."""
    return StoreError(
        f"deployment {deployment_id!r} is kept already", where=where, fix="give it another id"
    )


def no_such_schedule(schedule_id: str, where: str) -> NotFoundError:
    """Return the error for a schedule that no current deployment has."""
    return NotFoundError(
        f"there is no schedule {schedule_id!r}",
        where=where,
        fix="`orchestrator deployments list` shows the flows that are deployed",
    )


def no_such_schedule_of(project: str, flow: str, name: str, names: Iterable[str]) -> NotFoundError:
    """Return the error for a schedule that a flow's current deployment does not have."""
    known = list(names)
    return NotFoundError(
        f"flow {flow!r} has no schedule {name!r}",
        where=f"project {project}",
        fix=nearest(name, known, "its schedules: ") if known else "its current deployment has none",
    )
