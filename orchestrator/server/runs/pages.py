"""Routes that show runs: lists, one run, its graph, its timeline, two runs beside one another."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response

from orchestrator import instants
from orchestrator.lineage.collector import without_collector
from orchestrator.model.state import StateType
from orchestrator.server.needs import ProjectOf, StoreOf, viewing
from orchestrator.server.runs import models
from orchestrator.server.runs.answering import Instant, RunId, answered
from orchestrator.server.runs.comparing import compared
from orchestrator.server.runs.counting import counted, with_counts
from orchestrator.server.runs.graphs import GraphOf, graph_of, positions_for
from orchestrator.server.runs.timeline import timeline
from orchestrator.service.scheduler.waiting import why_waiting
from orchestrator.shapes import runs as shapes
from orchestrator.store.base import RunStore

router = APIRouter(dependencies=[Depends(viewing)])


@router.get("/runs", response_model=models.Runs, summary="List runs", operation_id="list_runs")
def list_runs(
    store: StoreOf,
    project: ProjectOf,
    flow: Annotated[
        str | None, Query(min_length=1, max_length=2000, description="Only of this flow.")
    ] = None,
    state: Annotated[
        list[StateType] | None,
        Query(max_length=20, description="Only in this state; may be given several times."),
    ] = None,
    since: Instant | None = None,
    until: Instant | None = None,
    limit: Annotated[int, Query(ge=1, le=500, description="At most so many.")] = 50,
    before: Annotated[
        str | None,
        Query(
            pattern=r"^[0-9A-Za-z_-]{1,64}$", description="The cursor `next` of the page before."
        ),
    ] = None,
) -> Response:
    """Return runs, the newest first, with the cursor of the next page.

    `since` and `until` are about when runs were made: not before the one, and before the other.
    """
    found = store.runs(
        flow=flow, project=project.name, state=state or None, since=since,
        until=until, limit=limit + 1, before=before,
    )  # fmt: skip
    page = found[:limit]
    more = page[-1].id if len(found) > limit else None
    return answered({"runs": with_counts(store, page), "next": more})


@router.get(
    "/runs/{run_id}", response_model=models.WholeRun, summary="Show a run", operation_id="get_run"
)
def get_run(
    store: StoreOf,
    run_id: RunId,
    tasks: Annotated[bool, Query(description="Whether its tasks are told.")] = True,
) -> Response:
    """Return a run with its tasks, what people asked of it, and the runs that finish it."""
    return _whole(store, run_id, tasks)


@without_collector
def _whole(store: RunStore, run_id: str, tasks: bool) -> Response:
    run = store.run(run_id)
    found = store.task_runs(run.id) if tasks else ()
    now = instants.now()
    shape = shapes.seen(run, counted(found), now=now)
    return answered(
        {
            **(shape if tasks else with_counts(store, [run])[0]),
            "tasks": [shapes.brief_task(task) for task in found],
            "requests": [shapes.request(asked) for asked in store.asked(run.id)],
            "retried_by": store.retries(run.id),
            "graph": run.graph,
            "waiting": why_waiting(store, run, now),
        }
    )


@router.get(
    "/runs/{run_id}/graph",
    response_model=models.Graph,
    summary="Show the graph of a run",
    operation_id="get_run_graph",
)
def get_graph(store: StoreOf, run_id: RunId, graphs: GraphOf) -> Response:
    """Return what the run was planned to do, and where its nodes are drawn if that is known."""
    return answered(graph_of(store, graphs, store.run(run_id)))


@router.put(
    "/graphs/{graph}/layout",
    status_code=204,
    response_class=Response,
    summary="Keep where the nodes of a graph are drawn",
    operation_id="put_graph_layout",
)
def put_layout(
    store: StoreOf,
    graph: Annotated[
        str,
        Path(
            pattern=r"^[0-9a-f]{8,64}$",
            description="The graph's hash, as a run names it.",
            examples=["9b1c4f0e7a2d3586"],
        ),
    ],
    layout: models.Layout,
) -> Response:
    """Keep a layout, so that the next page need not compute it; the first one that is told stays."""
    store.keep_layout(graph, positions_for(store.graph(graph), layout.positions))
    return Response(status_code=204)


@router.get(
    "/runs/{run_id}/timeline",
    response_model=models.Timeline,
    summary="Show when tasks waited and ran",
    operation_id="get_run_timeline",
)
def get_timeline(store: StoreOf, run_id: RunId, graphs: GraphOf) -> Response:
    """Return each task's stretches of waiting, running and retrying, and the critical path."""
    run = store.run(run_id)
    found = timeline(run, store.task_runs(run.id), store.attempts(run.id), graphs.of(run))
    return answered(found)


@router.get(
    "/runs/{run_id}/compare/{other}",
    response_model=models.Comparison,
    summary="Compare two runs",
    operation_id="compare_runs",
)
def compare(
    store: StoreOf,
    run_id: RunId,
    other: Annotated[
        str,
        Path(
            pattern=r"^[0-9A-Za-z_-]{1,64}$",
            description="The run that is compared with it.",
            examples=["77a0c4be51d9f302"],
        ),
    ],
) -> Response:
    """Return how long each task took in both runs, what it wrote, and how its SQL changed."""
    a, b = store.run(run_id), store.run(other)
    tasks = store.task_runs(a.id), store.task_runs(b.id)
    now = instants.now()
    return answered(
        {
            "a": shapes.seen(a, counted(tasks[0]), now=now),
            "b": shapes.seen(b, counted(tasks[1]), now=now),
            "tasks": compared(*tasks, store.texts),
        }
    )
