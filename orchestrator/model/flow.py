"""Flows: named sets of bound tasks and the order that was said outright."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any, Self

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.binding import Binding
from orchestrator.model.parameter import Parameter
from orchestrator.model.task import Task


class Flow:
    """A named set of tasks; inside ``with Flow(...)``, calling a task adds it.

    Args:
        name: What people run it by.
        schedule: When it runs by itself.
        executor: What its tasks run on; the project's default if left out.

    Example:
        >>> from orchestrator.model.task import task
        >>> @task
        ... def one():
        ...     return 1
        >>> with Flow("sample") as flow:
        ...     one()
        <FunctionTask one>
        >>> list(flow.keys())
        ['one']
    """

    def __init__(self, name: str, schedule: Any = None, executor: Any = None) -> None:
        if not name or name != name.strip():
            raise FlowError(f"{name!r} is no name for a flow", fix="give it a word")
        self.name = name
        self.schedule = schedule
        self.executor = executor
        self.defined_at = building.caller()
        self._bindings: dict[Task, Binding] = {}
        self._keys: dict[Task, str] = {}
        self._reference: frozenset[Task] | None = None
        self._entered: list[object] = []

    def __enter__(self) -> Self:
        self._entered.append(building.enter(self))
        return self

    def __exit__(self, *error: object) -> None:
        building.leave(self._entered.pop())

    # -- building --------------------------------------------------------------------------

    def add_task(self, task: Task) -> Task:
        """Add a task that takes nothing; adding it twice changes nothing."""
        if task not in self._bindings:
            self.bind(task, Binding())
        return task

    def bind(self, task: Task, binding: Binding) -> None:
        """Add a task with its arguments, and every task whose result they need."""
        for needed in (*binding.tasks(), *binding.upstream):
            self.add_task(needed)
        self._bindings[task] = binding
        if task not in self._keys:
            self._keys[task] = self._free_key(task)

    def add_order(self, upstream: Task, downstream: Task) -> None:
        """Say that one task comes before another, without passing data."""
        self.add_task(upstream)
        self.add_task(downstream)
        old = self._bindings[downstream]
        self._bindings[downstream] = Binding(old.arguments, old.mapped, (*old.upstream, upstream))

    def chain(self, *tasks: Task) -> None:
        """Say that these tasks run one after another."""
        for upstream, downstream in pairwise(tasks):
            self.add_order(upstream, downstream)

    def set_reference_tasks(self, tasks: Iterable[Task]) -> None:
        """Let only these tasks decide whether the flow succeeded."""
        chosen = frozenset(tasks)
        for task in chosen:
            if task not in self._keys:
                raise FlowError(f"{task.name!r} is not a task of flow {self.name!r}")
        self._reference = chosen

    def _free_key(self, task: Task) -> str:
        taken = set(self._keys.values())
        if isinstance(task, Parameter) and task.name in taken:
            raise FlowError(f"flow {self.name!r} has two parameters or tasks named {task.name!r}")
        key, number = task.name, 2
        while key in taken:
            key, number = f"{task.name}-{number}", number + 1
        return key

    # -- reading ---------------------------------------------------------------------------

    def __contains__(self, task: object) -> bool:
        return task in self._keys

    def __iter__(self) -> Iterator[Task]:
        return iter(self._bindings)

    def __len__(self) -> int:
        return len(self._bindings)

    def keys(self) -> Iterator[str]:
        """The tasks' keys, in the order they were added."""
        return iter(self._keys.values())

    def key(self, task: Task) -> str:
        """The key of one task of this flow."""
        return self._keys[task]

    def binding(self, task: Task) -> Binding:
        """What one task of this flow gets and waits for."""
        return self._bindings[task]

    def get_tasks(self, name: str | None = None, tags: Iterable[str] = ()) -> list[Task]:
        """The tasks of a name, or with all of some tags."""
        wanted = frozenset(tags)
        return [t for t in self if (name is None or t.name == name) and wanted <= t.tags]

    def parameters(self) -> list[Parameter]:
        """The flow's parameters."""
        return [task for task in self if isinstance(task, Parameter)]

    def reference_tasks(self) -> frozenset[Task] | None:
        """The tasks that decide the flow's state; None where all do."""
        return self._reference

    def __repr__(self) -> str:
        return f"<Flow {self.name}: {len(self)} tasks>"
