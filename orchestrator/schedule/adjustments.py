"""Adjustments: where times that passed the filters are moved to.

Any function from a datetime to a datetime may stand in for one. It gets the nominal local time
without a zone; what it returns is local again, or an instant if it is aware. A schedule with such a
function cannot be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.schedule.holidays import Dates, dates_of
from orchestrator.schedule.length import Length, length_of
from orchestrator.schedule.wall_time import (
    DAY,
    Moment,
    Policy,
    Zone,
    epoch_of,
    naive,
    naive_for_people,
    wall_of,
    zone_named,
)

#: No adjustment moves anything by more seconds: schedules look around what is asked for.
REACH = 45 * DAY
_EPOCH = date(1970, 1, 1).toordinal()
Move = Callable[[Moment, Zone, Policy], list[Moment]]


@dataclass(frozen=True)
class Adjustment:
    """A named move that can be stored.

    Args:
        name: The function or constant of this module that makes it.
        arguments: What that function got, as JSON.
        move: Where a moment goes; nowhere, if its new local time is skipped in a gap.
        reach: Nothing is moved by more seconds.
    """

    name: str
    arguments: Mapping[str, Any]
    move: Move = field(compare=False, repr=False)
    reach: int = field(default=REACH, compare=False, repr=False)

    def __call__(self, moment: datetime) -> datetime:
        """Where a datetime goes: aware ones stay in their zone, naive ones naive."""
        name = getattr(moment.tzinfo, "key", None) or "UTC"
        zone = zone_named(name)
        if moment.tzinfo is None:
            (found,) = self.move(zone.at(wall_of(moment)), zone, Policy())
            return naive(found[1])
        (found,) = self.move(zone.at(epoch_of(moment)), zone, Policy())
        return zone.local(found[0])

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"adjustment": self.name, **self.arguments}

    def __reduce__(self) -> tuple[Any, ...]:
        return adjustment_from_dict, (self.to_dict(),)


def add(interval: str | timedelta) -> Adjustment:
    """Move by a length of time: days by the wall, hours as they elapse.

    Args:
        interval: As of an interval clock: ``"P1D"``, ``"PT6H"``, a duration, a timedelta.

    Example:
        >>> add("P1D")(datetime(2026, 3, 7, 2, 30)).isoformat()
        '2026-03-08T02:30:00'
    """
    length, times = _signed(interval)
    if length.about > REACH:
        raise FlowError(f"an adjustment by {length} is too long", fix="move by at most 45 days")

    def move(moment: Moment, zone: Zone, policy: Policy) -> list[Moment]:
        if length.on_the_wall:
            return zone.resolve(length.after(moment[1], times), policy)
        return [zone.at(moment[0] + times * length.seconds)]

    text = f"{'-' if times < 0 else ''}{length}"
    return Adjustment("add", {"interval": text}, move, length.about + 4 * DAY)


def _signed(interval: str | timedelta) -> tuple[Length, int]:
    if isinstance(interval, timedelta) and interval < timedelta():
        return length_of(-interval), -1
    if isinstance(interval, str) and interval.startswith("-"):
        return length_of(interval[1:]), -1
    return length_of(interval), 1


def _to_next(is_open: Callable[[date], bool]) -> Move:
    """Move to the same local time of the next open day, if the day is not open itself."""

    def move(moment: Moment, zone: Zone, policy: Policy) -> list[Moment]:
        day = moment[1] // DAY
        for later in range(REACH // DAY):
            if is_open(date.fromordinal(day + later + _EPOCH)):
                return zone.resolve(moment[1] + later * DAY, policy) if later else [moment]
        raise FlowError(
            f"no day is open in the 45 days after {naive(moment[1]):%Y-%m-%d}",
            fix="look at the calendar of holidays",
        )

    return move


next_weekday = Adjustment("next_weekday", {}, _to_next(lambda day: day.weekday() < 5), 4 * DAY)


def next_business_day(holidays: Dates = ()) -> Adjustment:
    """Move to the next day that is a Monday to Friday and no holiday, at the same local time.

    Args:
        holidays: Dates, ISO texts, or a file of them, as filters take them.
    """
    days = dates_of(holidays)
    return Adjustment(
        "next_business_day",
        {"holidays": [day.isoformat() for day in sorted(days)]},
        _to_next(lambda day: day.weekday() < 5 and day not in days),
    )


def moved(
    adjustment: Callable[[datetime], datetime], moment: Moment, zone: Zone, policy: Policy
) -> list[Moment]:
    """Where an adjustment, or a function that stands in for one, moves a moment."""
    if isinstance(adjustment, Adjustment):
        return adjustment.move(moment, zone, policy)
    result = adjustment(naive_for_people(moment[1]))
    if not isinstance(result, datetime):
        raise FlowError(
            f"the adjustment {adjustment!r} returned {result!r}", fix="return a datetime"
        )
    if result.tzinfo is not None:
        found = [zone.at(epoch_of(result))]
    else:
        found = zone.resolve(wall_of(result), policy)
    if any(abs(one[0] - moment[0]) > REACH for one in found):
        raise FlowError(
            f"the adjustment {adjustment!r} moved {naive(moment[1])} to {result}",
            fix="move by at most 45 days",
        )
    return found


_MADE_BY: dict[str, Adjustment | Callable[..., Adjustment]] = {
    "next_weekday": next_weekday,
    "add": add,
    "next_business_day": next_business_day,
}


def adjustment_from_dict(shape: Mapping[str, Any]) -> Adjustment:
    """Make the adjustment that ``to_dict()`` described.

    Raises:
        FlowError: There is no such adjustment.
    """
    arguments = {name: value for name, value in shape.items() if name != "adjustment"}
    maker = _MADE_BY.get(shape.get("adjustment", ""))
    if maker is None:
        raise FlowError(
            f"there is no adjustment {shape.get('adjustment')!r}",
            fix=f"there are {', '.join(_MADE_BY)}",
        )
    return maker if isinstance(maker, Adjustment) else maker(**arguments)
