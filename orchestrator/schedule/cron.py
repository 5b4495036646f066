"""Cron expressions: text in, the walls at which they are true out."""

from __future__ import annotations

import calendar
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache

from orchestrator.errors import FlowError
from orchestrator.schedule.cron_fields import LAST_DAY, LAST_WEEKDAY, Reader
from orchestrator.schedule.wall_time import DAY

ALIASES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EPOCH = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class CronExpression:
    """A parsed cron expression.

    Args:
        text: As it was written.
        seconds: The times of a day, in seconds since its midnight.
        month_days: Days of the month, ``L`` and ``LW`` among them.
        months: Months.
        weekdays: Days of the week, 0 is Sunday.
        nth_weekdays: Pairs of a day of the week and which of the month; -1 is the last.
        either: Whether a day matches if one of the two day fields does.
        fixed: Whether neither minute nor hour begins with ``*``: a job at set times of the day.
        whole_day: Whether every hour of the day is named.
    """

    text: str
    seconds: tuple[int, ...]
    month_days: frozenset[int | str]
    months: frozenset[int]
    weekdays: frozenset[int]
    nth_weekdays: frozenset[tuple[int, int]]
    either: bool
    fixed: bool
    whole_day: bool

    @cached_property
    def _every_day(self) -> bool:
        return len(self.months) == 12 and self._all_month_days and len(self.weekdays) == 7

    @cached_property
    def _all_month_days(self) -> bool:
        return self.month_days.issuperset(range(1, 32))

    @cached_property
    def _of_month(self) -> dict[int, list[int]]:
        return {}

    @cached_property
    def pace(self) -> int:
        """About how many seconds lie between two walls."""
        days = 1.0
        if not self._every_day:
            found = len(self._days(0, 4 * 365))
            days = 4 * 365 / max(found, 1)
        return int(days * DAY / len(self.seconds)) + 1

    def walls(self, first: int, last: int) -> Sequence[int]:
        """The walls in ``[first, last)`` at which the expression is true, in order."""
        if first >= last:
            return ()
        first_day, last_day = first // DAY, (last - 1) // DAY
        days = self._days(first_day, last_day)
        return [day * DAY + second for day in days for second in self._between(day, first, last)]

    def _between(self, day: int, first: int, last: int) -> Sequence[int]:
        start, end = first - day * DAY, last - day * DAY
        if start <= 0 and end >= DAY:
            return self.seconds
        return self.seconds[bisect_left(self.seconds, start) : bisect_left(self.seconds, end)]

    def _days(self, first: int, last: int) -> Sequence[int]:
        """Matching days from ``first`` to ``last``, counted from 1970-01-01."""
        if self._every_day:
            return range(first, last + 1)
        found: list[int] = []
        for month in range(_month_of(first), _month_of(last) + 1):
            days = self._of_month.get(month)
            if days is None:
                days = self._of_month[month] = list(self._days_of_month(month))
            found += days
        return found[bisect_left(found, first) : bisect_left(found, last + 1)]

    def _days_of_month(self, month: int) -> Iterator[int]:
        year, number = month // 12, month % 12 + 1
        if number not in self.months:
            return
        first = date(year, number, 1).toordinal() - _EPOCH
        length = calendar.monthrange(year, number)[1]
        named = self._named_days(first, length)
        for day in range(1, length + 1):
            weekday = (first + day + 3) % 7
            of_month = self._all_month_days or day in named
            of_week = weekday in self.weekdays or self._is_nth(weekday, day, length)
            if (of_month or of_week) if self.either else (of_month and of_week):
                yield first + day - 1

    def _named_days(self, first: int, length: int) -> set[int | str]:
        named: set[int | str] = set(self.month_days)
        if LAST_DAY in named:
            named.add(length)
        if LAST_WEEKDAY in named:
            weekday = (first + length + 3) % 7
            named.add(length - {6: 1, 0: 2}.get(weekday, 0))
        return named

    def _is_nth(self, weekday: int, day: int, length: int) -> bool:
        if not self.nth_weekdays:
            return False
        nth = (weekday, (day - 1) // 7 + 1) in self.nth_weekdays
        return nth or (day + 7 > length and (weekday, -1) in self.nth_weekdays)


def _month_of(day: int) -> int:
    """Months since the year 0, of a day counted from 1970-01-01."""
    found = date.fromordinal(day + _EPOCH)
    return found.year * 12 + found.month - 1


@lru_cache(maxsize=4096)
def parse_cron(text: str, day_or: bool = True) -> CronExpression:
    """Read a cron expression of five fields, or an alias such as ``@daily``.

    Args:
        text: minute, hour, day of the month, month, day of the week.
        day_or: If both day fields are restricted, whether one of them is enough, as in cron itself.

    Raises:
        FlowError: It cannot be read, or is never true; says which field and why.

    Example:
        >>> parse_cron("30 2 * * mon-fri").seconds
        (9000,)
        >>> parse_cron("30 25 * * *")
        Traceback (most recent call last):
        ...
        orchestrator.errors.FlowError: the hour '25' is not 0 to 23
          where: '30 25 * * *', field 2: hour
          fix:   write 0 to 23; the fields are minute, hour, day of the month, month, day of the week
    """
    words = _words(text)
    minutes, hours = (Reader(text, number).values(words[number]) for number in (0, 1))
    month_days, _ = Reader(text, 2).days(words[2])
    months = Reader(text, 3).values(words[3])
    weekdays, nth = Reader(text, 4).days(words[4])
    starred = words[2].startswith(("*", "?")) or words[4].startswith(("*", "?"))
    found = CronExpression(
        text=text,
        seconds=tuple(h * 3600 + m * 60 for h in sorted(hours) for m in sorted(minutes)),
        month_days=month_days,
        months=frozenset(months),
        weekdays=frozenset(day % 7 for day in weekdays if isinstance(day, int)),
        nth_weekdays=nth,
        either=day_or and not starred,
        fixed=not words[0].startswith("*") and not words[1].startswith("*"),
        whole_day=len(hours) == 24,
    )
    _refuse_never(found)
    return found


def _words(text: object) -> list[str]:
    if not isinstance(text, str) or not text.strip():
        raise FlowError(
            f"{text!r} is no cron expression",
            fix="write five fields, such as '30 2 * * *': minute, hour, day of the month, month, "
            "day of the week",
        )
    stripped = text.strip().lower()
    if stripped.startswith("@"):
        if stripped not in ALIASES:
            known = ", ".join(ALIASES)
            raise FlowError(f"{text!r} is no alias of a cron expression", fix=f"there are {known}")
        stripped = ALIASES[stripped]
    words = stripped.split()
    if len(words) != 5:
        more = "; seconds and years have no field" if len(words) > 5 else ""
        raise FlowError(
            f"the cron expression {text!r} has {len(words)} fields, not five{more}",
            fix="write minute, hour, day of the month, month, day of the week: '30 2 * * *'",
        )
    return words


def _refuse_never(found: CronExpression) -> None:
    """Refuse days that no year has, such as the 30th of February."""
    lengths = {month: calendar.monthrange(2024, month)[1] for month in found.months}
    numbers = [day for day in found.month_days if isinstance(day, int)]
    possible = (
        found.either
        or len(numbers) < len(found.month_days)
        or any(day <= length for day in numbers for length in lengths.values())
    )
    if not possible:
        raise FlowError(
            f"the cron expression {found.text!r} is never true: "
            f"no such month has a day {min(numbers)}",
            where=f"{found.text!r}, fields 3 and 4",
            fix="for the last day of each month write L as the day of the month",
        )


def as_fixed(expression: CronExpression) -> str | None:
    """The same times of the day written as a fixed job; None for an alias."""
    words = expression.text.split()
    if len(words) != 5:
        return None
    minute, hour = words[0].replace("*", "0-59"), words[1].replace("*", "0-23")
    return " ".join([minute, hour, *words[2:]])
