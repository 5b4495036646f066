"""Schedules of deployed flows: paused, resumed, and given by hand."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from orchestrator.server.catalogue.known import KeeperOf
from orchestrator.server.naming import FlowPath
from orchestrator.server.needs import ProjectOf, StoreOf, WhoOf, administering, audited
from orchestrator.server.runs.answering import answered
from orchestrator.server.schedules import models
from orchestrator.service.deploying.rescheduling import CronWanted, reschedule
from orchestrator.shapes import deployments as shapes

router = APIRouter(tags=["schedules"], dependencies=[Depends(administering)])


@router.put(
    "/flows/{flow}/schedules",
    operation_id="set_schedules",
    summary="Change the schedules of a flow",
    response_model=models.Deployment,
)
def set_schedules(
    keeper: KeeperOf,
    project: ProjectOf,
    store: StoreOf,
    who: WhoOf,
    flow: FlowPath,
    asked: models.NewSchedules,
) -> Response:
    """Give a deployed flow other schedules: a new deployment of the same version.

    Each says who gave it (`by_hand`). The next `orchestrator deploy` takes the schedules from the
    flow's code again. What a schedule of the same name says of missed and meeting runs stays.
    """
    found = keeper.survey().flows.get(flow)
    known = None if found is None or found.plan is None else [p["name"] for p in found.parameters]
    wanted = [CronWanted(**one.model_dump()) for one in asked.schedules]
    done = reschedule(store, project.name, flow, wanted, by=who.name, parameters=known)
    names = [one.name for one in wanted]
    audited(who, "schedules.set", flow, {"number": done.number, "schedules": names})
    return answered(shapes.deployment(done))


@router.post(
    "/schedules/pause",
    operation_id="pause_schedule",
    summary="Pause a schedule",
    response_model=models.Switched,
)
def pause_schedule(
    project: ProjectOf, store: StoreOf, who: WhoOf, asked: models.OfFlow
) -> Response:
    """Let a schedule make no runs until it is resumed; what comes meanwhile is settled as skipped."""
    store.pause(project.name, asked.flow, schedule=asked.name, by=who.name)
    audited(who, "schedule.pause", asked.flow, {"schedule": asked.name})
    return answered({"flow": asked.flow, "schedule": asked.name, "done": "paused"})


@router.post(
    "/schedules/resume",
    operation_id="resume_schedule",
    summary="Resume a schedule",
    response_model=models.Switched,
)
def resume_schedule(
    project: ProjectOf, store: StoreOf, who: WhoOf, asked: models.OfFlow
) -> Response:
    """Let a schedule make runs again, from now on."""
    store.resume(project.name, asked.flow, schedule=asked.name, by=who.name)
    audited(who, "schedule.resume", asked.flow, {"schedule": asked.name})
    return answered({"flow": asked.flow, "schedule": asked.name, "done": "resumed"})
