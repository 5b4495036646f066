"""``/backfills``: runs for the past occurrences of a schedule."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from orchestrator import instants
from orchestrator.errors import UsageError
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
from orchestrator.service.deploying.rescheduling import schedule_named
from orchestrator.service.scheduler.backfill import backfill
from orchestrator.service.scheduler.backfills import backfills
from orchestrator.shapes import schedules as shapes

router = APIRouter(tags=["schedules"])


@router.post(
    "/backfills",
    operation_id="make_backfill",
    summary="Make runs for days that are past",
    dependencies=[Depends(administering)],
    response_model=models.Backfill,
    status_code=201,
)
def make_backfill(
    project: ProjectOf, store: StoreOf, who: WhoOf, asked: models.NewBackfill
) -> Response:
    """Make runs for the past occurrences of a schedule on some local days, the oldest first.

    Asking again makes nothing twice, but what was cancelled: it says how far it is. What another
    backfill has made is left out, if it succeeded or is under way.
    """
    first, last = asked.start, asked.end or asked.start
    for day in (first, last):
        if not 1900 <= day.year <= 2200:
            raise UsageError(f"{day} is too far away", fix="give a day between 1900 and 2200")
    if last < first:
        raise UsageError(f"the last day {last} is before the first, {first}")
    deployment = store.current(project.name, asked.flow)
    name = schedule_named(deployment, asked.name)
    done = backfill(
        store, deployment, name, first, last, now=instants.now(), parallel=asked.parallel,
        called=asked.id,
    )  # fmt: skip
    if done.made:
        data = {"schedule": name, "start": str(first), "end": str(last), "runs": done.made}
        audited(who, "backfill", asked.flow, data)
    shape = {"flow": asked.flow, "schedule": name, **shapes.progress(done)}
    return answered(shape, 201 if done.made else 200)


@router.get(
    "/backfills",
    operation_id="list_backfills",
    summary="List backfills",
    dependencies=[Depends(viewing)],
    response_model=models.Backfills,
)
def list_backfills(
    project: ProjectOf,
    store: StoreOf,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 100,
) -> Response:
    """List the backfills that have runs among the latest, the newest first."""
    found = backfills(store, project.name, limit=limit)
    return answered({"backfills": [asdict(one) for one in found]})
