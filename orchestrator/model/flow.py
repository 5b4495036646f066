"""Flows: named sets of bound tasks and the order that was said outright."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import Any, Self

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.binding import Argument, Binding, mapped, unmapped
from orchestrator.model.parameter import Parameter
from orchestrator.model.state import State
from orchestrator.model.task import StateHandler, Task


class Flow:
    """A named set of tasks; inside ``with Flow(...)``, calling a task adds it.

    Args:
        name: What people run it by.
        schedule: When it runs by itself.
        executor: What its tasks run on; the project's default if left out.
        tasks: Tasks without arguments that are part of it from the start.
        reference_tasks: Those of them that alone decide whether it succeeded.
        state_handlers: Called as ``handler(flow, old_state, new_state)`` when a run's state changes.
        on_failure: Called as ``on_failure(flow, state)`` when a run has failed.
        terminal_state_handler: Called as ``handler(flow, state, states)`` with the run's last
            state and the states of the tasks that decide; a state it returns takes the place.
        timeout: Seconds (or a timedelta) after which a run is stopped.
        cluster: Name of the cluster (``[clusters.NAME]``) that its tasks run on, in the place of an
            executor.
        owner: Who answers for it: a person or a team, as people write it.

    Raises:
        FlowError: The name is none, or there are an executor and a cluster.

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

    def __init__(
        self,
        name: str,
        schedule: Any = None,
        executor: Any = None,
        *,
        tasks: Iterable[Task] = (),
        reference_tasks: Iterable[Task] | None = None,
        state_handlers: Iterable[StateHandler] = (),
        on_failure: Callable[[Any, State], object] | None = None,
        terminal_state_handler: Callable[[Any, State, set[State]], State | None] | None = None,
        timeout: timedelta | float | None = None,
        cluster: str | None = None,
        owner: str | None = None,
    ) -> None:
        if not name or name != name.strip():
            raise FlowError(f"{name!r} is no name for a flow", fix="give it a word")
        if name in (".", ".."):  # no address leads to it: these mean folders in each
            raise FlowError(
                f"{name!r} is no name for a flow: it means a folder", fix="give it a word"
            )
        if executor is not None and cluster is not None:
            raise FlowError(
                f"flow {name!r} has an executor and a cluster", fix="leave one of them out"
            )
        self.name = name
        self.schedule = schedule
        self.executor, self.cluster, self.owner = executor, cluster, owner
        self.state_handlers = tuple(state_handlers)
        self.on_failure = on_failure
        self.terminal_state_handler = terminal_state_handler
        self.timeout = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
        self.defined_at = building.caller()
        self._bindings: dict[Task, Binding] = {}
        self._keys: dict[Task, str] = {}
        self._reference: frozenset[Task] | None = None
        self._entered: list[object] = []
        for task in tasks:
            self.add_task(task)
        if reference_tasks is not None:
            self.set_reference_tasks(reference_tasks)

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

    def add_order(self, upstream: Task, downstream: Task, mapped: bool = False) -> None:
        """Say that one task comes before another, without passing data.

        Args:
            upstream: Comes first.
            downstream: Waits.
            mapped: Whether each run of ``downstream`` waits for the run of ``upstream`` beside it.
        """
        self.add_task(upstream)
        self.add_task(downstream)
        old = self._bindings[downstream]
        self._bindings[downstream] = old.beside(upstream) if mapped else old.after(upstream)

    def add_edge(
        self,
        upstream_task: Task,
        downstream_task: Task,
        key: str | None = None,
        mapped: bool = False,
        flattened: bool = False,
    ) -> None:
        """Say that one task comes before another, and perhaps passes its result.

        Args:
            upstream_task: Comes first.
            downstream_task: Waits.
            key: Name of the argument of ``downstream_task.run`` that gets the result; none, if None.
            mapped: Whether ``downstream_task`` runs once for each element of it.
            flattened: Whether the elements are lists, each of whose elements counts as one.
        """
        if key is None:
            self.add_order(upstream_task, downstream_task, mapped)
            return
        self.add_task(upstream_task)
        self.add_task(downstream_task)
        old = self._bindings[downstream_task]
        arguments = {**old.arguments, key: Argument(upstream_task, mapped, flattened)}
        self._bindings[downstream_task] = Binding(arguments, old.mapped or mapped, old.upstream)

    def set_dependencies(
        self,
        task: Task,
        upstream_tasks: Iterable[Task] = (),
        downstream_tasks: Iterable[Task] = (),
        keyword_tasks: Mapping[str, Any] | None = None,
        mapped: bool = False,
    ) -> None:
        """Say at once what a task of this flow waits for, what waits for it, and what it gets.

        Args:
            task: The task itself, not a copy.
            upstream_tasks: Come before it.
            downstream_tasks: Come after it.
            keyword_tasks: Tasks or values, by name of the argument of ``task.run``.
            mapped: Whether it runs once for each element of ``keyword_tasks``.
        """
        old = self._bindings.get(task, Binding())
        new = Binding.of(keyword_tasks or {}, mapped=mapped, upstream=tuple(upstream_tasks))
        arguments = {**old.arguments, **new.arguments}
        upstream = (*old.upstream, *new.upstream)
        self.bind(task, Binding(arguments, old.mapped or new.mapped, upstream))
        for downstream in downstream_tasks:
            self.add_order(task, downstream)

    def waited_for(self, task: Any, beside: bool) -> Any:
        """One of ``upstream_tasks`` as a binding takes it.

        Args:
            task: A task, perhaps marked ``mapped`` or ``unmapped``.
            beside: Whether a mapped task is waited for run by run.
        """
        if isinstance(task, unmapped):
            return task.value
        known = not isinstance(task, mapped) and task in self
        return mapped(task) if beside and known and self.binding(task).mapped else task

    def chain(self, *tasks: Task) -> None:
        """Say that these tasks run one after another."""
        for upstream, downstream in pairwise(tasks):
            self.add_order(upstream, downstream)

    def update(self, flow: Flow, merge_parameters: bool = False) -> None:
        """Add the tasks of another flow, as they are bound there.

        Args:
            flow: The other flow.
            merge_parameters: Whether parameters of one name become one; else they are an error.
        """
        own = {p.name: p for p in self.parameters()} if merge_parameters else {}
        same = {p: own[p.name] for p in flow.parameters() if p.name in own}
        for task in flow:
            if task not in same:
                self.bind(task, flow.binding(task).replaced(same))

    def replace(self, old: Task, new: Task) -> None:
        """Put a task in the place of another: it gets what that got, and passes what that passed.

        Raises:
            FlowError: ``old`` is not a task of this flow.
        """
        if old not in self._keys:
            raise FlowError(f"{old.name!r} is not a task of flow {self.name!r}")
        bindings, self._bindings = self._bindings, {}
        del self._keys[old]
        for task, binding in bindings.items():
            self.bind(new if task is old else task, binding.replaced({old: new}))
        if self._reference is not None and old in self._reference:
            self._reference = self._reference - {old} | {new}

    def copy(self) -> Self:
        """A flow of the same tasks, which can be changed by itself."""
        twin = copy.copy(self)
        twin._bindings, twin._keys, twin._entered = dict(self._bindings), dict(self._keys), []
        return twin

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
