"""How much work is handed over together: as much as takes long enough to be worth the hand-over."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.engine.units import Unit

#: Seconds of work that a bundle is meant to hold.
TARGET = 0.075
#: Work that takes at most so many seconds is quick: it may travel with others.
QUICK = 0.03
#: What an attempt costs beside the task's own work.
_OVERHEAD = 0.0002
#: What is taken for the length of a task nothing is known of.
_UNKNOWN = 0.01
#: The same for one that can only run after another of the bundle: it holds nobody up there.
_UNKNOWN_NEXT = 0.004
#: How much the last observation counts.
_WEIGHT = 0.3
#: What the first observation counts for at most, and the least that later ones can.
_FIRST = 0.04
#: By how much later ones can exceed what was seen so far.
_STRIDE = 4.0
MOST = 400


class Batching:
    """Knows how long tasks take, from earlier runs and from this one.

    Args:
        expected: Seconds that tasks took in the past, by key.
    """

    def __init__(self, expected: Mapping[str, float]) -> None:
        self._expected = expected
        self._seen: dict[str | type, float] = {}

    def learn(self, unit: Unit, seconds: float) -> None:
        """An attempt took so long."""
        task = unit.planned.task
        for what in (unit.planned.key, task.name, type(task)):
            old = self._seen.get(what)
            if old is None:
                self._seen[what] = min(seconds, _FIRST)
            else:
                # One slow one among many quick ones says little about the next.
                likely = min(seconds, max(_STRIDE * old, _FIRST))
                self._seen[what] = old + _WEIGHT * (likely - old)

    def seconds(self, unit: Unit) -> float | None:
        """How long an attempt will take, or None if nothing is known."""
        task = unit.planned.task
        found = self._seen.get(unit.planned.key)
        if found is None and unit.element is None:
            found = self._expected.get(unit.planned.key)
        if found is None:
            found = self._seen.get(task.name, self._seen.get(type(task)))
        return None if found is None else found + _OVERHEAD

    def guess(self, unit: Unit, *, following: bool = False) -> float:
        """How long to count it for."""
        known = self.seconds(unit)
        if known is not None:
            return known
        return _UNKNOWN_NEXT if following else _UNKNOWN
