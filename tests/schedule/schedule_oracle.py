"""The rules for odd nights, counted out minute by minute through UTC; shares no code with what is tested.

Zones are read by the standard library from the tzdata package. Only the default policy is counted
out: at the end of a gap, the first of an overlap; wildcard jobs follow real minutes.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE, DAY = 60, 86_400
_EPOCH = datetime(1970, 1, 1)


@dataclass(frozen=True)
class Job:
    """A cron expression and, written out by hand, what it means."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    wildcard: bool = False
    weekdays: frozenset[int] = frozenset(range(7))  #: Monday is 0

    @property
    def nightly(self) -> bool:
        """Whether it is due once on every local date."""
        return len(self.minutes) == len(self.hours) == 1 and len(self.weekdays) == 7

    def matches(self, wall: int) -> bool:
        """Whether the wall shows a time of this job."""
        shown = _EPOCH + timedelta(seconds=wall)
        return (
            shown.minute in self.minutes
            and shown.hour in self.hours
            and shown.weekday() in self.weekdays
        )

    @property
    def times(self) -> list[int]:
        """Its times of day, in seconds."""
        return [hour * 3600 + minute * 60 for hour in self.hours for minute in self.minutes]


def _at(hour: int, minute: int, **more: object) -> Job:
    return Job(f"{minute} {hour} * * *", frozenset({minute}), frozenset({hour}), **more)  # type: ignore[arg-type]


_EVERY, _QUARTERS = frozenset(range(24)), frozenset({0, 15, 30, 45})
JOBS = (
    _at(0, 0),
    _at(0, 30),
    _at(1, 30),
    _at(2, 0),
    _at(2, 30),
    _at(23, 30),
    Job("0,30 1,2,3 * * *", frozenset({0, 30}), frozenset({1, 2, 3})),
    Job("30 2 * * 0", frozenset({30}), frozenset({2}), weekdays=frozenset({6})),
    Job("*/15 * * * *", _QUARTERS, _EVERY, wildcard=True),
    Job("0 * * * *", frozenset({0}), _EVERY, wildcard=True),
    Job("0 */2 * * *", frozenset({0}), frozenset(range(0, 24, 2)), wildcard=True),
    Job("*/15 2 * * *", _QUARTERS, frozenset({2}), wildcard=True),
)


@cache
def zone(name: str) -> ZoneInfo:
    """A zone of the tzdata package."""
    path = importlib.resources.files("tzdata.zoneinfo").joinpath(*name.split("/"))
    with path.open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


@cache
def zone_names() -> tuple[str, ...]:
    """One name of each set of zones that are the same."""
    root = importlib.resources.files("tzdata")
    by_content: dict[bytes, str] = {}
    for name in sorted(root.joinpath("zones").read_text().split()):
        content = root.joinpath("zoneinfo", *name.split("/")).read_bytes()
        by_content.setdefault(content, name)
    return tuple(by_content.values())


def offset(name: str, epoch: int) -> int:
    """Seconds east of UTC."""
    shift = datetime.fromtimestamp(epoch, zone(name)).utcoffset()
    assert shift is not None
    return round(shift.total_seconds())


def changes(name: str, first_year: int, last_year: int) -> Iterator[int]:
    """The epochs at which a zone's offset changes, found hour by hour, then minute by minute."""
    start = int(datetime(first_year, 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(last_year + 1, 1, 1, tzinfo=UTC).timestamp())
    before = offset(name, start)
    for hour in range(start + 3600, end, 3600):
        after = offset(name, hour)
        if after != before:
            minutes = range(hour - 3600 + MINUTE, hour + MINUTE, MINUTE)
            yield next(minute for minute in minutes if offset(name, minute) != before)
        before = after


class Nights:
    """The minutes around one instant: what the wall showed at each.

    Args:
        name: The zone.
        first: From this epoch.
        last: Up to this one.
    """

    def __init__(self, name: str, first: int, last: int) -> None:
        self.first, self.last = first, last
        #: Each minute and what the wall showed, by time of day, from a day before to a day after.
        self.by_time: dict[int, list[tuple[int, int]]] = {}
        #: A wall that was not reached, and the minute that came instead.
        self.missing: list[tuple[int, int]] = []
        self._inner, self._outer, self.dates = set[int](), set[int](), set[int]()
        self._read(name)

    def _read(self, name: str) -> None:
        previous = None
        for t in range(self.first - DAY, self.last + DAY, MINUTE):
            wall = t + offset(name, t)
            self.by_time.setdefault(wall % DAY, []).append((t, wall))
            (self._inner if self.first <= t < self.last else self._outer).add(wall // DAY)
            if previous is not None and wall > previous + MINUTE:
                self.missing += [(lost, t) for lost in range(previous + MINUTE, wall, MINUTE)]
            previous = wall
        self.dates = self._inner | self._outer

    def instants(self, job: Job) -> list[int]:
        """When the job is due from ``first`` up to ``last``."""
        due = self._shown(job) if job.wildcard else self._once(job)
        return sorted(t for t in due if self.first <= t < self.last)

    def nights(self) -> set[date]:
        """The local dates of which some minute was real, and which lie wholly within."""
        return {(_EPOCH + timedelta(days=day)).date() for day in self._inner - self._outer}

    def _shown(self, job: Job) -> set[int]:
        """The minutes at which the wall shows a time of the job."""
        found = (pair for time in job.times for pair in self.by_time.get(time, []))
        return {t for t, wall in found if job.matches(wall)}

    def _once(self, job: Job) -> set[int]:
        """The first such minute for each local time; for one that never came, what came instead."""
        first: dict[int, int] = {}
        for time in job.times:
            for t, wall in self.by_time.get(time, []):
                if job.matches(wall):
                    first.setdefault(wall, t)
        for wall, t in self.missing:
            if job.matches(wall) and wall // DAY in self.dates:
                first[wall] = t
        return set(first.values())
