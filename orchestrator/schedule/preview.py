"""What a schedule will do, and what changes of clocks do to it, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice

from orchestrator.schedule.occurrence import Occurrence
from orchestrator.schedule.schedule import Schedule
from orchestrator.schedule.wall_time import (
    DAY,
    Gap,
    Overlap,
    Policy,
    Transition,
    epoch_of,
    instant_of,
    naive,
    wall_of,
    zone_named,
)

#: So far ahead a preview looks for the next change of clocks.
_AHEAD = 400 * DAY
_BOTH = Policy(Gap.SKIP, Overlap.BOTH)


@dataclass(frozen=True)
class Change:
    """A transition of a zone that a schedule looks at.

    Args:
        timezone: The zone.
        transition: What changes when.
        lost: Local times that the schedule loses by it, with nothing in their place.
    """

    timezone: str
    transition: Transition
    lost: tuple[datetime, ...] = ()

    @property
    def note(self) -> str:
        """What happens, in words."""
        change = self.transition
        way = "forward" if change.forward else "back"
        old, new = change.old_wall, change.new_wall
        then = f"{new:%H:%M}" if old.date() == new.date() else f"{new:%a %Y-%m-%d %H:%M}"
        return f"{old:%a %Y-%m-%d %H:%M} → {then}, clocks go {way} in {self.timezone}"


@dataclass(frozen=True)
class Preview:
    """Occurrences of a schedule in order, and the changes of clocks among and after them.

    Args:
        occurrences: In order.
        changes: Those between the first and the last occurrence.
        coming: The next ones, of each zone one.
    """

    occurrences: tuple[Occurrence, ...]
    changes: tuple[Change, ...]
    coming: tuple[Change, ...]


def note_of(occurrence: Occurrence) -> str | None:
    """What a change of clocks did to an occurrence, in words; None if nothing.

    Example:
        >>> from datetime import UTC
        >>> from orchestrator.schedule.cron_clock import CronClock
        >>> clock = CronClock("30 2 * * *", timezone="America/New_York")
        >>> note_of(next(clock.occurrences(datetime(2026, 3, 8, tzinfo=UTC))))
        '02:30 does not exist on this night; runs at 03:00'
    """
    nominal, zone = occurrence.nominal, zone_named(occurrence.timezone)
    shown = naive(zone.at(occurrence.epoch)[1])
    if shown != nominal:
        same = shown.date() == nominal.date()
        then = f"{shown:%H:%M}" if same else f"{shown:%H:%M} of {shown:%Y-%m-%d}"
        which = "this night" if same else f"{nominal:%Y-%m-%d}"
        return f"{nominal:%H:%M} does not exist on {which}; runs at {then}"
    if len(zone.resolve(occurrence.wall, _BOTH)) < 2:
        return None
    return f"{nominal:%H:%M} comes twice on this night; runs the {_TIMES[occurrence.repeat]} time"


_TIMES = ("first", "second")


def coming(schedule: Schedule, number: int, after: datetime) -> Preview:
    """The next occurrences.

    Args:
        schedule: Whose.
        number: How many.
        after: Strictly after this instant.
    """
    found = list(islice(schedule.occurrences(after), number))
    return _preview(schedule, found, epoch_of(after))


def around(schedule: Schedule, day: date, number: int) -> Preview:
    """The occurrences before and after a change of clocks, or before and after a day begins.

    Args:
        schedule: Whose; the day is one of its first clock's zone.
        day: The day.
        number: How many, half of them before.
    """
    centre = instant_of(_centre(schedule, day))
    before = list(islice(schedule.before(centre), number // 2))[::-1]
    after = islice(schedule.occurrences(centre - timedelta(seconds=1)), number - len(before))
    return _preview(schedule, [*before, *after], epoch_of(centre) - DAY)


def _centre(schedule: Schedule, day: date) -> int:
    zone = zone_named(schedule.timezones[0])
    midnight = wall_of(datetime(day.year, day.month, day.day))
    # A midnight that does not exist begins at the end of its gap; a day that does not, nowhere.
    start = next((moment[0] for moment in zone.resolve(midnight)), midnight)
    changes = zone.transitions(start, start + DAY)
    return changes[0].at if changes else start


def _preview(schedule: Schedule, occurrences: list[Occurrence], after: int) -> Preview:
    first = min((one.epoch for one in occurrences), default=after)
    last = max((one.epoch for one in occurrences), default=after)
    among = [
        change
        for name in schedule.timezones
        for change in _changes(schedule, name, first, last + 1)
    ]
    later = [
        next(iter(_changes(schedule, name, last + 1, last + _AHEAD)), None)
        for name in schedule.timezones
    ]
    return Preview(tuple(occurrences), _in_order(among), _in_order(one for one in later if one))


def _changes(schedule: Schedule, name: str, first: int, last: int) -> list[Change]:
    clocks = [clock for clock in schedule.clocks if clock.timezone == name]
    return [
        Change(name, change, tuple(sorted({t for clock in clocks for t in clock.lost(change)})))
        for change in zone_named(name).transitions(first, last)
    ]


def _in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    return tuple(sorted(changes, key=lambda change: change.transition.at))
