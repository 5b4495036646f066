"""Which unit is handed to the executor next: what holds most up first, while there is room."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from orchestrator.engine.units import Unit
from orchestrator.executors.base import Executor

#: Seconds after which a driver with nothing to do looks around all the same.
_LOOK = 0.5


class Lanes:
    """Ready units by affinity, each lane ordered by priority, and those that wait for a retry.

    Args:
        executor: Says how much of each affinity can run at the same time.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._ready: dict[str | None, list[tuple[float, int, Unit]]] = defaultdict(list)
        self._retries: list[tuple[float, int, Unit]] = []
        self._in_flight: Counter[str | None] = Counter()
        self._numbers = itertools.count()

    def add(self, unit: Unit) -> None:
        """Queue a unit whose upstream has ended."""
        item = (-unit.priority, next(self._numbers), unit)
        heapq.heappush(self._ready[unit.planned.affinity], item)

    def add_later(self, unit: Unit, seconds: float) -> None:
        """Queue a unit after a wait, which takes no room."""
        heapq.heappush(self._retries, (time.monotonic() + seconds, next(self._numbers), unit))

    def take(self) -> Iterator[Unit]:
        """Yield each unit there is room for; it counts as in flight until :meth:`ended`."""
        now = time.monotonic()
        while self._retries and self._retries[0][0] <= now:
            self.add(heapq.heappop(self._retries)[2])
        for affinity, lane in list(self._ready.items()):
            room = self._executor.capacity(affinity) if lane else 0
            while lane and self._in_flight[affinity] < room:
                self._in_flight[affinity] += 1
                yield heapq.heappop(lane)[2]

    def ended(self, affinity: str | None) -> None:
        """Give the room of a unit back."""
        self._in_flight[affinity] -= 1

    def patience(self) -> float:
        """Seconds until a retry is due, or something must be looked at without being told."""
        if not self._retries:
            return _LOOK
        return max(0.0, min(_LOOK, self._retries[0][0] - time.monotonic()))

    def clear(self) -> list[Unit]:
        """Empty the lanes; returns what waited in them."""
        waiting = [unit for lane in self._ready.values() for _, _, unit in lane]
        waiting += [unit for _, _, unit in self._retries]
        self._ready.clear()
        self._retries.clear()
        return waiting
