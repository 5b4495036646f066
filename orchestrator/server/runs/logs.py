"""Routes of a run's log: ranges of it, and all of it as a text file."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from orchestrator.errors import UsageError
from orchestrator.server.needs import StoreOf, viewing
from orchestrator.server.runs import log_ranges, models
from orchestrator.server.runs.answering import MOST, After, OptionalKey, RunId, answered
from orchestrator.server.runs.log_ranges import LEVELS, Filter
from orchestrator.shapes import runs as shapes

router = APIRouter(dependencies=[Depends(viewing)])

Level = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] | None,
    Query(description="Only this level and those above it."),
]
Number = Annotated[
    int | None, Query(ge=0, le=1_000_000, description="Only of the attempt with this number.")
]
Search = Annotated[
    str | None,
    Query(min_length=1, max_length=500, description="Only lines that hold this text."),
]


@router.get(
    "/runs/{run_id}/logs",
    response_model=models.Logs,
    summary="Read a part of a run's log",
    operation_id="list_run_logs",
)
def list_logs(
    store: StoreOf,
    run_id: RunId,
    key: OptionalKey = None,
    attempt: Number = None,
    after: After = 0,
    before: Annotated[
        int | None, Query(ge=1, le=MOST, description="The last lines before this number.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=5000, description="At most so many.")] = 500,
    tail: Annotated[int | None, Query(ge=1, le=5000, description="The last so many.")] = None,
    level: Level = None,
    search: Search = None,
) -> Response:
    """Return lines after a number, before a number, or the last ones; one of the three."""
    if sum((after > 0, before is not None, tail is not None)) > 1:
        raise UsageError(
            "after, before and tail exclude each other", fix="ask for one part of the log"
        )
    run = store.run(run_id)
    wanted = Filter(key, attempt, LEVELS[level] if level else None, search)
    if tail is not None or before is not None:
        lines = log_ranges.before(store, run.id, wanted, before, tail or limit)
    else:
        lines = log_ranges.after(store, run.id, wanted, after, limit)
    return answered(
        {
            "lines": [shapes.line(line) for line in lines],
            "first": lines[0].seq if lines else None,
            "last": lines[-1].seq if lines else None,
            "total": store.log_total(run.id),
        }
    )


@router.get(
    "/runs/{run_id}/logs/download",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    summary="Download a run's log",
    operation_id="download_run_logs",
)
def download_logs(
    store: StoreOf,
    run_id: RunId,
    key: OptionalKey = None,
    attempt: Number = None,
    level: Level = None,
    search: Search = None,
) -> StreamingResponse:
    """Return the log as a text file, line by line: instant, level, task, text."""
    run = store.run(run_id)
    wanted = Filter(key, attempt, LEVELS[level] if level else None, search)
    name = f"{run.id}.log"
    return StreamingResponse(
        log_ranges.text_of(store, run.id, wanted),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
