"""Mapped tasks that take another's elements one by one: which, and what of them is still wanted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.engine.plan import Plan
from orchestrator.engine.planned import Ref
from orchestrator.engine.units import Unit


class Elementwise:
    """Knows between which mapped tasks of a plan element waits for element.

    Args:
        plan: What to do.
        units: All units, by key of the plan.
        finished: Elements that succeeded in the run that goes on here, by key.
    """

    def __init__(self, plan: Plan, units: Mapping[str, Unit], finished: Mapping[str, Any]) -> None:
        self._plan, self._units, self._finished = plan, units, finished
        self.sources: dict[str, tuple[str, ...]] = {
            key: tuple(self._sources(key)) for key, planned in plan.tasks.items() if planned.mapped
        }
        self.takers: dict[str, list[str]] = {}
        for key, sources in self.sources.items():
            for source in sources:
                self.takers.setdefault(source, []).append(key)
        self._whole: set[str] = set()
        for key, planned in plan.tasks.items():
            own = self.sources.get(key, ())
            self._whole.update(need for need in planned.needs() if need not in own)

    def _sources(self, key: str) -> dict[str, None]:
        found: dict[str, None] = {}
        for argument in self._plan.tasks[key].arguments.values():
            value = argument.value
            if argument.mapped and not argument.flattened and isinstance(value, Ref):
                source = self._plan.tasks.get(value.key)
                if source is not None and source.mapped:
                    found[value.key] = None
        return found

    def beside(self, element: Unit) -> list[Unit]:
        """The units that a unit of an opened task takes or waits for one by one."""
        assert element.element is not None
        found = []
        for source in self.sources[element.planned.key]:
            elements = self._units[source].elements
            assert elements is not None
            found.append(elements[element.element])
        return found

    def below(self, element: Unit) -> list[Unit]:
        """The units of opened tasks that wait for just this element."""
        assert element.element is not None
        found = []
        for taker in self.takers.get(element.planned.key, ()):
            elements = self._units[taker].elements
            if elements is not None:
                found.append(elements[element.element])
        return found

    def wanted(self, key: str, element: int) -> bool:
        """Whether anything that will run needs the result of an element that succeeded before."""
        if key in self._whole:
            return True
        for taker in self.takers.get(key, ()):
            own = f"{taker}[{element}]"
            if own not in self._finished:
                return True
            if self._finished[own] is None and self.wanted(taker, element):
                return True
        return False
