"""Which unit is handed to the executor next: what holds most up first, while there is room."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter, defaultdict
from collections.abc import Iterator

from orchestrator.engine.driving.limits import Limiter
from orchestrator.engine.units import Unit
from orchestrator.executors.base import Executor

#: Seconds after which a driver with nothing to do looks around all the same.
_LOOK = 0.5
#: The cluster, and the affinity there.
Lane = tuple[str | None, str | None]
_Item = tuple[tuple[float, int], tuple[int, int], Unit]


class Lanes:
    """Ready units by where they run, each lane ordered by rank, and those that wait for a retry.

    Args:
        executor: Says how much of each lane can run at the same time.
        limiter: Says which units need slots, and takes them.
    """

    def __init__(self, executor: Executor, limiter: Limiter | None = None) -> None:
        self._executor, self._limiter = executor, limiter or Limiter()
        self._limited: dict[tuple[Lane, tuple[str, ...]], list[_Item]] = {}
        self._ready: dict[Lane, list[_Item]] = defaultdict(list)
        self._retries: list[tuple[float, int, Unit]] = []
        self._in_flight: Counter[Lane] = Counter()
        self._numbers = itertools.count()

    def add(self, unit: Unit) -> None:
        """Queue a unit whose upstream has ended."""
        # Elements in their order, also those that were handed over before and came back.
        item = (unit.rank, (unit.element or 0, next(self._numbers)), unit)
        names = self._limiter.names(unit)
        if names:
            heapq.heappush(self._limited.setdefault((unit.planned.lane, names), []), item)
        else:
            heapq.heappush(self._ready[unit.planned.lane], item)

    def add_later(self, unit: Unit, seconds: float) -> None:
        """Queue a unit after a wait, which takes no room."""
        heapq.heappush(self._retries, (time.monotonic() + seconds, next(self._numbers), unit))

    def take(self) -> Iterator[tuple[Unit, int]]:
        """Yield each unit there is room for, with how many could be handed over in its turn.

        It counts as in flight until :meth:`ended`; whoever takes it may take more from its lane,
        which then travel with it.
        """
        now = time.monotonic()
        while self._retries and self._retries[0][0] <= now:
            self.add(heapq.heappop(self._retries)[2])
        yield from self._with_slots()
        for where, lane in list(self._ready.items()):
            room = self._room(where) if lane else 0
            while lane and self._in_flight[where] < room:
                free = room - self._in_flight[where]
                self._in_flight[where] += 1
                share = -(-len(lane) // free)
                yield heapq.heappop(lane)[2], share

    def _with_slots(self) -> Iterator[tuple[Unit, int]]:
        """Yield units that a limit concerns, each alone, as far as there are slots for them."""
        for (where, _), lane in list(self._limited.items()):
            room = self._room(where) if lane else 0
            while lane and self._in_flight[where] < room and self._limiter.take(lane[0][2]):
                self._in_flight[where] += 1
                yield heapq.heappop(lane)[2], 1

    def _room(self, where: Lane) -> int:
        cluster, affinity = where
        return self._executor.capacity(affinity, cluster)

    def limited(self, unit: Unit) -> bool:
        """Whether a unit has to take slots before it is handed over."""
        return bool(self._limiter.names(unit))

    def next_of(self, where: Lane) -> Unit | None:
        """The unit of a lane whose turn is next."""
        lane = self._ready[where]
        return lane[0][2] if lane else None

    def take_next(self, where: Lane) -> Unit:
        """Take that unit."""
        return heapq.heappop(self._ready[where])[2]

    def ended(self, where: Lane) -> None:
        """Give the room of a bundle back."""
        self._in_flight[where] -= 1

    def patience(self) -> float:
        """Seconds until a retry is due, or something must be looked at without being told."""
        longest = min(_LOOK, self._limiter.patience())
        if not self._retries:
            return longest
        return max(0.0, min(longest, self._retries[0][0] - time.monotonic()))

    def drop(self, unit: Unit) -> None:
        """Forget a unit that waits, if it does."""
        for lane in (*self._ready.values(), *self._limited.values()):
            lane[:] = [item for item in lane if item[2] is not unit]
            heapq.heapify(lane)
        self._retries = [item for item in self._retries if item[2] is not unit]
        heapq.heapify(self._retries)

    def clear(self) -> list[Unit]:
        """Empty the lanes; returns what waited in them."""
        lanes = (*self._ready.values(), *self._limited.values())
        waiting = [unit for lane in lanes for _, _, unit in lane]
        waiting += [unit for _, _, unit in self._retries]
        self._ready.clear()
        self._limited.clear()
        self._retries.clear()
        return waiting
