"""Opens mapped tasks: one unit for each element, as soon as it is known how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from orchestrator import instants
from orchestrator.engine.driving.deciding import Deciding
from orchestrator.engine.driving.elementwise import Elementwise
from orchestrator.engine.driving.inputs import Values, lengths
from orchestrator.engine.results import stored
from orchestrator.engine.units import Known, Unit
from orchestrator.errors import FlowError
from orchestrator.model.policy import Trigger, decide
from orchestrator.model.state import State, StateType


class Driver(Protocol):
    """Who drives the units that are opened."""

    def added(self, elements: list[Unit]) -> None:
        """There are more units."""
        ...

    def move(self, unit: Unit, state: State, at: datetime) -> None:
        """A unit's state changes."""
        ...

    def finish(self, unit: Unit, state: State) -> None:
        """A unit has its final state."""
        ...

    def release(self, unit: Unit) -> None:
        """All that a unit waited for has ended."""
        ...

    def upstream_ended(self, waiter: Unit) -> None:
        """One of the units that a unit waits for has ended, or was opened."""
        ...


class Opening:
    """Makes the elements of mapped tasks.

    Args:
        units: All units, by key of the plan.
        elementwise: Between which tasks element waits for element.
        deciding: What a unit waits for.
        values: How many elements arguments have.
        finished: Elements that succeeded in the run that goes on here, by key, with their results.
        driver: Drives them.
    """

    def __init__(
        self,
        units: Mapping[str, Unit],
        elementwise: Elementwise,
        deciding: Deciding,
        values: Values,
        finished: Mapping[str, Any],
        driver: Driver,
    ) -> None:
        self._units, self._elementwise, self._deciding = units, elementwise, deciding
        self._values, self._finished, self._driver = values, finished, driver

    def takes_elements(self, parent: Unit) -> bool:
        """Open a task that takes others' elements one by one, or let it wait for their end."""
        sources = [self._units[key] for key in self._elementwise.sources[parent.key]]
        if not sources:
            return False
        if any(source.elements is None for source in sources):
            # One was left out as a whole, so this one is decided as a whole, when all have ended.
            parent.waiting = sum(not source.state.is_finished() for source in sources)
            parent.whole = True
            return parent.waiting > 0
        of_elements = self._elementwise.sources[parent.key]
        parent.others = {
            key: state
            for key, state in self._deciding.upstream(parent).items()
            if key not in of_elements
        }
        task = parent.planned.task
        if task.trigger is Trigger.ALL_SUCCESSFUL:
            decision = decide(task.trigger, parent.others, task.skip_on_upstream_skip)
            if not decision.run:
                self._driver.finish(parent, decision.state())
                return True
        self.open(parent)
        return True

    def open(self, parent: Unit) -> None:
        """Make one unit for each element of a mapped task's arguments."""
        try:
            count = self._values.count(parent)
        except FlowError as error:
            self._driver.finish(parent, State(StateType.FAILED, error.what))
            return
        sources = [self._units[key] for key in self._elementwise.sources[parent.key]]
        # Depth first: an element whose source has ended goes before the source's next element.
        rank = min([parent.rank, *((s.rank[0], s.rank[1]) for s in sources)])
        parent.rank = (rank[0], rank[1] - 1) if sources else rank
        elements = parent.open(count, parent.rank)
        self._driver.added(elements)
        self._driver.move(parent, State(StateType.RUNNING, f"{count} elements"), instants.now())
        for key in self._elementwise.takers.get(parent.key, ()):
            self._driver.upstream_ended(self._units[key])
        for unit in elements:
            if not self._succeeded_before(unit):
                before = self._elementwise.beside(unit) if sources else ()
                unit.waiting = sum(not up.state.is_finished() for up in before)
                if not unit.waiting:
                    self._driver.release(unit)
        if not count:
            self._driver.finish(parent, State(StateType.SUCCESS, "nothing to map over"))

    def _succeeded_before(self, unit: Unit) -> bool:
        """Take an element's result from the run that goes on here, if it can be had."""
        if unit.key not in self._finished:
            return False
        assert unit.element is not None
        kept = self._finished[unit.key]
        if kept is None and self._elementwise.wanted(unit.planned.key, unit.element):
            return False
        if kept is not None:
            value = stored.given(kept)
            unit.handle = Known(value)
            unit.length, unit.lengths = lengths(value)
        was = State(StateType.CACHED, "succeeded in the run that goes on here")
        self._driver.finish(unit, was)
        return True
