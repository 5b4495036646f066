"""The states of a run's tasks as ``flow.run()`` returns them: asked for by task, with their results."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from dataclasses import replace
from typing import Any

from orchestrator.engine.results import stored
from orchestrator.model.flow import Flow
from orchestrator.model.state import State
from orchestrator.model.task import Task
from orchestrator.service.project import Project
from orchestrator.store.records import TaskRun


class RunStates(dict[str, State]):
    """State of each task, by its key, or by the task itself.

    ``states[task].result`` is the task's result where the run keeps it: one that is JSON and not
    large, or one that is stored. Of a mapped task it is the list of its elements' results.

    Args:
        states: By key.
        flow: Whose tasks may be asked for.
        project: Keeps the results.
        run_id: The run.
    """

    def __init__(
        self, states: Mapping[str, State], flow: Flow, project: Project, run_id: str
    ) -> None:
        super().__init__(states)
        self._flow, self._project, self._run_id = flow, project, run_id
        self._rows: dict[str, TaskRun] | None = None

    def __getitem__(self, task: str | Task) -> State:
        """The state of a task, with its result.

        Raises:
            KeyError: It is no task of this run.
        """
        key = self._flow.key(task) if isinstance(task, Task) and task in self._flow else task
        state = super().__getitem__(key)  # type: ignore[index]
        if state.result is None and state.is_successful():
            state = replace(state, result=self._result(str(key)))
            super().__setitem__(str(key), state)
        return state

    def get(self, task: Any, default: Any = None) -> Any:
        """The state of a task, with its result; ``default`` if it is none of this run."""
        return self[task] if task in self else default  # noqa: SIM401 - it is `get` itself

    def __iter__(self) -> Iterator[str]:
        """The keys. (``dict(states)`` would not ask for results, if this were not said here.)"""
        return super().__iter__()

    def items(self) -> ItemsView[str, State]:  # type: ignore[override]
        """Each key with its state and result."""
        return ItemsView(self)

    def values(self) -> ValuesView[State]:  # type: ignore[override]
        """The states, with their results."""
        return ValuesView(self)

    def __contains__(self, task: object) -> bool:
        key = self._flow.key(task) if isinstance(task, Task) and task in self._flow else task
        return super().__contains__(key)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)

    def _result(self, key: str) -> Any:
        rows = self._task_runs()
        row = rows.get(key)
        if row is not None and row.result is not None:
            return _loaded(row.result)
        elements: list[Any] = []
        while (row := rows.get(f"{key}[{len(elements)}]")) is not None:
            elements.append(None if row.result is None else _loaded(row.result))
        return elements or None

    def _task_runs(self) -> dict[str, TaskRun]:
        if self._rows is None:
            with self._project.store() as store:
                self._rows = {row.key: row for row in store.task_runs(self._run_id)}
        return self._rows


def _loaded(kept: Mapping[str, Any]) -> Any:
    found = stored.given(kept)
    return found.load() if isinstance(found, stored.Stored) else found
