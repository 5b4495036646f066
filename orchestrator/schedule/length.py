"""Lengths of time: calendar parts that follow the wall, clock parts that elapse."""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import date, timedelta

import pendulum

from orchestrator.errors import FlowError
from orchestrator.schedule.wall_time import DAY

_ISO = re.compile(
    r"P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+)S)?)?",
    re.ASCII,
)
_EPOCH = date(1970, 1, 1).toordinal()
_LONGEST = 100 * 366 * DAY
_FIX = "write 'P1D' for a day of the calendar, 'PT24H' for 24 hours that elapse"


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time.

    Args:
        months: Months of the calendar.
        days: Days of the calendar.
        seconds: Seconds that elapse.
    """

    months: int = 0
    days: int = 0
    seconds: int = 0

    @property
    def on_the_wall(self) -> bool:
        """Whether it follows the calendar, whatever clocks do meanwhile."""
        return bool(self.months or self.days)

    @property
    def about(self) -> int:
        """About how many seconds it takes."""
        return self.months * 2_629_746 + self.days * DAY + self.seconds

    def after(self, wall: int, times: int = 1) -> int:
        """The wall that lies so many times this length after another."""
        day, second = divmod(wall, DAY)
        if self.months:
            start = date.fromordinal(day + _EPOCH)
            year, month = divmod(start.year * 12 + start.month - 1 + times * self.months, 12)
            if not 1 <= year <= 9999:  # no date has it; whoever asks looks nowhere near
                return wall + times * self.about
            last = calendar.monthrange(year, month + 1)[1]
            day = date(year, month + 1, min(start.day, last)).toordinal() - _EPOCH
        return (day + times * self.days) * DAY + second

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        hours, rest = divmod(self.seconds, 3600)
        parts = ((years, "Y"), (months, "M"), (self.days, "D"))
        clock = ((hours, "H"), (rest // 60, "M"), (rest % 60, "S"))
        calendar_part = "".join(f"{n}{unit}" for n, unit in parts if n)
        clock_part = "".join(f"{n}{unit}" for n, unit in clock if n)
        return f"P{calendar_part}" + (f"T{clock_part}" if clock_part else "")


def length_of(given: object) -> Length:
    """Read a length: ISO 8601 text, a pendulum duration or a timedelta.

    A timedelta of whole days is days of the calendar: ``timedelta(hours=24)`` is the same object as
    ``timedelta(days=1)``; only text can say that 24 hours elapse.

    Raises:
        FlowError: It is not positive, not whole seconds, or mixes calendar and clock parts.

    Example:
        >>> length_of("P1D"), length_of("PT24H")
        (Length(months=0, days=1, seconds=0), Length(months=0, days=0, seconds=86400))
    """
    if isinstance(given, str):
        found = _of_text(given)
    elif isinstance(given, timedelta):
        found = _of_timedelta(given)
    else:
        raise FlowError(f"the interval {given!r} is no length of time", fix=_FIX)
    if found.about <= 0:
        raise FlowError(f"the interval {given!s} is not longer than nothing", fix=_FIX)
    if found.about > _LONGEST:
        raise FlowError(f"the interval {given!s} is longer than a hundred years", fix=_FIX)
    if found.on_the_wall and found.seconds:
        elapses = (
            f"{str(Length(seconds=found.about))!r} if all of it elapses, or "
            if not found.months
            else ""
        )
        raise FlowError(
            f"the interval {given!s} mixes days of the calendar with hours that elapse",
            fix=f"write {elapses}two clocks",
        )
    return found


def _of_text(text: str) -> Length:
    match = _ISO.fullmatch(text.strip().upper())
    if match is None or not any(match.groupdict().values()):
        raise FlowError(f"the interval {text!r} is no ISO 8601 duration of whole parts", fix=_FIX)
    n = {name: int(value or 0) for name, value in match.groupdict().items()}
    return Length(
        n["years"] * 12 + n["months"],
        n["weeks"] * 7 + n["days"],
        n["hours"] * 3600 + n["minutes"] * 60 + n["seconds"],
    )


def _of_timedelta(given: timedelta) -> Length:
    if given.microseconds:
        raise FlowError(f"the interval {given!s} is not of whole seconds", fix=_FIX)
    years, months = 0, 0
    if isinstance(given, pendulum.Duration) and not isinstance(given, pendulum.Interval):
        years, months = given.years, given.months
    total = round(given.total_seconds())
    days, seconds = divmod(total - (years * 365 + months * 30) * DAY, DAY)
    return Length(years * 12 + months, days, seconds)
