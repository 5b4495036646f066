"""Turns what the run store keeps back into the events of the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from orchestrator.model.events import (
    Event,
    LogEmitted,
    RunFinished,
    RunStarted,
    TaskChanged,
    TasksAdded,
)
from orchestrator.model.state import FINISHED, State, StateType
from orchestrator.shapes.values import level_name

if TYPE_CHECKING:
    from datetime import datetime

    from orchestrator.store.records import Event as Stored
    from orchestrator.store.records import FlowRun, LogLine, TaskRun


def whole(run: FlowRun, tasks: Iterable[TaskRun]) -> Iterator[Event]:
    """Yield the events that lead to where a run stands."""
    kept = list(tasks)
    yield started(run, kept)
    for task in sorted(kept, key=lambda task: (task.finished is None, task.finished)):
        if task.state is not StateType.PENDING:
            yield changed(task, run.created)
    if run.state in FINISHED:
        yield ended(run)


def started(
    run: FlowRun, tasks: Iterable[TaskRun], expected: Mapping[str, float] | None = None
) -> RunStarted:
    """The beginning of a run."""
    return RunStarted(run.id, run.flow, _titles(tasks), expected or {}, run.started or run.created)


def added(tasks: Iterable[TaskRun], at: datetime) -> TasksAdded:
    """Tasks that became known while the run went on."""
    return TasksAdded(_titles(tasks), at)


def changed(task: TaskRun, otherwise: datetime) -> TaskChanged:
    """The state that a task stands in.

    Args:
        task: The task.
        otherwise: The instant to give where the task has none.
    """
    seconds = None
    if task.started is not None and task.finished is not None and task.attempt:
        seconds = (task.finished - task.started).total_seconds()
    return TaskChanged(
        task.key, task.name, State(task.state, task.message, None, task.cause, task.status),
        task.finished or task.started or otherwise, task.attempt, seconds, task.rows,
        task.failures, task.detail,
    )  # fmt: skip


def moved(stored: Stored, task: TaskRun) -> TaskChanged:
    """One move of a task; what a final state adds is taken from the task as it stands."""
    state = StateType(stored.data["state"])
    if state is task.state and state in FINISHED:
        return changed(task, stored.at)
    data = stored.data
    return TaskChanged(
        task.key, task.name, State(state, data.get("message", ""), status=data.get("status")),
        stored.at, data.get("attempt", 0),
    )  # fmt: skip


def ended(run: FlowRun) -> RunFinished:
    """The end of a run."""
    end = run.finished or run.created
    seconds = (end - (run.started or run.created)).total_seconds()
    return RunFinished(run.id, State(run.state, run.message), end, seconds)


def said(entry: LogLine) -> LogEmitted:
    """One line of a log."""
    return LogEmitted(entry.key, level_name(entry.level), entry.text, entry.at)


def _titles(tasks: Iterable[TaskRun]) -> tuple[tuple[str, str, str], ...]:
    return tuple((task.key, task.name, task.resource_type) for task in tasks)
