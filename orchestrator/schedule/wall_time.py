"""Local time and UTC: the one place that turns one into the other, on zoneinfo and whole seconds.

An *epoch* is UTC in seconds since 1970-01-01, a *wall* the time that a clock on the wall shows,
in seconds since 1970-01-01 on that wall. Zones come from the tzdata package, so that all machines
agree, whatever zone files they have.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import NamedTuple

import pendulum

from orchestrator.errors import FlowError
from orchestrator.schedule.zone_data import load_zone

DAY = 86_400
#: The first and the last instant that schedules know: years 1800 to 9990.
BEGINNING, END = -5_364_662_400, 253_086_681_600
#: Offsets are looked up at this distance. Zones change at least six days apart, and lie less than
#: two days apart from one another; tests hold both against the zone files.
_STEP = 3 * DAY
_MARGIN = 2 * DAY
_BLOCK = 400 * DAY
_EPOCH = datetime(1970, 1, 1)
_AWARE = "give an aware datetime, such as datetime(2026, 3, 8, tzinfo=UTC)"

#: An epoch, the wall it stands for, and whether that wall comes the second time.
Moment = tuple[int, int, int]
#: Walls of a rule in ``[first, last)``, in order.
Walls = Callable[[int, int], Sequence[int]]


class Gap(StrEnum):
    """When something runs whose local time does not exist, because clocks went forward."""

    END = "end"  #: at the first instant after the gap
    SHIFT = "shift"  #: as late as if clocks had not changed: 02:30 runs at 03:30
    SKIP = "skip"  #: not at all


class Overlap(StrEnum):
    """When something runs whose local time comes twice, because clocks went back."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"


class Policy(NamedTuple):
    """What to do with local times that do not exist, or come twice."""

    gap: Gap = Gap.END
    overlap: Overlap = Overlap.FIRST


_USUAL = Policy()


class Transition(NamedTuple):
    """A change of a zone's offset from UTC.

    Args:
        at: When, as an epoch.
        before: Seconds east of UTC until then.
        after: Seconds east of UTC from then on.
    """

    at: int
    before: int
    after: int

    @property
    def instant(self) -> datetime:
        """When, aware and in UTC."""
        return instant_of(self.at)

    @property
    def forward(self) -> bool:
        """Whether clocks go forward, which leaves a gap."""
        return self.after > self.before

    @property
    def old_wall(self) -> datetime:
        """What clocks would show then, had they not been changed."""
        return naive(self.at + self.before)

    @property
    def new_wall(self) -> datetime:
        """What clocks show then."""
        return naive(self.at + self.after)


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Time without a transition: from ``start`` up to ``end``, and the offsets around it."""

    start: int
    end: int
    offset: int
    before: int
    after: int


class Zone:
    """A time zone: offsets, transitions, and what a wall time is in UTC.

    Args:
        name: A name of the IANA time zone database.

    Raises:
        FlowError: There is no such zone.

    Example:
        >>> new_york = zone_named("America/New_York")
        >>> [str(instant_of(epoch)) for epoch, _, _ in new_york.resolve(wall_of(datetime(2026, 3, 8, 2, 30)))]
        ['2026-03-08 07:00:00+00:00']
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._zone = load_zone(name)
        self._lock = threading.Lock()
        #: Where offsets are known, and the transitions there; replaced as a whole.
        self._known: tuple[int, int, list[Transition]] = (0, 0, [])

    def offset(self, epoch: int) -> int:
        """Seconds east of UTC at an instant."""
        shift = datetime.fromtimestamp(epoch, self._zone).utcoffset()
        assert shift is not None
        return shift.days * DAY + shift.seconds

    def local(self, epoch: int) -> pendulum.DateTime:
        """An instant as people of this zone see it."""
        return pendulum.from_timestamp(epoch, self._zone)

    def at(self, epoch: int) -> Moment:
        """What the wall shows at an instant, and whether for the second time."""
        offset = self.offset(epoch)
        wall = epoch + offset
        found = self.transitions(epoch - DAY, epoch + 1)
        again = any(t.after < t.before and t.at + t.after <= wall < t.at + t.before for t in found)
        return epoch, wall, int(again)

    def transitions(self, first: int, last: int) -> list[Transition]:
        """The changes of offset from ``first`` up to ``last``."""
        changes = self._changes(first, last)
        return [change for change in changes if first <= change.at < last]

    def resolve(self, wall: int, policy: Policy = _USUAL) -> list[Moment]:
        """What one wall time is in UTC: one moment, two in an overlap kept twice, or none."""
        only: Walls = lambda first, last: [wall] if first <= wall < last else []  # noqa: E731
        return self.moments(only, wall - _MARGIN, wall + _MARGIN, policy)

    def moments(self, walls: Walls, first: int, last: int, policy: Policy | None) -> list[Moment]:
        """When a rule about the wall comes true.

        Args:
            walls: The rule.
            first: From this epoch.
            last: Up to this one.
            policy: For times that do not exist or come twice; None follows what the wall shows,
                which leaves out the first and repeats the second.

        Returns:
            Moments in order, never two at one instant.
        """
        found: list[Moment] = []
        for stretch in self._stretches(first, last):
            found += _of_stretch(stretch, walls, first, last, policy)
        return found

    def shown(self, epochs: range) -> list[Moment]:
        """What the wall shows at evenly spaced instants."""
        if not epochs:
            return []
        found: list[Moment] = []
        for part in self._stretches(epochs[0], epochs[-1] + 1):
            again, offset = part.start + part.before, part.offset
            here = epochs[_index(epochs, part.start) : _index(epochs, part.end)]
            found += [(epoch, epoch + offset, int(epoch + offset < again)) for epoch in here]
        return found

    def _stretches(self, first: int, last: int) -> Iterator[_Stretch]:
        changes = self._changes(first - _MARGIN, last + _MARGIN)
        index = bisect_right(changes, first, key=_at)
        while True:
            last_one = changes[index - 1] if index else None
            next_one = changes[index] if index < len(changes) else None
            if last_one is not None:
                offset = last_one.after
            else:
                offset = next_one.before if next_one is not None else self.offset(first)
            yield _Stretch(
                start=last_one.at if last_one else BEGINNING - _MARGIN,
                end=next_one.at if next_one else END + _MARGIN,
                offset=offset,
                before=last_one.before if last_one else offset,
                after=next_one.after if next_one else offset,
            )
            if next_one is None or next_one.at >= last:
                return
            index += 1

    def _changes(self, first: int, last: int) -> list[Transition]:
        """All transitions known, once they are known from ``first`` up to ``last``."""
        since, until, changes = self._known
        if since <= first and last <= until:
            return changes
        with self._lock:
            since, until, changes = self._known
            if until == since:
                since = until = first
            while since > first:
                changes = self._find(since - _BLOCK, since) + changes
                since -= _BLOCK
            while until < last:
                changes = changes + self._find(until, until + _BLOCK)
                until += _BLOCK
            self._known = since, until, changes
        return changes

    def _find(self, first: int, last: int) -> list[Transition]:
        found = []
        at, offset = first, self.offset(first)
        while at < last:
            following = min(at + _STEP, last)
            changed = self.offset(following)
            if changed != offset:
                found.append(Transition(self._change(at, following, offset), offset, changed))
            at, offset = following, changed
        return found

    def _change(self, low: int, high: int, offset: int) -> int:
        """The first epoch in ``(low, high]`` at another offset than ``low``'s."""
        while high - low > 1:
            middle = (low + high) // 2
            if self.offset(middle) == offset:
                low = middle
            else:
                high = middle
        return high


def _of_stretch(
    part: _Stretch, walls: Walls, first: int, last: int, policy: Policy | None
) -> list[Moment]:
    start, end, offset = max(first, part.start), min(last, part.end), part.offset
    low, high = start + offset, end + offset
    again = part.start + part.before
    if policy is not None and policy.overlap is Overlap.FIRST:
        low = max(low, again)
    if policy is not None and policy.overlap is Overlap.SECOND:
        high = min(high, part.end + part.after)
    if low < again:
        return [(wall - offset, wall, int(wall < again)) for wall in walls(low, high)]
    found = [(wall - offset, wall, 0) for wall in walls(low, high)]
    if policy is not None and policy.gap is not Gap.SKIP and part.start + offset > again:
        late = [m for m in _late(part, walls, policy.gap) if start <= m[0] < end]
        if late:
            taken = {moment[0] for moment in found}
            found = sorted([*found, *(m for m in late if m[0] not in taken)])
    return found


def _late(part: _Stretch, walls: Walls, gap: Gap) -> list[Moment]:
    """What a gap made late. A date of which no minute was real has no night, and gives nothing."""
    low, high = part.start + part.before, part.start + part.offset
    missing = [
        wall
        for wall in walls(low, high)
        if not (low <= wall - wall % DAY and wall - wall % DAY + DAY <= high)
    ]
    if gap is Gap.END:
        return [(part.start, missing[0], 0)] if missing else []
    return [(wall - part.before, wall, 0) for wall in missing]


def _index(epochs: range, least: int) -> int:
    """Where the first of evenly spaced instants stands that is not before ``least``."""
    return max(-(-(least - epochs.start) // epochs.step), 0)


def _at(change: Transition) -> int:
    return change.at


@cache
def zone_named(name: str) -> Zone:
    """Return a zone by name; each is made once.

    Raises:
        FlowError: There is no such zone.
    """
    return Zone(name)


def transitions(timezone: str, after: datetime, until: datetime) -> list[Transition]:
    """When clocks change in a zone.

    Args:
        timezone: The zone's name.
        after: From this instant on.
        until: Up to this one.

    Example:
        >>> year = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
        >>> [str(change.old_wall) for change in transitions("Europe/Berlin", *year)]
        ['2026-03-29 02:00:00', '2026-10-25 03:00:00']
    """
    return zone_named(timezone).transitions(epoch_of(after), epoch_of(until))


def instant_of(epoch: int) -> datetime:
    """An epoch as an aware datetime in UTC."""
    return datetime.fromtimestamp(epoch, UTC)


def epoch_of(instant: datetime) -> int:
    """An aware datetime as an epoch; fractions of a second are dropped.

    Raises:
        FlowError: It has no time zone, or is no datetime.
    """
    if not isinstance(instant, datetime):
        raise FlowError(f"{instant!r} is no instant", fix=_AWARE)
    offset = instant.utcoffset()
    if offset is None:
        raise FlowError(f"{instant} has no time zone", fix=_AWARE)
    return wall_of(instant) - (offset.days * DAY + offset.seconds)


def wall_of(moment: datetime) -> int:
    """What a datetime shows, in seconds; its zone does not count."""
    clock = moment.hour * 3600 + moment.minute * 60 + moment.second
    return (moment.toordinal() - _EPOCH.toordinal()) * DAY + clock


def naive(wall: int) -> datetime:
    """A wall as a datetime without a zone."""
    return _EPOCH + timedelta(seconds=wall)


def naive_for_people(wall: int) -> pendulum.DateTime:
    """The same as pendulum's type, which functions written for Prefect 1 expect."""
    shown = naive(wall)
    return pendulum.DateTime(
        shown.year, shown.month, shown.day, shown.hour, shown.minute, shown.second
    )
