"""What routes of runs take and give: bounded parameters, and JSON as the command line prints it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Path, Query, Response
from pydantic import BeforeValidator

from orchestrator.errors import NotFoundError
from orchestrator.shapes import values
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, TaskRun

MOST = 2**62  #: no number of an event or a line is greater; databases take no more


def _instant(text: object) -> datetime:
    """Read an instant from text; pydantic would take a number, too."""
    try:
        found = datetime.fromisoformat(str(text))
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("it is no instant in ISO 8601") from None


#: Of a path: which run.
RunId = Annotated[
    str,
    Path(
        alias="run_id",
        pattern=r"^[0-9A-Za-z_-]{1,64}$",
        description="Id of the run: 16 hexadecimal digits, a beginning of them, or `latest`.",
        examples=["latest", "4f1c09a2b7d3e685"],
    ),
]
#: Of a query: which task. Keys hold any character, so they never stand in a path.
Key = Annotated[
    str,
    Query(
        min_length=1,
        max_length=2000,
        description="Key of the task.",
        examples=["model.shop.orders"],
    ),
]
OptionalKey = Annotated[
    str | None,
    Query(min_length=1, max_length=2000, description="Only of the task with this key."),
]
Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    Query(description="ISO 8601; in UTC if it does not say its zone."),
]
After = Annotated[
    int, Query(ge=0, le=MOST, description="Only what has a greater number than this.")
]


def answered(shape: Any, status: int = 200) -> Response:
    """JSON with the words and instants of the command line."""
    return Response(_text(shape), status, media_type="application/json")


def _text(shape: Any) -> str:
    """The text of :func:`orchestrator.shapes.values.dumps`, several times as fast where it can be."""
    try:
        return json.dumps(shape, allow_nan=False, default=_reduced)
    except ValueError:  # a number that is none
        return values.dumps(shape)


def _reduced(value: object) -> Any:
    if isinstance(value, datetime):
        aware = value if value.tzinfo is UTC else value.astimezone(UTC)
        return aware.isoformat()[:-6] + "Z"
    return json.loads(values.dumps(value))


def task_of(store: RunStore, run: FlowRun, key: str) -> TaskRun:
    """The task of a run.

    Raises:
        NotFoundError: The run has none of that key.
    """
    found = store.task_runs(run.id, key)
    if not found:
        raise NotFoundError(
            f"run {run.id} has no task {key!r}",
            fix=f"GET /api/v1/runs/{run.id} names its tasks",
        )
    return found[0]
