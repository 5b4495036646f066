"""What a task's function gets and gives by annotation: opened before it runs, kept when it has run."""

from __future__ import annotations

import inspect
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from orchestrator.model.dataset import Access, Dataset, Namespace
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.signals import Result
from orchestrator.model.type_hints import RESULT, Hint, hints_of, lines_of
from orchestrator.model.warehouse import Warehouse

if TYPE_CHECKING:
    from orchestrator.model.planning import Planning


class Injected(ABC):
    """What may stand in ``Annotated[type, …]`` of a task's function; the task library has some.

    Attributes:
        warehouse: Name of the connection it needs; None for the task's own, or the default one.
        dataset: Name of the dataset that it stands for, if it stands for one.
    """

    warehouse: str | None = None
    dataset: str | None = None

    @abstractmethod
    def check(self, spot: Spot) -> None:
        """Refuse, while the flow is loaded, what cannot be done at this spot, by a FlowError."""

    @abstractmethod
    def opened(self, spot: Spot, warehouse: Warehouse) -> AbstractContextManager[Any]:
        """Give the argument's value, open until the function has run."""

    @abstractmethod
    def kept(self, spot: Spot, warehouse: Warehouse, value: Any) -> tuple[Any, int]:
        """Keep what the function returned; gives what is passed on, and the rows written."""

    def needs_arguments(self, value: Any) -> bool:
        """Whether what was returned can only be kept while the arguments are still open."""
        return False


@dataclass(frozen=True, slots=True)
class Spot:
    """One annotation: whose it is, and where it stands.

    Args:
        task: Name of the task.
        argument: Name of the argument, or ``return``.
        says: What is annotated.
        type_name: The annotated type: ``pandas.DataFrame``.
        file: The function's file.
        line: The line of the argument in it.
    """

    task: str
    argument: str
    says: Injected
    type_name: str
    file: str
    line: int

    @property
    def is_result(self) -> bool:
        """Whether it is what the function returns."""
        return self.argument == RESULT

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.line}"

    def seen_from(self, planning: Planning) -> Spot:
        """The same with its file relative to the project, if it is not so already."""
        if not os.path.isabs(self.file):
            return self
        return replace(self, file=planning.relative(self.file) or self.file)

    def __str__(self) -> str:
        return "the result" if self.is_result else f"argument {self.argument}"


@dataclass(frozen=True, slots=True)
class Injection:
    """All that a function gets and gives by annotation.

    Args:
        spots: Each annotation; several of ``return`` where it gives a tuple.
        given: Arguments that the flow binds to something else: the given value wins.
        warehouses: The connections by name, once the flow is planned.
    """

    spots: tuple[Spot, ...] = ()
    given: frozenset[str] = frozenset()
    warehouses: Mapping[str | None, Warehouse] = field(default_factory=dict)

    @classmethod
    def of(cls, function: Callable[..., Any], task: str) -> Injection:
        """Read a function's annotations.

        Raises:
            FlowError: One of them cannot be read, or what it says cannot be done.
        """
        marked: list[tuple[str, Hint, list[Injected]]] = []
        for name, hints in hints_of(function).items():
            said = [[m for m in hint.marks if isinstance(m, Injected)] for hint in hints]
            if any(said):
                marked += [(name, hint, found) for hint, found in zip(hints, said, strict=True)]
        if not marked:
            return cls()
        code, lines = inspect.unwrap(function).__code__, lines_of(function)
        spots = []
        for name, hint, found in marked:
            line = lines.get(name, code.co_firstlineno)
            if len(found) != 1:
                raise _ambiguous(task, name, hint, f"{code.co_filename}:{line}")
            spot = Spot(task, name, found[0], hint.type_name, code.co_filename, line)
            spot.says.check(spot)
            spots.append(spot)
        return cls(tuple(spots))

    def __bool__(self) -> bool:
        return bool(self.spots)

    def arguments(self) -> Iterator[Spot]:
        """What is opened for it."""
        return (s for s in self.spots if not s.is_result and s.argument not in self.given)

    def results(self) -> tuple[Spot, ...]:
        """What is kept of it."""
        return tuple(spot for spot in self.spots if spot.is_result)

    def needed(self) -> Iterator[Spot]:
        """Arguments that are opened, and results."""
        yield from self.arguments()
        yield from self.results()

    def bound(self, arguments: Mapping[str, Any]) -> Injection:
        """As the flow binds it: arguments that it gives are not opened."""
        return replace(self, given=frozenset(arguments)) if self else self

    def planned(self, planning: Planning, default: str | None) -> Injection:
        """With the connections it needs.

        Args:
            planning: Knows them.
            default: Name of the task's own connection, for what names none.

        Raises:
            ConfigurationError: One is not configured.
        """
        names = {spot.says.warehouse: None for spot in self.needed()}
        found = {name: planning.warehouse(name or default) for name in names}
        return replace(
            self, spots=tuple(s.seen_from(planning) for s in self.spots), warehouses=found
        )

    def accesses(self, *, results: bool) -> tuple[Access, ...]:
        """The datasets that are read for the arguments, or written with the results, once planned."""
        verb, spots = ("writes", self.results()) if results else ("reads", self.arguments())
        return tuple(
            Access(
                Dataset.parse(spot.says.dataset, self._namespace(spot)),
                Evidence(
                    Source.ANNOTATION,
                    f"{verb} {spot.says.dataset} (annotation of {spot} of {spot.task})",
                    file=spot.file,
                    line=spot.line,
                ),
            )
            for spot in spots
            if spot.says.dataset is not None
        )

    def call(self, function: Callable[..., Any], args: Any, inputs: Mapping[str, Any]) -> Any:
        """Run the function: open what it is to get, and keep what it returns.

        Args:
            function: The function.
            args: Arguments by position.
            inputs: By name; what stands here is not opened.

        Raises:
            FlowError: An argument is neither given, nor is there a flow that says where to open it.
        """
        bound = inspect.signature(function).bind_partial(*args, **inputs)
        with ExitStack() as opened:
            for spot in self.spots:
                if not spot.is_result and spot.argument not in bound.arguments:
                    value = spot.says.opened(spot, self._warehouse(spot))
                    bound.arguments[spot.argument] = opened.enter_context(value)
            returned = function(*bound.args, **bound.kwargs)
            results = self.results() if self.warehouses else ()
            if any(s.says.needs_arguments(v) for s, v in _paired(results, returned)):
                return self._kept(results, returned)
        return self._kept(results, returned)

    def _kept(self, results: tuple[Spot, ...], returned: Any) -> Any:
        if not results:
            return returned
        pairs = _paired(results, returned)
        kept = [spot.says.kept(spot, self._warehouse(spot), value) for spot, value in pairs]
        values = [value for value, _ in kept]
        made = values[0] if len(results) == 1 else tuple(values)
        said = returned if isinstance(returned, Result) else Result(message=_told(results, kept))
        return replace(said, value=made, rows=sum(rows for _, rows in kept))

    def _warehouse(self, spot: Spot) -> Warehouse:
        found = self.warehouses.get(spot.says.warehouse)
        if found is None:
            raise FlowError(
                f"task {spot.task!r}: {spot} comes from its annotation only where a flow runs",
                where=spot.place,
                fix=f"run it in a flow, or pass {spot.argument}=… yourself",
            )
        return found

    def _namespace(self, spot: Spot) -> Namespace:
        return self._warehouse(spot).namespace


def _ambiguous(task: str, name: str, hint: Hint, place: str) -> FlowError:
    what = "the result" if name == RESULT else f"argument {name}"
    many = "several things" if hint.marks else "nothing for one of its members"
    return FlowError(
        f"task {task!r}: the annotation of {what} says {many} ({hint.type_name})",
        where=place,
        fix="say one thing of each: Annotated[type, Table(…)]",
    )


def _paired(results: tuple[Spot, ...], returned: Any) -> list[tuple[Spot, Any]]:
    value = returned.value if isinstance(returned, Result) else returned
    if len(results) < 2:
        return [(spot, value) for spot in results]
    if not isinstance(value, tuple) or len(value) != len(results):
        got = f"{len(value)} of them" if isinstance(value, tuple) else f"a {type(value).__name__}"
        raise FlowError(
            f"task {results[0].task!r} is to return {len(results)} things, and returned {got}",
            where=results[0].place,
            fix="return as many as the annotation of the result says",
        )
    return list(zip(results, value, strict=True))


def _told(results: tuple[Spot, ...], kept: list[tuple[Any, int]]) -> str:
    return ", ".join(
        f"{rows:,} row{'' if rows == 1 else 's'} written to {spot.says.dataset}"
        for spot, (_, rows) in zip(results, kept, strict=True)
    )
