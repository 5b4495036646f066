"""``/agents``, ``/notifications``, ``/limits`` and ``/audit``: what works beside the runs."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Response

from orchestrator import instants
from orchestrator.errors import NotFoundError, UsageError
from orchestrator.server.needs import (
    ProjectOf,
    StoreOf,
    WhoOf,
    administering,
    audited,
    running,
    viewing,
)
from orchestrator.server.rest import models
from orchestrator.server.runs.answering import MOST, answered
from orchestrator.service.limits import change_limit, known_limits
from orchestrator.settings import limit_name
from orchestrator.shapes import service as shapes
from orchestrator.store.outbox import Delivery

router = APIRouter(tags=["service"])
_LOOK = [Depends(viewing)]


@router.get(
    "/agents",
    operation_id="list_agents",
    summary="List agents",
    dependencies=_LOOK,
    response_model=models.Agents,
)
def list_agents(store: StoreOf) -> Response:
    """List the agents, and whether each was heard of within the last three beats."""
    now = instants.now()
    return answered({"agents": [shapes.agent(one, now) for one in store.agents()]})


@router.get(
    "/notifications",
    operation_id="list_notifications",
    summary="List notifications",
    dependencies=_LOOK,
    response_model=models.Notifications,
)
def list_notifications(
    store: StoreOf,
    state: Annotated[
        Literal["pending", "sent", "dead"] | None, Query(description="Only those that stand so.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 100,
) -> Response:
    """List the messages to people, the newest first; those given up are `dead` and say why."""
    found = store.outbox(state=Delivery(state) if state else None, limit=limit)
    return answered({"notifications": [shapes.notification(one) for one in found]})


@router.post(
    "/notifications/{number}/retry",
    operation_id="retry_notification",
    summary="Send a notification again",
    dependencies=[Depends(running)],
    response_model=models.Retried,
)
def retry_notification(
    store: StoreOf, who: WhoOf, number: Annotated[int, Path(ge=1, le=MOST)]
) -> Response:
    """Send a message that was given up again, five tries more."""
    if not store.revive(number, instants.now()):
        raise NotFoundError(
            f"no notification {number} was given up",
            fix="GET /notifications?state=dead lists those that were",
        )
    audited(who, "notification.retry", str(number))
    return answered({"id": number, "state": "pending"})


@router.get(
    "/limits",
    operation_id="list_limits",
    summary="List limits",
    dependencies=_LOOK,
    response_model=models.Limits,
)
def list_limits(project: ProjectOf, store: StoreOf) -> Response:
    """List limits, and which runs have how much of each."""
    found = known_limits(project, store)
    return answered({"limits": [shapes.limit(one) for one in found]})


@router.put(
    "/limits",
    operation_id="set_limit",
    summary="Set a limit",
    dependencies=[Depends(administering)],
    response_model=models.SetLimit,
)
def set_limit(project: ProjectOf, store: StoreOf, who: WhoOf, asked: models.NewLimit) -> Response:
    """Let at most so many run at the same time; runs under way notice it within seconds."""
    try:
        name = limit_name(asked.name)
    except ValueError as error:
        raise UsageError(str(error), fix="name it tag:WORD, warehouse:NAME or flow:NAME") from None
    change_limit(project, store, name, asked.slots)
    audited(who, "limit.set", name, {"slots": asked.slots})
    return answered({"name": name, "slots": asked.slots})


@router.get(
    "/audit",
    operation_id="list_audit",
    summary="List who did what",
    dependencies=_LOOK,
    response_model=models.Audit,
)
def list_audit(
    store: StoreOf,
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 100,
    before: Annotated[
        int | None, Query(ge=1, le=MOST, description="Only those before this number.")
    ] = None,
) -> Response:
    """List what people did, the newest first: who, with which role, to what."""
    found = store.deeds(limit=limit, before=before)
    return answered({"entries": [shapes.deed(one) for one in found]})
