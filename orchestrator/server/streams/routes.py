"""Routes of what happens as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Path, Query, Request
from fastapi.responses import StreamingResponse

from orchestrator.server.needs import StoreOf, viewing
from orchestrator.server.streams.hub import Hub
from orchestrator.server.streams.words import Place, View

router = APIRouter(tags=["streams"], dependencies=[Depends(viewing)])

_SEEN = Annotated[
    str | None,
    Query(pattern=r"^\d{1,18}(\.\d{1,18})?$", description="Only what came after this id."),
]
_LAST = Annotated[
    str | None,
    Header(alias="Last-Event-ID", description="The id that was seen last; browsers send it."),
]
_EVENTS = {200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}}


@router.get(
    "/runs/{run_id}/stream",
    operation_id="follow_run",
    summary="Follow a run",
    response_class=StreamingResponse,
    responses=_EVENTS,  # type: ignore[arg-type]
)
def follow_run(
    run_id: Annotated[
        str,
        Path(
            pattern=r"^[0-9A-Za-z_-]{1,64}$",
            description="Id of the run.",
            examples=["4f1c09a2b7d3e685"],
        ),
    ],
    request: Request,
    store: StoreOf,
    logs: Annotated[bool, Query(description="Whether to send lines of the log, too.")] = False,
    key: Annotated[
        str | None, Query(min_length=1, max_length=2000, description="Only of this task.")
    ] = None,
    after: _SEEN = None,
    last_event_id: _LAST = None,
) -> StreamingResponse:
    """Send events `run`, `task` (at most four a second of each task), `log` and, last, `end`.

    Their ids are `EVENT.LINE`; a client that comes back with the last one misses nothing. Who
    comes without one is told what changed a moment ago, and the log from now on.
    """
    found = store.run(run_id)
    hub: Hub = request.app.state.streams
    return _stream(hub.run(found.id, View(logs, key), _place(last_event_id, after)))


@router.get(
    "/stream",
    operation_id="follow_runs",
    summary="Follow all runs",
    response_class=StreamingResponse,
    responses=_EVENTS,  # type: ignore[arg-type]
)
def follow_runs(
    request: Request, after: _SEEN = None, last_event_id: _LAST = None
) -> StreamingResponse:
    """Send an event `run` for each run that changed, until the client goes."""
    hub: Hub = request.app.state.streams
    return _stream(hub.runs(_place(last_event_id, after)))


def _place(*given: str | None) -> Place | None:
    """The first that can be read; whoever comes with another counts as new."""
    for text in given:
        event, _, line = (text or "").partition(".")
        if event.isascii() and event.isdecimal() and len(event) < 19:
            known = line.isascii() and line.isdecimal() and len(line) < 19
            return Place(int(event), int(line) if known else 0)
    return None


def _stream(texts: AsyncIterator[bytes]) -> StreamingResponse:
    headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
    return StreamingResponse(texts, media_type="text/event-stream", headers=headers)
