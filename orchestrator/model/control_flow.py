"""Branches of a flow: which run is decided by a result, while the flow runs."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.blocks import Block
from orchestrator.model.flow import Flow
from orchestrator.model.operation import Operation
from orchestrator.model.policy import Trigger
from orchestrator.model.signals import SKIP
from orchestrator.model.task import Task


class CompareValue(Task):
    """Succeeds if a result is a given value; else it is skipped, and with it what waits for it.

    Args:
        wanted: The value.
    """

    def __init__(self, wanted: Any) -> None:
        super().__init__(name="case-" + (re.sub(r"\W+", "-", str(wanted)).strip("-") or "other"))
        self.wanted = wanted

    def run(self, value: Any) -> None:
        """Compare."""
        if value != self.wanted:
            raise SKIP(f"it is {value!r}, not {self.wanted!r}")


class Merge(Task):
    """Returns the first result that there is."""

    def __init__(self) -> None:
        super().__init__(name="merge", trigger=Trigger.NOT_ALL_SKIPPED, skip_on_upstream_skip=False)

    def run(self, **branches: Any) -> Any:
        """Choose."""
        return next((value for value in branches.values() if value is not None), None)


class FilterTask(Task):
    """Leaves out of a list what does not count: by default the results that are not there.

    Args:
        filter_func: Says of each element whether it stays; all but None and errors, if left out.
        task_args: As of any task. The trigger is ``all_finished``.

    Example:
        >>> FilterTask().run([1, None, 2])
        [1, 2]
    """

    def __init__(self, filter_func: Callable[[Any], bool] | None = None, **task_args: Any) -> None:
        defaults = {"trigger": Trigger.ALL_FINISHED, "skip_on_upstream_skip": False}
        super().__init__(**{**defaults, **task_args})
        self.filter_func = filter_func

    def run(self, task_results: list[Any]) -> list[Any]:
        """Filter."""
        stays = self.filter_func or _is_there
        return [result for result in task_results if stays(result)]


def _is_there(result: Any) -> bool:
    return result is not None and not isinstance(result, BaseException)


class case(Block):  # noqa: N801 - Prefect 1's name
    """A branch: the tasks bound in the block run only if a result is a given value.

    Args:
        task: Whose result is looked at.
        value: What it must be equal to.

    Example:
        >>> from orchestrator.model.task import task
        >>> @task
        ... def kind():
        ...     return "a"
        >>> @task
        ... def act(word):
        ...     return word
        >>> with Flow("sample") as flow:
        ...     found = kind()
        ...     with case(found, "a"):
        ...         a = act("it is a")
        ...     with case(found, "b"):
        ...         b = act("it is b")
        ...     either = merge(a, b)
        >>> list(flow.keys())
        ['kind', 'act', 'case-a', 'act-2', 'case-b', 'merge']
    """

    def __init__(self, task: Task, value: Any) -> None:
        if isinstance(value, Task):
            raise FlowError(
                "a case is compared with a value, not with a task",
                fix="case(task.is_equal(other), True)",
            )
        super().__init__()
        self.task, self.value = task, value
        self._gate: Task | None = None

    def gate(self, flow: Flow) -> Task:
        """The task that compares."""
        if self._gate is None:
            with building.unwatched_by(self._add):
                self._gate = CompareValue(self.value)(self.task, flow=flow)
        return self._gate


def switch(condition: Task, cases: Mapping[Any, Task], mapped: bool = False) -> None:
    """Let each of some tasks run only if a result is the value that it stands for.

    Args:
        condition: Whose result is looked at.
        cases: Tasks by value; what waits for a task that does not run is skipped too.
        mapped: Whether this is decided for each element of mapped tasks.
    """
    flow = building.current("switch")
    for value, task in cases.items():
        gate = CompareValue(value)(condition, mapped=mapped)
        flow.add_order(gate, task, mapped=mapped)


def ifelse(
    condition: Task, true_task: Task | None, false_task: Task | None, mapped: bool = False
) -> None:
    """Let one of two tasks run, as a result counts as true or false.

    Args:
        condition: Whose result is looked at.
        true_task: Runs if it counts as true.
        false_task: Runs if it does not.
        mapped: Whether this is decided for each element of mapped tasks.
    """
    truth = Operation("true")(condition, mapped=mapped)
    cases = {True: true_task, False: false_task}
    switch(truth, {value: task for value, task in cases.items() if task is not None}, mapped)


def merge(*tasks: Task, flow: Flow | None = None, mapped: bool = False, **task_args: Any) -> Task:
    """The result of the branch that ran: of the first task that has one.

    Args:
        tasks: The ends of the branches.
        flow: The flow, where none is being built.
        mapped: Whether this is decided for each element of mapped tasks.
        task_args: Attributes of the merging task (``name="either"``).
    """
    branches = {f"branch_{number}": task for number, task in enumerate(tasks, start=1)}
    return Merge()(mapped=mapped, task_args=task_args, flow=flow, **branches)
