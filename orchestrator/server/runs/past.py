"""A task in the earlier runs of its flow."""

from __future__ import annotations

from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, TaskRun

_MORE = 3  #: so many times as many runs are looked at as are wanted: not each run has each task


def past_of(store: RunStore, project: str, flow: str, key: str, last: int) -> list[Shape]:
    """Return a task in the last runs of a flow that had it, the newest first.

    Args:
        store: The store.
        project: The project.
        flow: Name of the flow.
        key: The task.
        last: So many runs at most.
    """
    found: list[Shape] = []
    for run in store.runs(flow=flow, project=project, limit=last * _MORE):
        found += [_shape(run, task) for task in store.task_runs(run.id, key)]
        if len(found) >= last:
            break
    return found


def _shape(run: FlowRun, task: TaskRun) -> Shape:
    seconds = None
    if task.started is not None and task.finished is not None and task.attempt:
        seconds = max(0.0, (task.finished - task.started).total_seconds())
    return {
        "run_id": run.id, "started": task.started, "finished": task.finished,
        "seconds": seconds, "rows": task.rows, "state": task.state,
    }  # fmt: skip
