"""What was found of a task, when it last ran, that was not derived: read from the run store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orchestrator.cli.terminal.undeclared import findings
from orchestrator.errors import StoreError
from orchestrator.shapes.values import Shape

if TYPE_CHECKING:
    from orchestrator.service.project import Project
    from orchestrator.store.base import RunStore

#: Runs of the flow that are looked at, the newest first.
_RUNS = 50
Found = tuple[str, Sequence[Mapping[str, Any]]]


def last_findings(project: Project, flow: str, key: str) -> Found | None:
    """The latest run of a flow that ran a task, and what was found of the task there.

    Args:
        project: The project.
        flow: The flow's name.
        key: The task.

    Returns:
        The run and its findings, which may be none; None if no run is known that ran the task.
    """
    url = project.settings.store
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return None  # nothing ran yet: asking is no reason to make a store
    try:
        with project.store() as store:
            return _last(store, flow, key)
    except StoreError:
        return None  # the edges can be told without it


def _last(store: RunStore, flow: str, key: str) -> Found | None:
    for run in store.runs(flow=flow, limit=_RUNS):
        rows = store.task_runs(run.id, key)
        if not rows or rows[0].started is None:
            continue
        found = findings(rows[0].detail or {})
        if not found and not rows[0].attempt:  # a mapped task: its elements did the work
            elements = (t for t in store.task_runs(run.id) if t.key.startswith(f"{key}["))
            found = next(filter(None, (findings(t.detail or {}) for t in elements)), [])
        return run.id, found
    return None


def shape(found: Found | None) -> Shape | None:
    """``run_id`` and ``findings``: each with kind, dataset, tasks, text, place, statement, add, add_to."""
    return None if found is None else {"run_id": found[0], "findings": list(found[1])}
