"""Schedules read and walked once for all deployments that say the same."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any
from weakref import WeakValueDictionary

from orchestrator.schedule import Occurrence, Schedule
from orchestrator.schedule.wall_time import epoch_of, instant_of
from orchestrator.service.scheduler.policies import Policies

#: So many occurrences are settled one by one; of more, those between the first and the newest are
#: left out.
MOST = 10_000


class Timetable:
    """A schedule as a deployment says it, and the last answers about it.

    Args:
        shape: Its JSON object.

    Raises:
        FlowError: Its clocks cannot be read.
    """

    def __init__(self, shape: Mapping[str, Any]) -> None:
        self.schedule = Schedule.from_dict(shape)
        self._shape = shape
        self._known: tuple[int, int | None] | None = None
        self._asked: tuple[int, int] | None = None
        self._due: tuple[Occurrence, ...] = ()

    @cached_property
    def policies(self) -> Policies:
        """What it says besides.

        Raises:
            FlowError: It cannot be read.
        """
        return Policies.from_dict(self._shape)

    def first(self, after: datetime) -> int | None:
        """Return the epoch of the first occurrence after an instant, if there is one."""
        at = epoch_of(after)
        if self._known is not None:
            since, coming = self._known
            if since <= at and (coming is None or at < coming):
                return coming
        found = next(iter(self.schedule.occurrences(after)), None)
        self._known = at, None if found is None else found.epoch
        return self._known[1]

    def due(self, first: int, now: datetime) -> tuple[Occurrence, ...]:
        """Return the occurrences from one on, up to and including an instant, in order.

        Args:
            first: Its epoch.
            now: The instant (aware).
        """
        asked = first, epoch_of(now)
        if asked != self._asked:
            self._due = self._walk(instant_of(first - 1), now)
            self._asked = asked
        return self._due

    def _walk(self, after: datetime, now: datetime) -> tuple[Occurrence, ...]:
        """What is due; of more than ``MOST`` the first and the newest.

        So a schedule that nobody served for a year does not stop the others.
        """
        last, found = epoch_of(now), list[Occurrence]()
        for one in islice(self.schedule.occurrences(after), MOST + 1):
            if one.epoch > last:
                self._known = last, one.epoch
                return tuple(found)
            found.append(one)
        if len(found) <= MOST:
            self._known = last, None
            return tuple(found)
        newest = list(islice(self.schedule.before(now + timedelta(seconds=1)), MOST - 1))
        return (found[0], *reversed([one for one in newest if one.epoch <= last]))


class Timetables:
    """Every schedule that is watched, by what it says."""

    def __init__(self) -> None:
        self._known: WeakValueDictionary[str, Timetable] = WeakValueDictionary()

    def of(self, shape: Mapping[str, Any]) -> Timetable:
        """Return the timetable of a schedule; two that say the same have one.

        Raises:
            FlowError: Its clocks cannot be read.
        """
        text = json.dumps(shape)
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = Timetable(shape)
        return found
