"""The moving parts of a run: one unit for each planned task and each mapped run of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.engine.planned import PlannedTask
from orchestrator.executors.base import Handle
from orchestrator.model.state import State, StateType

PENDING = State(StateType.PENDING)


@dataclass(frozen=True, slots=True)
class Known:
    """A result that is known without running anything."""

    value: Any


class Lost(Known):
    """A result that died with the worker that kept it."""


LOST = Lost(None)


@dataclass(eq=False, slots=True)
class Flight:
    """Units that were handed to the executor together.

    Args:
        handle: Stands for the list of their values.
        units: In the order in which they run; a unit's place is its number in it.
        lane: The cluster and the affinity they were submitted with.
        note: The file in which their worker notes how far it got, if it does.
        number: The bundle's.
        over: Whether its thread is known to be free.
    """

    handle: Handle
    units: tuple[Unit, ...]
    lane: tuple[str | None, str | None] = (None, None)
    note: str | None = None
    number: int = 0
    over: bool = False


@dataclass(eq=False, slots=True)
class Unit:
    """One task run under way.

    A run may have a great many, so what most units do not need is not made for them.

    Args:
        key: Its key in the store.
        planned: What runs.
        rank: Its place in the queue: the smaller, the sooner.
        parent: The unit it is an element of.
        element: Which element.
        waiting: How many upstream units it still waits for.
        remaining: For a mapped parent: how many elements are unfinished.
        elements: For a mapped parent that was opened: a unit for each element.
        whole: For a mapped parent: whether it waits for the end of all, to be decided as one.
        offsets: For a mapped parent: by argument that is flattened, where each inner list begins.
        others: For a mapped parent: states that decide on each element, beside its own upstream.
        attempt: Number of the last attempt.
        token: Fence of the attempt under way.
        heard: Whether that attempt is known to have begun.
        flight: What it was handed over with, while it is away.
        handle: Where its result is kept, once finished, among others; or the result itself.
        place: Which of the values there is its own.
        length: Number of elements of its result, where it has some.
        lengths: Number of elements of each of those, where somebody flattens it.
        spare: Its result, if it is small, for the case that the worker that keeps it dies.
    """

    key: str
    planned: PlannedTask
    rank: tuple[float, int] = (0.0, 0)
    parent: Unit | None = None
    element: int | None = None
    waiting: int = 0
    remaining: int = 0
    elements: list[Unit] | None = None
    whole: bool = False
    offsets: dict[str, list[int]] | None = None
    others: Mapping[str, State] | None = None
    state: State = PENDING
    attempt: int = 0
    token: str = ""
    heard: bool = False
    flight: Flight | None = None
    handle: Handle | Known | None = None
    place: int = 0
    length: int | None = None
    lengths: tuple[int, ...] | None = None
    spare: Known | None = None

    @property
    def name(self) -> str:
        """What people call it."""
        if self.element is None:
            return self.planned.facts.name
        return f"{self.planned.facts.name}[{self.element}]"

    def open(self, count: int, rank: tuple[float, int]) -> list[Unit]:
        """Make a unit for each element.

        Args:
            count: How many.
            rank: Of each.
        """
        self.remaining = count
        self.elements = [
            Unit(f"{self.key}[{i}]", self.planned, rank, self, i) for i in range(count)
        ]
        return self.elements

    def next_attempt(self, token: str) -> None:
        """Open a new attempt with a fence of its own."""
        self.attempt += 1
        self.heard = False
        self.token = token

    def give_back(self) -> None:
        """The attempt never began: it counts as if it had not been handed over."""
        self.attempt -= 1
        self.token = ""
        self.flight = None
