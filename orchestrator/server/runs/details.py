"""Routes that show a task of a run, its past, and what happened in a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from orchestrator.model.state import StateType
from orchestrator.server.needs import ProjectOf, StoreOf, viewing
from orchestrator.server.runs import models
from orchestrator.server.runs.answering import After, Key, RunId, answered, task_of
from orchestrator.server.runs.failing import failure_of
from orchestrator.server.runs.graphs import GraphOf
from orchestrator.server.runs.past import past_of
from orchestrator.server.runs.reasons import why
from orchestrator.server.runs.reported import reported_by
from orchestrator.server.runs.sql import hash_of, sql_of
from orchestrator.shapes import runs as shapes
from orchestrator.shapes.values import Shape
from orchestrator.store.records import Attempt, Event, TaskRun

router = APIRouter(dependencies=[Depends(viewing)])


@router.get(
    "/runs/{run_id}/task",
    response_model=models.TaskPage,
    summary="Show a task of a run",
    operation_id="get_task",
)
def get_task(
    store: StoreOf, project: ProjectOf, graphs: GraphOf, run_id: RunId, key: Key
) -> Response:
    """Return all that is known of a task: attempts, history, edges with evidence, why it failed."""
    run = store.run(run_id)
    task = task_of(store, run, key)
    asked = store.asked(run.id)
    edges = _around(key, graph.edges if (graph := graphs.of(run)) else ())
    others = {edge[end] for edge in edges for end in ("upstream", "downstream")} - {key}
    beside = store.task_runs(run.id, keys=others | ({task.cause} if task.cause else set()))
    states = {each.key: each.state for each in beside}
    names = {each.key: each.name for each in beside}
    attempts = store.attempts(run.id, key)
    ended = [task.detail, *(each.detail for each in attempts)]
    texts = store.texts({name for detail in ended if (name := hash_of(detail))})
    return answered(
        {
            "task": shapes.task(task),
            "sql": sql_of(task.detail, texts),
            "attempts": [_attempt(each, texts) for each in attempts],
            "history": [_moment(each) for each in store.events(run.id, key=key)],
            "upstream": list(_edges(edges, states, "downstream", key)),
            "downstream": list(_edges(edges, states, "upstream", key)),
            "failure": failure_of(task, project.root, sql_of(task.detail, texts)),
            "why": why(task, run, asked, names),
            "requests": [shapes.request(each) for each in asked if each.key in (None, key)],
            "nodes": [_node(each) for each in reported_by(task)],
        }
    )


@router.get(
    "/runs/{run_id}/events",
    response_model=models.Events,
    summary="List what happened in a run",
    operation_id="list_run_events",
)
def list_events(
    store: StoreOf,
    run_id: RunId,
    after: After = 0,
    limit: Annotated[int, Query(ge=1, le=10_000, description="At most so many.")] = 1000,
) -> Response:
    """Return events in order; who asks again with `after` the last number misses none."""
    run = store.run(run_id)
    found = store.events(run.id, after=after, limit=limit)
    events = [
        {"id": each.id, "key": each.key, "at": each.at, "kind": each.kind, "data": each.data}
        for each in found
    ]
    return answered({"events": events, "last": found[-1].id if found else after})


@router.get(
    "/tasks/history",
    response_model=models.History,
    summary="Show a task in earlier runs",
    operation_id="get_task_history",
)
def get_history(
    store: StoreOf,
    project: ProjectOf,
    flow: Annotated[
        str,
        Query(min_length=1, max_length=2000, description="Name of the flow.", examples=["nightly"]),
    ],
    key: Key,
    last: Annotated[int, Query(ge=1, le=200, description="So many runs at most.")] = 30,
) -> Response:
    """Return how long a task took and what it wrote in the last runs of its flow that had it."""
    return answered({"history": past_of(store, project.name, flow, key, last)})


def _attempt(found: Attempt, texts: Mapping[str, str]) -> Shape:
    return {
        "number": found.number, "state": found.state, "message": found.message,
        "started": found.started, "finished": found.finished, "worker": found.worker,
        "detail": found.detail, "sql": sql_of(found.detail, texts),
    }  # fmt: skip


def _node(found: TaskRun) -> Shape:
    return {
        "key": found.key, "name": found.name, "resource_type": found.resource_type,
        "state": found.state, "status": found.status, "message": found.message,
        "started": found.started, "finished": found.finished,
    }  # fmt: skip


def _moment(found: Event) -> Shape:
    return {
        "at": found.at, "state": found.data.get("state"),
        "message": found.data.get("message", ""), "attempt": found.data.get("attempt"),
        "kind": found.kind, "data": found.data,
    }  # fmt: skip


def _around(key: str, edges: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The edges of a task; those of the whole, for an element of a mapped task."""
    found = [edge for edge in edges if key in (edge["upstream"], edge["downstream"])]
    return found or (_around(_whole(key), edges) if _whole(key) != key else [])


def _whole(key: str) -> str:
    return key[: key.rindex("[")] if key.endswith("]") and "[" in key else key


def _edges(
    edges: Iterable[Mapping[str, Any]], states: Mapping[str, StateType], end: str, key: str
) -> Iterable[Shape]:
    """The edges that end, or begin, at a task, with the state of the other task."""
    other = "upstream" if end == "downstream" else "downstream"
    own = (key, _whole(key))
    return ({**edge, "state": states.get(edge[other])} for edge in edges if edge[end] in own)
