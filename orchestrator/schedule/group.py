"""The clocks of a schedule that give their runs the same parameters and labels, as one sequence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime

from orchestrator.schedule.adjustments import REACH, moved
from orchestrator.schedule.clock import Clock
from orchestrator.schedule.occurrence import Occurrence
from orchestrator.schedule.wall_time import BEGINNING, END, Moment
from orchestrator.schedule.windows import backwards, forwards

#: Filters may keep nothing. After so many times that they left out, nothing more is looked for.
_PATIENCE = 1_000_000


class Group:
    """Clocks that are merged, filtered and adjusted, with data intervals from one to the next.

    Args:
        clocks: They have the same parameters and labels.
        keeps: The schedule's filters.
        adjustments: Its adjustments, in order.
    """

    def __init__(
        self,
        clocks: Sequence[Clock],
        keeps: Callable[[Moment], bool],
        adjustments: Sequence[Callable[[datetime], datetime]],
    ) -> None:
        self._clocks, self._keeps, self._adjustments = clocks, keeps, adjustments
        self._reach = sum(getattr(one, "reach", REACH) for one in adjustments)
        self._pace = max(min(clock.pace for clock in clocks), self._reach)
        self._first = min(clock.first for clock in clocks) - self._reach
        self._last = max(clock.last for clock in clocks) + 1 + self._reach

    def since(self, first: int) -> Iterator[Occurrence]:
        """Yield what comes from an epoch on."""
        earlier: Occurrence | None = None
        for chunk in forwards(self._patient(), max(first, self._first), self._last, self._pace):
            for occurrence in chunk:
                since = earlier.epoch if earlier else self._last_before(occurrence.epoch)
                yield occurrence.with_since(since)
                earlier = occurrence

    def until(self, last: int) -> Iterator[Occurrence]:
        """Yield what comes before an epoch, the latest first."""
        held: Occurrence | None = None
        for chunk in backwards(self._patient(), min(last, self._last), self._first, self._pace):
            for occurrence in reversed(chunk):
                if held is not None:
                    yield held.with_since(occurrence.epoch)
                held = occurrence
        if held is not None:
            yield held.with_since(self._last_before(held.epoch))

    def _last_before(self, epoch: int) -> int | None:
        """The one before, or, before the clocks began, the one that there would have been."""
        for first, bounded in ((self._first, True), (BEGINNING, False)):
            window = self._patient(bounded=bounded)
            chunk = next(backwards(window, min(epoch, END), first, self._pace), None)
            if chunk:
                return chunk[-1].epoch
        return None

    def _patient(self, *, bounded: bool = True) -> Callable[[int, int], list[Occurrence]]:
        """A window that finds nothing more once too much was left out in a row."""
        left_out = 0

        def window(first: int, last: int) -> list[Occurrence]:
            nonlocal left_out
            if left_out > _PATIENCE:
                return []
            seen, kept = self._window(first, last, bounded)
            left_out = 0 if kept else left_out + seen
            return kept

        return window

    def _window(self, first: int, last: int, bounded: bool) -> tuple[int, list[Occurrence]]:
        """How many times the clocks name, and what becomes of them in ``[first, last)``."""
        seen, found = 0, dict[int, Occurrence]()
        for clock in self._clocks:
            low, high = first - self._reach, last + self._reach
            moments = clock.bounded(low, high) if bounded else clock.moments(low, high)
            seen += len(moments)
            for moment in filter(self._keeps, moments):
                for after in self._moved(moment, clock):
                    if first <= after[0] < last:
                        found.setdefault(after[0], clock.occurrence(after))
        return seen, [found[epoch] for epoch in sorted(found)]

    def _moved(self, moment: Moment, clock: Clock) -> list[Moment]:
        moments = [moment]
        for adjustment in self._adjustments:
            moments = [
                after
                for before in moments
                for after in moved(adjustment, before, clock.zone, clock.policy)
            ]
        return moments
