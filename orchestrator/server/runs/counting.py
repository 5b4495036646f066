"""Runs as lists show them, with the number of their tasks in each state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.shapes import runs as shapes
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, TaskRun


def with_counts(store: RunStore, runs: Sequence[FlowRun]) -> list[Shape]:
    """The shapes of runs, whose tasks are counted all at once.

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> store = MemoryStore()
        >>> run_id = store.create_run(FlowRun("a1", "nightly"), [TaskRun("a1", "load", "load")])
        >>> with_counts(store, store.runs())[0]["counts"]
        {<StateType.PENDING: 'Pending'>: 1}
    """
    counts, now = store.counts([run.id for run in runs]) if runs else {}, instants.now()
    return [shapes.seen(run, counts.get(run.id, {}), now=now) for run in runs]


def counted(tasks: Iterable[TaskRun]) -> Mapping[StateType, int]:
    """Count tasks by state."""
    return dict(Counter(task.state for task in tasks))
