"""Mapping a whole function of tasks: each task it binds runs once for each element."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.binding import Argument, Binding, flatten, mapped, unmapped
from orchestrator.model.flow import Flow
from orchestrator.model.operation import Assembled
from orchestrator.model.task import Task


class _Elements(Task):
    """Stands for one element of a list while the function is called."""


def apply_map(
    function: Callable[..., Any], *args: Any, flow: Flow | None = None, **kwargs: Any
) -> Any:
    """Call a function that binds tasks, and map each of them over the arguments.

    Args:
        function: Takes one element of each argument; what it branches by, with ``case``, is decided
            for each element.
        args: Lists, or tasks that return them; marked ``unmapped``, they go whole to each.
        flow: The flow, where none is being built.
        kwargs: Likewise, by name.

    Returns:
        What the function returned: the mapped tasks.

    Example:
        >>> from orchestrator.model.task import task
        >>> @task
        ... def double(x):
        ...     return 2 * x
        >>> def both(x):
        ...     return double(double(x))
        >>> with Flow("sample") as flow:
        ...     last = apply_map(both, [1, 2, 3])
        >>> [flow.binding(task).mapped for task in flow]
        [True, True]
    """
    outer = flow or building.current("apply_map")
    inner = Flow(outer.name)
    elements: dict[Task, Argument] = {}
    given = [_given(arg, elements) for arg in args]
    named = {name: _given(arg, elements) for name, arg in kwargs.items()}
    if not elements:
        raise FlowError(
            "apply_map() got nothing to map over", fix="give a list that is not unmapped"
        )
    with building.into(inner), building.unwatched():
        returned = function(*given, **named)
    _Mapped(inner, outer, elements).bind()
    return returned


def _given(arg: Any, elements: dict[Task, Argument]) -> Any:
    """What the function gets for an argument; notes what it is one element of."""
    over, flattened = True, False
    while isinstance(arg, (unmapped, mapped, flatten)):
        over = over and not isinstance(arg, unmapped)
        flattened = flattened or isinstance(arg, flatten)
        arg = arg.value
    if not over:
        return arg
    # A stand-in also where a task is given: elsewhere in the function it may be meant as a whole.
    stand_in = _Elements(name="element")
    elements[stand_in] = Argument(arg, mapped=True, flattened=flattened)
    return stand_in


class _Mapped:
    """Binds the tasks of one flow into another, once for each element."""

    def __init__(self, inner: Flow, outer: Flow, elements: Mapping[Task, Argument]) -> None:
        self.inner, self.outer, self.elements = inner, outer, elements
        self.new = [t for t in inner if t not in elements and t not in outer]
        self.over = self._one_by_one()

    def _one_by_one(self) -> set[Task]:
        """The tasks that depend on an element, and so run once for each."""
        found = set(self.elements)
        while True:
            more = {t for t in self.new if t not in found and found & set(self._before(t))}
            if not more:
                return found
            found |= more

    def _before(self, task: Task) -> tuple[Task, ...]:
        binding = self.inner.binding(task)
        return (*binding.tasks(), *binding.upstream)

    def bind(self) -> None:
        """Bind them all."""
        for task in self.new:
            binding = self.inner.binding(task)
            if task in self.over:
                if binding.mapped:
                    raise FlowError(
                        f"task {task.name!r} is mapped inside of apply_map()",
                        fix="call it there; apply_map() maps it",
                    )
                binding = self._binding(binding)
            self.outer.bind(task, binding)
            building.bound(self.outer, task)

    def _binding(self, binding: Binding) -> Binding:
        made = Binding(
            {name: self._argument(argument) for name, argument in binding.arguments.items()}, True
        )
        for upstream in binding.upstream:
            if upstream in self.elements:
                continue
            made = made.beside(upstream) if upstream in self.over else made.after(upstream)
        return made

    def _argument(self, argument: Argument) -> Argument:
        value = argument.value
        if not self.over & set(argument.tasks()):
            return argument
        if not isinstance(value, Task):
            value = self._assembled(value)
        elif value in self.elements:
            of = self.elements[value]
            return replace(of, passed=argument.passed)
        return replace(argument, value=value, mapped=True)

    def _assembled(self, value: Any) -> Task:
        """A mapped task that puts elements into the places they have in a structure."""
        task = Assembled(value)
        parts = {name: self._argument(Argument(part)) for name, part in task.parts.items()}
        task.defined_at = building.caller()
        self.outer.bind(task, Binding(parts, True))
        return task
