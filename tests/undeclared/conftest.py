"""A small project of DuckDB tables whose tasks may do what nobody derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow
from orchestrator.model.state import State
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from orchestrator.store.records import FlowRun, TaskRun

TOML = """
warehouse = "main"
[warehouses.main]
type = "duckdb"
path = "shop.duckdb"
"""


@dataclass(frozen=True)
class Ran:
    """A run and what the store kept of it."""

    run: FlowRun
    state: State
    tasks: dict[str, TaskRun]
    events: list[Any]

    def found(self, task: str) -> list[str]:
        """What was found of a task, one sentence each."""
        kept = self.tasks[task].detail or {}
        return [finding["text"] for finding in kept.get("undeclared", [])]

    def remedies(self, task: str) -> list[str]:
        """The lines to add for a task."""
        kept = self.tasks[task].detail or {}
        return [finding["add"] for finding in kept.get("undeclared", [])]

    def all_found(self) -> dict[str, list[str]]:
        """What was found, by task, of those where something was."""
        return {key: self.found(key) for key in self.tasks if self.found(key)}


Write = Callable[[str, str], Path]
RunIt = Callable[..., Ran]


@pytest.fixture
def write(in_tmp: Path) -> Write:
    """Writes a file of the project."""

    def written(name: str, text: str) -> Path:
        path = in_tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


@pytest.fixture
def run(in_tmp: Path) -> Iterator[RunIt]:
    """Runs a flow of the project and returns what the store kept."""
    from tasks.duckdb.instances import release_all

    toml = in_tmp / "orchestrator.toml"
    if not toml.exists():
        toml.write_text(TOML)

    def ran(flow: Flow, *, executor: Any = None, check: str | None = None, **asked: Any) -> Ran:
        project = Project.find(in_tmp, {"lineage_check": check})
        events: list[Any] = []
        result = run_flow(
            project, flow, Request(**asked), listeners=[events.append], executor=executor
        )
        return kept(project, result.run_id, events)

    yield ran
    release_all()


def kept(project: Project, run_id: str, events: list[Any] | None = None) -> Ran:
    """What the store kept of a run."""
    with project.store() as store:
        found = store.run(run_id)
        tasks = {task.key: task for task in store.task_runs(found.id)}
    return Ran(found, State(found.state, found.message), tasks, events or [])
