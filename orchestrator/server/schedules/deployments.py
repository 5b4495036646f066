"""``/deployments``: what is in service, and taking it out of service."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from orchestrator.server.naming import FlowPath
from orchestrator.server.needs import (
    ProjectOf,
    StoreOf,
    WhoOf,
    administering,
    audited,
    viewing,
)
from orchestrator.server.runs.answering import answered
from orchestrator.server.schedules import models
from orchestrator.service.deploying.listing import history_of, in_service, one_before
from orchestrator.shapes import deployments as shapes

router = APIRouter(tags=["deployments"])
_LOOK, _CHANGE = [Depends(viewing)], [Depends(administering)]


@router.get(
    "/deployments",
    operation_id="list_deployments",
    summary="List deployments",
    dependencies=_LOOK,
    response_model=models.Deployments,
)
def list_deployments(
    project: ProjectOf,
    store: StoreOf,
    deleted: Annotated[bool, Query(description="Also those that were deleted.")] = False,
) -> Response:
    """List the flows that are in service, each with its current deployment."""
    return answered(shapes.listed(in_service(store, project.name, deleted=deleted)))


@router.get(
    "/deployments/{flow}",
    operation_id="get_deployment",
    summary="Show a deployment",
    dependencies=_LOOK,
    response_model=models.History,
)
def get_deployment(project: ProjectOf, store: StoreOf, flow: FlowPath) -> Response:
    """Show a flow's current deployment, the earlier ones, and who changed what."""
    return answered(shapes.history(history_of(store, project.name, flow)))


@router.post(
    "/deployments/{flow}/pause",
    operation_id="pause_deployment",
    summary="Pause a deployment",
    dependencies=_CHANGE,
    response_model=models.Switched,
)
def pause_deployment(
    project: ProjectOf, store: StoreOf, who: WhoOf, flow: FlowPath, asked: models.Which
) -> Response:
    """Let a flow, or one of its schedules, make no runs by itself until it is resumed."""
    store.pause(project.name, flow, schedule=asked.schedule, by=who.name)
    audited(who, "deployment.pause", flow, {"schedule": asked.schedule})
    return _done(flow, asked.schedule, "paused")


@router.post(
    "/deployments/{flow}/resume",
    operation_id="resume_deployment",
    summary="Resume a deployment",
    dependencies=_CHANGE,
    response_model=models.Switched,
)
def resume_deployment(
    project: ProjectOf, store: StoreOf, who: WhoOf, flow: FlowPath, asked: models.Which
) -> Response:
    """Let a flow, or one of its schedules, make runs by itself again, from now on."""
    store.resume(project.name, flow, schedule=asked.schedule, by=who.name)
    audited(who, "deployment.resume", flow, {"schedule": asked.schedule})
    return _done(flow, asked.schedule, "resumed")


@router.post(
    "/deployments/{flow}/rollback",
    operation_id="roll_back",
    summary="Roll back a deployment",
    dependencies=_CHANGE,
    response_model=models.Deployment,
)
def roll_back(
    project: ProjectOf, store: StoreOf, who: WhoOf, flow: FlowPath, asked: models.Rollback
) -> Response:
    """Make another deployment of a flow the current one: the one before, if none is named."""
    number = asked.number or one_before(store, project.name, flow)
    found = store.rollback(project.name, flow, number, by=who.name)
    audited(who, "deployment.rollback", flow, {"number": found.number, "version": found.version})
    return answered(shapes.deployment(found))


@router.delete(
    "/deployments/{flow}",
    operation_id="delete_deployment",
    summary="Take a flow out of service",
    dependencies=_CHANGE,
    response_model=models.Switched,
)
def delete_deployment(project: ProjectOf, store: StoreOf, who: WhoOf, flow: FlowPath) -> Response:
    """Take a flow out of service. Its runs and its versions stay; deploying it puts it back."""
    store.delete(project.name, flow, by=who.name)
    audited(who, "deployment.delete", flow)
    return _done(flow, None, "deleted")


def _done(flow: str, schedule: str | None, done: str) -> Response:
    return answered({"flow": flow, "schedule": schedule, "done": done})
