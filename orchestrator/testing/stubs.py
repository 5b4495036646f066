"""Stubs: what runs in the place of a task, and what of it stands in a table afterwards."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from orchestrator.errors import NotFoundError
from orchestrator.model.dataset import Dataset, DatasetKind
from orchestrator.model.facts import TaskFacts
from orchestrator.model.flow import Flow
from orchestrator.model.group import Member, TaskGroup
from orchestrator.model.parameter import Parameter
from orchestrator.model.policy import AfterAll
from orchestrator.model.task import FunctionTask, Task
from orchestrator.nearest import did_you_mean

#: Writes rows into the table of a dataset.
Put = Callable[[Dataset, Any], None]


@dataclass(frozen=True)
class Stub:
    """What stands in for one task.

    Args:
        gives: Rows or any other value; an exception; or a function that gives one of them.
        writes: The tables that the task writes.
        put: Writes rows into one.
    """

    gives: Any
    writes: tuple[Dataset, ...]
    put: Put

    def run(self, task: Task, arguments: Mapping[str, Any]) -> Any:
        """Do what the task was to do.

        Args:
            task: The task, planned.
            arguments: What it gets.
        """
        value = _called(self.gives, arguments) if callable(self.gives) else self.gives
        if isinstance(value, BaseException):
            raise value
        if isinstance(task, FunctionTask) and task.injection.results():
            kept = replace(task.injection, spots=task.injection.results())
            return kept.call(lambda: value, (), {})
        for dataset, rows in self._tables(value):
            self.put(dataset, rows)
        return value

    def _tables(self, value: Any) -> Sequence[tuple[Dataset, Any]]:
        """Which of the task's tables the value has rows for."""
        named = {name: dataset for dataset in self.writes for name in _names_of(dataset)}
        if isinstance(value, Mapping) and value and all(str(k).lower() in named for k in value):
            return [(named[str(name).lower()], rows) for name, rows in value.items()]
        return [(self.writes[0], value)] if len(self.writes) == 1 and _is_rows(value) else []


class StubbedTask:
    """Mixed into the class of a task that is stubbed."""

    makes_tables: ClassVar[bool] = True
    _stub: Stub

    def run(self, *args: Any, **arguments: Any) -> Any:
        """Do what the stub says."""
        return self._stub.run(self, arguments)  # type: ignore[arg-type]


class SampledGroup:
    """Mixed into the class of a group whose members are stubbed, or wait less."""

    _of_test: Changed

    def expand(self, key: str, planning: Any, prepared: Any = None) -> list[Member]:
        """The members, changed."""
        found = super().expand(key, planning, prepared)  # type: ignore[misc]
        return [self._of_test.member(member) for member in found]


@dataclass(frozen=True)
class Changed:
    """How the tasks of a flow are changed for a test.

    Args:
        stubs: By key.
        put: Writes the rows of stubs.
        handlers: Whether state handlers are called.
    """

    stubs: Mapping[str, Any]
    put: Put
    handlers: bool = False

    def flow(self, flow: Flow, facts: Mapping[str, TaskFacts]) -> Flow:
        """A copy of a flow whose tasks are changed.

        Args:
            flow: The flow, left as it is.
            facts: Of its tasks, by key.
        """
        twin = flow.copy()
        if not self.handlers:
            twin.state_handlers, twin.on_failure, twin.terminal_state_handler = (), None, None
        changed: dict[Task, Task] = {}
        for task in flow:
            new = self._task(task, flow.key(task), facts)
            if new is not task:
                twin.replace(task, new)
                changed[task] = new
        for task in list(twin):
            if isinstance(task.trigger, AfterAll):
                needed = tuple(changed.get(each, each) for each in task.trigger.needed)
                twin.replace(task, task.copy(trigger=AfterAll(needed)))
        return twin

    def member(self, member: Member) -> Member:
        """A member of a group, changed."""
        if member.task is None:
            return member
        return replace(member, task=self._changed(member.task, member.facts.key, member.facts))

    def _task(self, task: Task, key: str, facts: Mapping[str, TaskFacts]) -> Task:
        if isinstance(task, Parameter):
            return task
        if isinstance(task, TaskGroup):
            group = copy.copy(task)
            group.__class__ = _mixed(SampledGroup, type(task))
            group._of_test = self  # type: ignore[attr-defined]
            return group
        return self._changed(task, key, facts.get(key))

    def _changed(self, task: Task, key: str, facts: TaskFacts | None) -> Task:
        if key in self.stubs:
            return self._stubbed(task, self.stubs[key], facts)
        outside = task.state_handlers or task.on_failure or task.result or task.persist
        if not (task.retry.delay or task.retry.jitter or task.cache or outside):
            return task
        return self._calmed(copy.copy(task))

    def _calmed(self, task: Task) -> Task:
        """Without waits between attempts, and without what it would leave or tell elsewhere."""
        task.retry = replace(task.retry, delay=timedelta(0), jitter=0.0, max_delay=None)
        task.cache = task.result = None
        task.persist = False
        if not self.handlers:
            task.state_handlers, task.on_failure = (), None
        return task

    def _stubbed(self, task: Task, gives: Any, facts: TaskFacts | None) -> Task:
        twin = self._calmed(copy.copy(task))
        twin.__dict__.pop("run", None)  # that of a function stands in the task itself
        twin.__class__ = _mixed(StubbedTask, type(task))
        twin.timeout = twin.isolate = None
        writes = facts.writes if facts is not None else ()
        tables = tuple(a.dataset for a in writes if a.dataset.kind is DatasetKind.TABLE)
        twin._stub = Stub(gives, tables, self.put)  # type: ignore[attr-defined]
        return twin


def stubs_by_key(
    stubs: Mapping[str, Any], flow: Flow, facts: Mapping[str, TaskFacts]
) -> dict[str, Any]:
    """Find the tasks that stubs are for: by key, or all of a name.

    Args:
        stubs: What stands in, by name or key.
        flow: The flow.
        facts: Of its tasks, by key.

    Raises:
        NotFoundError: There is no such task.
    """
    found: dict[str, Any] = {}
    names: dict[str, list[str]] = {}
    for key, fact in facts.items():
        names.setdefault(fact.name, []).append(key)
    for name, gives in stubs.items():
        keys = [name] if name in facts else names.get(name, [])
        if not keys:
            known = sorted({*names, *facts})
            raise NotFoundError(
                f"there is no task {name!r} to stub in flow {flow.name!r}",
                fix=did_you_mean(name, known, "it has " + ", ".join(sorted(names))),
            )
        found |= dict.fromkeys(keys, gives)
    return found


def _mixed(mixin: type, cls: type) -> type:
    return type(cls.__name__, (mixin, cls), {"__module__": cls.__module__})


def _called(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    """Call a stub with those of the task's arguments that it takes."""
    if isinstance(function, type) and issubclass(function, BaseException):
        return function("raised by the test's stub")
    try:
        wanted = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return function()
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in wanted.values()):
        return function(**arguments)
    return function(**{name: value for name, value in arguments.items() if name in wanted})


def _names_of(dataset: Dataset) -> list[str]:
    parts = [part.lower() for part in (dataset.catalog, dataset.schema, dataset.name) if part]
    return [".".join(parts[start:]) for start in range(len(parts))]


def _is_rows(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(row, Mapping) for row in value)
    if isinstance(value, Mapping):
        return "rows" in value or "fixture" in value
    if isinstance(value, (str, Path)):
        return str(value).lower().endswith((".csv", ".parquet", ".json", ".jsonl"))
    return hasattr(value, "__arrow_c_stream__") or hasattr(value, "__dataframe__")
