"""Bindings: which results and constants a task gets, in structures of any nesting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.errors import FlowError


class Promise:
    """Something whose value is known only when the flow runs: a task, standing for its result."""


@dataclass(frozen=True, slots=True)
class unmapped:  # noqa: N801 - Prefect 1's name
    """Marks an argument of ``map`` that goes whole to each run.

    Example:
        >>> unmapped([1, 2]).value
        [1, 2]
    """

    value: Any


@dataclass(frozen=True, slots=True)
class mapped:  # noqa: N801 - Prefect 1's name
    """Marks an argument of a plain call over whose elements the task runs once each.

    Example:
        >>> mapped([1, 2]).value
        [1, 2]
    """

    value: Any


_mapped = mapped  #: for where ``mapped`` is the name of a flag


@dataclass(frozen=True, slots=True)
class flatten:  # noqa: N801 - Prefect 1's name
    """Marks an argument that is a list of lists, to be taken as one list.

    Example:
        >>> flatten([[1, 2], [3]]).value
        [[1, 2], [3]]
    """

    value: Any


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: a structure in which tasks stand for their results.

    Args:
        value: A constant, a task, or a list, tuple or dict with tasks in it.
        mapped: Whether each run gets one element of it.
        flattened: Whether its elements are lists, each of whose elements counts as one.
        passed: Whether ``run`` gets it; what is not passed is only waited for.
    """

    value: Any
    mapped: bool = False
    flattened: bool = False
    passed: bool = True

    def tasks(self) -> Iterator[Any]:
        """The tasks whose results this argument needs."""
        return _tasks(self.value)

    def filled(self, result: Callable[[Any], Any]) -> Any:
        """The argument with each task replaced by ``result(task)``."""
        return fill(self.value, result)


@dataclass(frozen=True, slots=True)
class Binding:
    """Everything one bound task gets and waits for.

    Args:
        arguments: By name of ``run``'s parameter.
        mapped: Whether it runs once for each element.
        upstream: Tasks it waits for without taking their result.
    """

    arguments: Mapping[str, Argument] = field(default_factory=dict)
    mapped: bool = False
    upstream: tuple[Any, ...] = ()

    @classmethod
    def of(
        cls, arguments: Mapping[str, Any], *, mapped: bool, upstream: tuple[Any, ...]
    ) -> Binding:
        """Make a binding of named arguments as a user gave them.

        Args:
            arguments: By name; each may be marked ``unmapped``, ``mapped`` or ``flatten``.
            mapped: Whether what is not marked is mapped over.
            upstream: Tasks it waits for; those marked ``mapped``, element by element.
        """
        made = {name: _argument(value, mapped) for name, value in arguments.items()}
        whole = tuple(task for task in upstream if not isinstance(task, _mapped))
        beside = [task.value for task in upstream if isinstance(task, _mapped)]
        made |= {f"(after) {i}": Argument(t, True, passed=False) for i, t in enumerate(beside)}
        any_mapped = any(argument.mapped for argument in made.values())
        if mapped and not any_mapped:
            raise FlowError(
                "map() got nothing to map over",
                fix="give at least one argument that is not wrapped in unmapped()",
            )
        return cls(made, any_mapped, whole)

    def after(self, *upstream: Any) -> Binding:
        """The same binding, with more tasks to wait for."""
        return Binding(self.arguments, self.mapped, (*self.upstream, *upstream))

    def beside(self, upstream: Any) -> Binding:
        """The same binding, where each run also waits for the element of ``upstream`` beside it."""
        name = f"(after) {len(self.arguments)}"
        argument = Argument(upstream, mapped=True, passed=False)
        return Binding({**self.arguments, name: argument}, self.mapped, self.upstream)

    def replaced(self, others: Mapping[Any, Any]) -> Binding:
        """The same binding, with other tasks in the place of some."""
        arguments = {
            name: replace(argument, value=argument.filled(lambda task: others.get(task, task)))
            for name, argument in self.arguments.items()
        }
        upstream = tuple(others.get(task, task) for task in self.upstream)
        return Binding(arguments, self.mapped, upstream)

    def tasks(self, passed: bool | None = None) -> Iterator[Any]:
        """The tasks in its arguments; only in those that ``run`` gets (or does not), if asked."""
        for argument in self.arguments.values():
            if passed is None or argument.passed is passed:
                yield from argument.tasks()


def fill(value: Any, result: Callable[[Any], Any]) -> Any:
    """Replace each task in a nested structure by ``result(task)``."""
    if isinstance(value, Promise):
        return result(value)
    if isinstance(value, list):
        return [fill(item, result) for item in value]
    if isinstance(value, tuple) and type(value) is tuple:
        return tuple(fill(item, result) for item in value)
    if isinstance(value, dict):
        return {key: fill(item, result) for key, item in value.items()}
    return value


def _tasks(value: Any) -> Iterator[Any]:
    found: list[Any] = []
    fill(value, found.append)
    return iter(found)


def _argument(value: Any, mapped: bool) -> Argument:
    flattened = False
    while isinstance(value, (unmapped, _mapped, flatten)):
        if isinstance(value, flatten):
            flattened = True
        else:
            mapped = isinstance(value, _mapped)
        value = value.value
    return Argument(value, mapped, flattened)
