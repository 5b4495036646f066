"""Bindings: which results and constants a task gets, in structures of any nesting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
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
class Argument:
    """One argument: a structure in which tasks stand for their results.

    Args:
        value: A constant, a task, or a list, tuple or dict with tasks in it.
        mapped: Whether each run gets one element of it.
    """

    value: Any
    mapped: bool = False

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
        """Make a binding of named arguments as a user gave them."""
        made = {name: _argument(value, mapped) for name, value in arguments.items()}
        if mapped and not any(argument.mapped for argument in made.values()):
            raise FlowError(
                "map() got nothing to map over",
                fix="give at least one argument that is not wrapped in unmapped()",
            )
        return cls(made, mapped, upstream)

    def tasks(self) -> Iterator[Any]:
        """The tasks whose results are taken."""
        for argument in self.arguments.values():
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
    if isinstance(value, unmapped):
        return Argument(value.value, mapped=False)
    return Argument(value, mapped=mapped)
