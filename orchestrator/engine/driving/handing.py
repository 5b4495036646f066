"""Hands units over to the executor: which travel together, and what their worker gets."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pickle import PickleError
from typing import Any

from orchestrator.engine.attempts import progress
from orchestrator.engine.attempts.bundle import Bundle, run_bundle
from orchestrator.engine.driving.batching import MOST, QUICK, TARGET, Batching
from orchestrator.engine.driving.inputs import Inputs, Values
from orchestrator.engine.driving.lanes import Lanes
from orchestrator.engine.messages import Attempt
from orchestrator.engine.units import Flight, Unit
from orchestrator.executors.base import Executor

#: What pickling raises for what cannot travel.
UNSENDABLE = (TypeError, AttributeError, PickleError)
_numbers = itertools.count(1)


class Handing:
    """Makes bundles of units and submits them.

    Args:
        executor: Where to.
        lanes: What is ready.
        batching: How long things take.
        values: Where results are.
        attempt: Makes the attempt of a unit, given its task as it travels and its arguments.
        followers: The units that could run right after a unit, once it has succeeded, given all
            units that go before them.
        before: The units that a unit waits for.
        needed: Keys of planned tasks whose results will be taken.
        flattened: Keys of those that somebody takes as lists of lists.
        driver: Begins with the run's id and differs between drivers.

    Attributes:
        needed: As given.
        notes: Folder in which workers note how far they got.
    """

    def __init__(
        self,
        executor: Executor,
        lanes: Lanes,
        batching: Batching,
        values: Values,
        attempt: Callable[[Unit, Any, dict[str, Any]], Attempt],
        followers: Callable[[Unit, dict[Unit, int]], Iterator[Unit]],
        before: Callable[[Unit], list[Unit]],
        needed: set[str],
        flattened: set[str],
        driver: str,
    ) -> None:
        self._executor, self._lanes, self._batching = executor, lanes, batching
        self._values, self._attempt, self.needed = values, attempt, needed
        self._followers, self._before = followers, before
        self._flattened, self._driver = flattened, driver
        self.notes = progress.folder(driver)
        #: Smaller numbers are those of earlier runs, whose last words an executor may still bring.
        self.first = next(_numbers)
        self._packed: dict[str, Any] = {}
        self._lone: set[Unit] = set()

    # -- which -----------------------------------------------------------------------------

    def together(self, first: Unit, share: int) -> list[Unit]:
        """The units that travel with the first one, which may take ``share`` from its lane."""
        if not self._may_travel(first):
            return [first]
        places = {first: 0}
        spent = self._follow(first, places, self._batching.guess(first))
        taken = 1
        while taken < share and spent < TARGET and len(places) < MOST:
            unit = self._lanes.next_of(first.planned.lane)
            if unit is None or not self._may_travel(unit):
                break
            guess = self._batching.guess(unit)
            if spent + guess > TARGET:
                break
            self._lanes.take_next(first.planned.lane)
            taken += 1
            places[unit] = len(places)
            spent = self._follow(unit, places, spent + guess)
        return list(places)

    def _follow(self, head: Unit, places: dict[Unit, int], spent: float) -> float:
        """Add what can run right after ``head``, depth first; returns the seconds so far."""
        stack = [head]
        while stack and spent < TARGET and len(places) < MOST:
            unit = stack.pop()
            if unit is not head:
                places[unit] = len(places)
                spent += self._batching.guess(unit, following=True)
            found = [f for f in self._followers(unit, places) if self._may_follow(f, head)]
            stack += sorted(found, key=lambda follower: follower.rank, reverse=True)
        return spent

    def _may_follow(self, unit: Unit, head: Unit) -> bool:
        if unit.planned.lane != head.planned.lane or not self._may_travel(unit):
            return False
        # What is not known to be quick must not come before what holds more up.
        waiting = self._lanes.next_of(head.planned.lane)
        known = self._batching.seconds(unit) is not None
        return known or waiting is None or unit.rank <= waiting.rank

    def _may_travel(self, unit: Unit) -> bool:
        free = not self._executor.costs(unit.planned.cluster)
        if free or unit in self._lone or self._lanes.limited(unit):
            return False
        if unit.planned.task.wants_upstream_states or self._batching.guess(unit) > QUICK:
            return False
        try:
            self._task(unit)
        except UNSENDABLE:
            return False
        return True

    def alone(self, unit: Unit) -> None:
        """Let a unit travel with no other from now on."""
        self._lone.add(unit)

    # -- what they get ---------------------------------------------------------------------

    def submit(self, units: list[Unit]) -> Flight:
        """Open an attempt of each unit and submit them as one bundle.

        Raises:
            TypeError, AttributeError, PickleError: Something cannot be sent to a worker.
            WorkerLostError: What they need was lost.
        """
        number = next(_numbers)
        for place, unit in enumerate(units):
            unit.next_attempt(f"{self._driver}:{number}:{place}")
        inputs, attempts = self._attempts(units)
        if inputs.lose(self._executor.is_lost):
            inputs, attempts = self._attempts(units)
        places = {unit: place for place, unit in enumerate(units)}
        after = tuple(
            tuple(places[up] for up in self._before(unit) if up in places) if place else ()
            for place, unit in enumerate(units)
        )
        kept = tuple(unit.planned.key in self.needed for unit in units)
        flat = tuple(unit.planned.key in self._flattened for unit in units)
        cluster, affinity = lane = units[0].planned.lane
        watched = self._executor.costs(cluster) > 0
        note = str(self.notes / str(number)) if watched and len(units) > 1 else None
        bundle = Bundle(number, attempts, after, kept, flat, inputs.constants, watched, note)
        handle = self._executor.submit(
            run_bundle, bundle, self._executor.channel, inputs.handles,
            affinity=affinity, keep=any(kept), cluster=cluster,
        )  # fmt: skip
        flight = Flight(handle, tuple(units), lane, note, number)
        for place, unit in enumerate(units):
            unit.flight, unit.place = flight, place
        return flight

    def _attempts(self, units: list[Unit]) -> tuple[Inputs, tuple[Attempt, ...]]:
        inputs = Inputs(units)
        return inputs, tuple(
            self._attempt(unit, self._task(unit), self._values.arguments(unit, inputs))
            for unit in units
        )

    def _task(self, unit: Unit) -> Any:
        key, planned = unit.planned.key, unit.planned
        if key not in self._packed:
            self._packed[key] = self._executor.packed(planned.task, planned.cluster)
        return self._packed[key]
