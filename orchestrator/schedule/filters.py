"""Filters: which of the times that clocks name are kept, by the local time they stand for.

A filter can be called with a datetime. Any function of a datetime may stand in for one; it gets the
nominal local time without a zone, and a schedule with such a function cannot be stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.schedule.clock import written
from orchestrator.schedule.holidays import Dates, dates_of
from orchestrator.schedule.wall_time import DAY, Moment, instant_of, naive, naive_for_people

_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")


class Looks(Enum):
    """What a filter looks at; what it says of the same is the same, and asked once."""

    DATE = "date"
    TIME = "time"
    WALL = "wall"
    INSTANT = "instant"


@dataclass(frozen=True)
class Filter:
    """A named test that can be stored.

    Args:
        name: The function or constant of this module that makes it.
        arguments: What that function got, as JSON.
        test: The test itself: of a local time without a zone, or of an instant in UTC.
        looks: What of it counts.
    """

    name: str
    arguments: Mapping[str, Any]
    test: Callable[[datetime], bool] = field(compare=False, repr=False)
    looks: Looks = field(default=Looks.DATE, compare=False, repr=False)
    _said: dict[int, bool] = field(default_factory=dict, compare=False, repr=False, init=False)

    def __call__(self, moment: datetime) -> bool:
        return self.test(moment)

    def keeps(self, moment: Moment) -> bool:
        """Whether a moment passes."""
        if self.looks is Looks.WALL:
            return self.test(naive(moment[1]))
        if self.looks is Looks.INSTANT:
            return self.test(instant_of(moment[0]))
        key = moment[1] // DAY if self.looks is Looks.DATE else moment[1] % DAY
        said = self._said.get(key)
        if said is None:
            said = self._said[key] = self.test(naive(moment[1]))
        return said

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"filter": self.name, **self.arguments}

    def __reduce__(self) -> tuple[Any, ...]:
        return filter_from_dict, (self.to_dict(),)


def keeps(test: Callable[[datetime], bool], moment: Moment) -> bool:
    """Whether a filter, or a function that stands in for one, keeps a moment."""
    if isinstance(test, Filter):
        return test.keeps(moment)
    return bool(test(naive_for_people(moment[1])))


def _weekday(moment: datetime) -> int:
    """The day of the week, 0 is Sunday."""
    return moment.isoweekday() % 7


is_weekday = Filter("is_weekday", {}, lambda moment: moment.weekday() < 5)
is_weekend = Filter("is_weekend", {}, lambda moment: moment.weekday() >= 5)
is_month_start = Filter("is_month_start", {}, lambda moment: moment.day == 1)
is_month_end = Filter("is_month_end", {}, lambda moment: (moment + timedelta(days=1)).day == 1)


def on_datetime(dt: datetime | str) -> Filter:
    """Keep one time.

    Args:
        dt: An instant, if aware; else a local time.
    """
    only = _datetime(dt)
    return Filter("on_datetime", {"dt": written(only)}, lambda moment: moment == only, _looks(only))


def between_datetimes(start: datetime | str, end: datetime | str) -> Filter:
    """Keep what lies between two times, these included.

    Args:
        start: An instant, if aware; else a local time.
        end: The same.
    """
    first, last = _datetime(start), _datetime(end)
    if _aware(first) != _aware(last):
        raise FlowError(f"of {first} and {last}, one has a time zone and one has none")
    arguments = {"start": written(first), "end": written(last)}
    test: Callable[[datetime], bool] = lambda moment: first <= moment <= last  # noqa: E731
    return Filter("between_datetimes", arguments, test, _looks(first))


def on_date(month: int, day: int) -> Filter:
    """Keep one date of every year.

    Example:
        >>> on_date(12, 24)(datetime(2026, 12, 24, 18))
        True
    """
    _check_dates((month, day))
    return Filter(
        "on_date",
        {"month": month, "day": day},
        lambda moment: (moment.month, moment.day) == (month, day),
    )


def between_dates(start_month: int, start_day: int, end_month: int, end_day: int) -> Filter:
    """Keep the dates of every year from one to another, across New Year if the end comes first.

    Example:
        >>> between_dates(10, 15, 3, 31)(datetime(2026, 1, 1))
        True
    """
    first, last = (start_month, start_day), (end_month, end_day)
    _check_dates(first, last)
    arguments = dict(
        zip(("start_month", "start_day", "end_month", "end_day"), (*first, *last), strict=True)
    )
    return Filter(
        "between_dates",
        arguments,
        lambda moment: _between(first, (moment.month, moment.day), last),
    )


def at_time(t: time | str) -> Filter:
    """Keep one time of the day, such as ``time(4)`` or ``"04:00"``."""
    only = _time(t)
    return Filter(
        "at_time", {"t": only.isoformat()}, lambda moment: moment.time() == only, Looks.TIME
    )


def between_times(start: time | str, end: time | str) -> Filter:
    """Keep the times of day from one to another, across midnight if the end comes first.

    Example:
        >>> between_times("22:00", "06:00")(datetime(2026, 1, 1, 23, 30))
        True
    """
    first, last = _time(start), _time(end)
    return Filter(
        "between_times",
        {"start": first.isoformat(), "end": last.isoformat()},
        lambda moment: _between(first, moment.time(), last),
        Looks.TIME,
    )


def is_day_of_week(day_of_week: int | str) -> Filter:
    """Keep one day of the week: 0 is Sunday, 6 is Saturday, or its English name."""
    given = day_of_week
    named = isinstance(given, str) and given.lower() in _WEEKDAYS
    number = _WEEKDAYS.index(str(given).lower()) if named else given
    if not isinstance(number, int) or not 0 <= number <= 6:
        raise FlowError(f"{given!r} is no day of the week", fix="give 0 (Sunday) to 6, or 'monday'")
    return Filter(
        "is_day_of_week", {"day_of_week": number}, lambda moment: _weekday(moment) == number
    )


def on_dates(dates: Dates) -> Filter:
    """Keep what falls on dates of a calendar.

    Args:
        dates: Dates, ISO texts of dates, or a file of them: one date a line, ``#`` begins a remark.
            A file is read now, and its dates are stored with the schedule.
    """
    days = dates_of(dates)
    return Filter("on_dates", {"dates": _written(days)}, lambda moment: _date(moment) in days)


def is_business_day(holidays: Dates = ()) -> Filter:
    """Keep Mondays to Fridays that are no holidays.

    Args:
        holidays: As the dates of :func:`on_dates`.

    Example:
        >>> is_business_day(["2026-12-25"])(datetime(2026, 12, 25, 9))
        False
    """
    days = dates_of(holidays)
    return Filter(
        "is_business_day",
        {"holidays": _written(days)},
        lambda moment: moment.weekday() < 5 and _date(moment) not in days,
    )


def is_business_month_end(holidays: Dates = ()) -> Filter:
    """Keep the last business day of each month."""
    days = dates_of(holidays)

    def test(moment: datetime) -> bool:
        rest = [_date(moment) + timedelta(days=more) for more in range(31)]
        open_days = [
            day for day in rest
            if day.month == moment.month and day.weekday() < 5 and day not in days
        ]  # fmt: skip
        return open_days == rest[:1]

    return Filter("is_business_month_end", {"holidays": _written(days)}, test)


_MADE_BY: dict[str, Filter | Callable[..., Filter]] = {
    **{one.name: one for one in (is_weekday, is_weekend, is_month_start, is_month_end)},
    **{
        maker.__name__: maker
        for maker in (
            on_datetime, between_datetimes, on_date, between_dates, at_time, between_times,
            is_day_of_week, on_dates, is_business_day, is_business_month_end,
        )
    },
}  # fmt: skip


def filter_from_dict(shape: Mapping[str, Any]) -> Filter:
    """Make the filter that ``to_dict()`` described.

    Raises:
        FlowError: There is no such filter.
    """
    arguments = {name: value for name, value in shape.items() if name != "filter"}
    maker = _MADE_BY.get(shape.get("filter", ""))
    if maker is None:
        raise FlowError(
            f"there is no filter {shape.get('filter')!r}", fix=f"there are {', '.join(_MADE_BY)}"
        )
    return maker if isinstance(maker, Filter) else maker(**arguments)


def _datetime(given: object) -> datetime:
    try:
        return given if isinstance(given, datetime) else datetime.fromisoformat(str(given))
    except ValueError:
        raise FlowError(f"{given!r} is no time", fix="write it as 2026-12-24T18:00") from None


def _time(given: object) -> time:
    try:
        return given if isinstance(given, time) else time.fromisoformat(str(given))
    except ValueError:
        raise FlowError(f"{given!r} is no time of day", fix="write it as 09:30") from None


def _check_dates(*given: tuple[int, int]) -> None:
    for month, day in given:
        try:
            date(2024, month, day)
        except (ValueError, TypeError):
            raise FlowError(
                f"no year has a month {month!r} with a day {day!r}", fix="give month, then day"
            ) from None


def _between(first: Any, middle: Any, last: Any) -> bool:
    if first <= last:
        return bool(first <= middle <= last)
    return bool(middle >= first or middle <= last)


def _aware(moment: datetime) -> bool:
    return moment.tzinfo is not None


def _looks(given: datetime) -> Looks:
    return Looks.INSTANT if _aware(given) else Looks.WALL


def _date(moment: datetime) -> date:
    return date(moment.year, moment.month, moment.day)


def _written(days: Iterable[date]) -> list[str]:
    return [day.isoformat() for day in sorted(days)]
