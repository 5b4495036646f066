"""``/schedules`` and ``/schedules/preview``: where schedules stand, and when they run."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from orchestrator import instants
from orchestrator.errors import NotFoundError, UsageError
from orchestrator.schedule import Schedule
from orchestrator.schedule import preview as previews
from orchestrator.server.catalogue.known import PATIENCE, KeeperOf
from orchestrator.server.needs import ProjectOf, StoreOf, viewing
from orchestrator.server.runs.answering import answered
from orchestrator.server.schedules import models
from orchestrator.service.catalogue.keeper import Keeper
from orchestrator.service.deploying.rescheduling import CronWanted, schedule_named
from orchestrator.service.scheduler.listing import schedules
from orchestrator.service.scheduler.watching import shape_of
from orchestrator.shapes import schedules as shapes
from orchestrator.store.base import RunStore

router = APIRouter(tags=["schedules"], dependencies=[Depends(viewing)])
_Flow = Annotated[str | None, Query(min_length=1, max_length=200, description="Of this flow.")]


@router.get(
    "/schedules",
    operation_id="list_schedules",
    summary="List schedules",
    response_model=models.Schedules,
)
def list_schedules(
    project: ProjectOf,
    store: StoreOf,
    flow: _Flow = None,
    last: Annotated[
        int, Query(ge=1, le=1000, description="So many settled occurrences of each.")
    ] = 1,
) -> Response:
    """List the schedules of deployed flows: what comes next, and what became of the last ones."""
    found = schedules(store, project.name, instants.now(), flow=flow, last=last)
    return answered({"schedules": [shapes.listed(one) for one in found]})


@router.get(
    "/schedules/preview",
    operation_id="preview_schedule",
    summary="Show when a schedule comes due",
    response_model=models.Preview,
)
def preview_schedule(
    keeper: KeeperOf,
    project: ProjectOf,
    store: StoreOf,
    flow: _Flow = None,
    name: Annotated[
        str | None, Query(min_length=1, max_length=200, description="This one of its schedules.")
    ] = None,
    number: Annotated[
        int, Query(alias="next", ge=1, le=1000, description="So many occurrences.")
    ] = 20,
    around: Annotated[
        date | None,
        Query(
            description="Those before and after this day, or before and after clocks change on it.",
            examples=["2026-11-01"],
        ),
    ] = None,
    cron: Annotated[
        str | None,
        Query(min_length=1, max_length=200, description="Of this cron expression, not of a flow."),
    ] = None,
    timezone: Annotated[str, Query(min_length=1, max_length=100)] = "UTC",
    gap: Literal["end", "shift", "skip"] = "end",
    overlap: Literal["first", "second", "both"] = "first",
) -> Response:
    """Tell when a schedule runs, in local time and UTC, and what changes of clocks do to it.

    Of a deployed flow, as it is deployed; of another, as its code says.
    """
    if cron is not None and flow is None:
        schedule = CronWanted(cron, timezone, gap=gap, overlap=overlap).schedule()
    elif cron is None and flow is not None:
        schedule = _of_flow(keeper, project.name, store, flow, name)
    else:
        raise UsageError("neither or both of flow and cron are given", fix="give one of them")
    if around is None:
        found = previews.coming(schedule, number, instants.now())
    else:
        found = previews.around(schedule, _within(around), number)
    return answered(shapes.preview(flow, schedule, found))


def _within(day: date) -> date:
    """A day that clocks can be reckoned around."""
    if not 1900 <= day.year <= 2200:
        raise UsageError(f"{day} is too far away", fix="give a day between 1900 and 2200")
    return day


def _of_flow(
    keeper: Keeper, project: str, store: RunStore, flow: str, name: str | None
) -> Schedule:
    try:
        deployment = store.current(project, flow)
    except NotFoundError:
        found = keeper.survey(PATIENCE).flows.get(flow)
        if found is None:
            raise NotFoundError(f"there is no flow {flow!r}", fix="GET /flows lists them") from None
        if found.clocks is None:
            raise NotFoundError(
                f"the flow {flow!r} has no schedule", fix="preview an expression: ?cron=30 2 * * *"
            ) from None
        return Schedule.from_dict(found.clocks)
    return Schedule.from_dict(shape_of(deployment, schedule_named(deployment, name)))
