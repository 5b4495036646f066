"""When each task of a run waited, ran and was tried again, and which of them decided its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.lineage.collector import without_collector
from orchestrator.model.state import FINISHED, StateType
from orchestrator.server.runs.critical import critical_path
from orchestrator.server.runs.graphs import KnownGraph
from orchestrator.server.runs.reported import reported_by
from orchestrator.shapes.values import Shape
from orchestrator.store.records import Attempt, FlowRun, TaskRun

_NOTHING = KnownGraph((), ())


@without_collector
def timeline(
    run: FlowRun,
    tasks: Sequence[TaskRun],
    attempts: Iterable[Attempt],
    graph: KnownGraph | None,
) -> Shape:
    """Return the rows of a Gantt chart.

    Args:
        run: The run.
        tasks: Its tasks, in the order they are shown.
        attempts: All attempts of the run, by task and number.
        graph: Its graph; None where it is not known.

    Returns:
        ``rows``, ``started``, ``finished`` and ``critical_path``; a row has ``spans`` of kind
        ``waiting`` (ready, but not begun), ``running`` and ``retrying`` (until the next attempt).
    """
    tried: dict[str, list[Attempt]] = defaultdict(list)
    for attempt in attempts:
        tried[attempt.key].append(attempt)
    upstream, places = (graph or _NOTHING).upstream, (graph or _NOTHING).at
    ended = {t.key: t.finished.timestamp() for t in tasks if t.finished and t.key in tried}
    path = critical_path(ended, upstream) if graph is not None else []
    finished = {task.key: task.finished for task in tasks if task.finished}
    on_path = set(path)
    rows = [
        {
            **_row(task, places.get(_planned(task.key, places), {})),
            "spans": [
                *_waiting(task, tried[task.key], _ready(task, run, upstream, finished)),
                *_tries(tried[task.key], run),
            ],
            "critical": task.key in on_path,
            "nodes": list(_nodes(task)),
        }
        for task in tasks
    ]
    return {
        "rows": rows,
        "started": run.started,
        "finished": run.finished,
        "critical_path": list(path),
    }


def _row(task: TaskRun, node: Mapping[str, Any]) -> Shape:
    return {
        "key": task.key, "name": task.name, "resource_type": task.resource_type,
        "folder": node.get("folder"), "layer": node.get("layer"), "state": task.state,
    }  # fmt: skip


def _planned(key: str, known: Mapping[str, object]) -> str:
    """The key of the planned task that a key, perhaps of an element, belongs to."""
    return key if key in known or "[" not in key else key[: key.rindex("[")]


def _ready(
    task: TaskRun,
    run: FlowRun,
    upstream: Mapping[str, Sequence[str]],
    finished: Mapping[str, datetime],
) -> datetime | None:
    """When all that a task waits for had ended; None where that is not known."""
    before = upstream.get(_planned(task.key, upstream))
    if not before:
        return run.started if upstream else None
    ends = [finished[up] for up in before if up in finished]
    if len(ends) < len(before):
        return None
    return max(ends if run.started is None else [*ends, run.started])


def _waiting(task: TaskRun, tries: Sequence[Attempt], ready: datetime | None) -> Iterator[Shape]:
    begun = tries[0].started if tries else None
    if ready is None or (begun is not None and begun <= ready):
        return
    if begun is None and task.state in FINISHED:
        return  # it never waited for a place: it was left out
    yield _span("waiting", ready, begun, 0, StateType.PENDING if begun else task.state, None)


def _tries(tries: Sequence[Attempt], run: FlowRun) -> Iterator[Shape]:
    before: Attempt | None = None
    for one in tries:
        if one.started is None:
            continue
        if before is not None and before.finished is not None and before.finished < one.started:
            yield _span(
                "retrying", before.finished, one.started, one.number, StateType.RETRYING, None
            )
        # A driver that died left no end: it is the run's, once that is settled.
        end = one.finished or run.finished
        yield _span("running", one.started, end, one.number, one.state, one.worker)
        before = one


def _span(
    kind: str,
    started: datetime,
    finished: datetime | None,
    attempt: int,
    state: StateType,
    worker: str | None,
) -> Shape:
    return {
        "kind": kind, "started": started, "finished": finished, "attempt": attempt,
        "state": state, "worker": worker,
    }  # fmt: skip


def _nodes(task: TaskRun) -> Iterator[Shape]:
    for node in reported_by(task):
        spans = [
            _span("running", node.started, node.finished, task.attempt, node.state, None)
        ] if node.started else []  # fmt: skip
        yield {**_row(node, {}), "spans": spans, "critical": False}
