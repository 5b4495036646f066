"""The moving parts of a run: one unit for each planned task and each mapped run of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from orchestrator.engine.attempt import Slot
from orchestrator.engine.plan import PlannedTask, Ref
from orchestrator.executors.base import Handle
from orchestrator.model.binding import fill
from orchestrator.model.state import State, StateType


@dataclass(eq=False, slots=True)
class Unit:
    """One task run under way.

    Args:
        key: Its key in the store.
        planned: What runs.
        parent: The unit it is an element of.
        element: Which element.
        waiting: How many upstream units are unfinished.
        remaining: For a mapped parent: how many elements are unfinished.
        handle: Where its result is kept, once finished; or the result itself, if it is known.
    """

    key: str
    planned: PlannedTask
    parent: Unit | None = None
    element: int | None = None
    waiting: int = 0
    remaining: int = 0
    elements: list[Unit] = field(default_factory=list)
    state: State = State(StateType.PENDING)  # noqa: RUF009 - frozen
    attempt: int = 0
    token: str = ""
    heard: bool = False
    handle: Handle | Any = None
    length: int | None = None
    priority: float = 0.0

    @property
    def name(self) -> str:
        """What people call it."""
        if self.element is None:
            return self.planned.facts.name
        return f"{self.planned.facts.name}[{self.element}]"

    def open(self, count: int) -> None:
        """Make a unit for each element."""
        self.remaining = count
        self.elements = [
            Unit(f"{self.key}[{i}]", self.planned, self, i, priority=self.priority)
            for i in range(count)
        ]

    def next_attempt(self, driver: str) -> None:
        """Open a new attempt with a fence of its own.

        Args:
            driver: Begins with the run's id and differs between drivers.
        """
        self.attempt += 1
        self.heard = False
        self.token = f"{driver}:{self.key}:{self.attempt}"


class Values:
    """Where the result of each task is: a constant here, a handle, or the handles of elements."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._constants = dict(given)
        self._units: dict[str, Unit] = {}

    def keep(self, unit: Unit) -> None:
        """Remember a finished unit."""
        self._units[unit.key] = unit

    def length(self, value: Any) -> int | None:
        """Number of elements of an argument, or None if it is not a list."""
        if isinstance(value, Ref):
            if value.key in self._constants:
                value = self._constants[value.key]
            else:
                unit = self._units[value.key]
                return len(unit.elements) if unit.planned.mapped else unit.length
        return len(value) if isinstance(value, (list, tuple)) else None

    def slots(
        self, arguments: Mapping[str, Any], element: int | None
    ) -> tuple[dict[str, Any], list[Any]]:
        """Turn arguments into ones with slots, and the inputs the slots stand for.

        Args:
            arguments: By name, as planned.
            element: Which element of mapped arguments is taken.
        """
        inputs: list[Any] = []
        numbers: dict[tuple[str, int | None], Slot] = {}

        def slot(ref: Ref, taken: int | None) -> Any:
            if ref.key in self._constants:
                value = self._constants[ref.key]
                return value if taken is None else value[taken]
            return self._slot(ref, taken, inputs, numbers)

        made: dict[str, Any] = {}
        for name, argument in arguments.items():
            taken = element if argument.mapped else None
            value = argument.value
            if taken is not None and not isinstance(value, Ref):
                value, taken = value[taken], None
            made[name] = fill(value, partial(slot, taken=taken))
        return made, inputs

    def _slot(
        self,
        ref: Ref,
        taken: int | None,
        inputs: list[Any],
        numbers: dict[tuple[str, int | None], Slot],
    ) -> Slot:
        known = numbers.get((ref.key, taken))
        if known is None:
            unit = self._units[ref.key]
            if not unit.planned.mapped:
                known = Slot(len(inputs), taken)
                inputs.append(unit.handle)
            elif taken is None:
                known = Slot(len(inputs))
                inputs.append([element.handle for element in unit.elements])
            else:
                known = Slot(len(inputs))
                inputs.append(unit.elements[taken].handle)
            numbers[ref.key, taken] = known
        return known
