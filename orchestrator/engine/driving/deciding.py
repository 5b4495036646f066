"""What a unit waits for, whether it runs once that has ended, and what could run right after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from orchestrator.engine.driving.elementwise import Elementwise
from orchestrator.engine.units import Unit
from orchestrator.model.graph import Graph
from orchestrator.model.policy import Decision, Trigger, decide
from orchestrator.model.state import State, StateType


class Deciding:
    """Asks the policy about units.

    Args:
        graph: The order between planned tasks.
        units: All units, by key of the plan.
        elementwise: Between which tasks element waits for element.
        may_follow: Whether a unit may be handed over before what it waits for has ended.
    """

    def __init__(
        self,
        graph: Graph,
        units: Mapping[str, Unit],
        elementwise: Elementwise,
        *,
        may_follow: bool,
    ) -> None:
        self._graph, self._units, self._elementwise = graph, units, elementwise
        self._may_follow = may_follow

    def decided(self, unit: Unit) -> Decision:
        """Whether a unit runs, now that all it waits for has ended."""
        task = unit.planned.task
        if unit.element is None:
            upstream = self.upstream(unit, elements=task.trigger is not Trigger.ALL_SUCCESSFUL)
        elif not self._elementwise.sources[unit.planned.key]:
            return Decision(True)  # decided once for all
        else:
            upstream = self.beside(unit)
        return decide(task.trigger, upstream, task.skip_on_upstream_skip)

    def upstream(self, unit: Unit, *, elements: bool = False) -> dict[str, State]:
        """States of what a unit waits for; of the elements of mapped tasks, where they count."""
        units = [self._units[up] for up in self._graph.upstream(unit.planned.key)]
        found = {up.key: up.state for up in units if not (elements and up.elements)}
        counted = (element for up in units if elements for element in up.elements or ())
        return found | {element.key: element.state for element in counted}

    def beside(self, unit: Unit) -> dict[str, State]:
        """States of what an element waits for: other elements, and whole tasks."""
        assert unit.parent is not None
        found = {up.key: up.state for up in self._elementwise.beside(unit)}
        return {**(unit.parent.others or {}), **found}

    def before(self, unit: Unit) -> list[Unit]:
        """The units that one waits for; of whole mapped tasks, not their elements."""
        if unit.element is not None:
            return self._elementwise.beside(unit)
        return [self._units[up] for up in self._graph.upstream(unit.key)]

    def followers(self, unit: Unit, places: Mapping[Unit, int]) -> Iterator[Unit]:
        """The units that can run right after one, if all in ``places`` succeed before."""
        if not self._may_follow:
            return  # whether one succeeded is known only when what it ran was looked at
        if unit.element is not None:
            below = self._elementwise.below(unit)
        else:
            below = [self._units[key] for key in self._graph.downstream(unit.key)]
        for follower in below:
            if follower.flight is not None or follower.state.type is not StateType.PENDING:
                continue
            if follower.planned.mapped and follower.element is None:
                continue
            before = self.before(follower)
            if sum(up in places for up in before) == follower.waiting and self._would_run(follower):
                yield follower

    def _would_run(self, unit: Unit) -> bool:
        """Whether a unit runs if what it still waits for succeeds."""
        upstream = self.upstream(unit) if unit.element is None else self.beside(unit)
        good = State(StateType.SUCCESS)
        assumed = {key: s if s.is_finished() else good for key, s in upstream.items()}
        task = unit.planned.task
        return decide(task.trigger, assumed, task.skip_on_upstream_skip).run
