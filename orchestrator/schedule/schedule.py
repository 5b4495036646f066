"""Schedules: the times of several clocks, filtered, adjusted and merged."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.schedule.adjustments import Adjustment, adjustment_from_dict
from orchestrator.schedule.clock import Clock, epoch_after, epoch_from
from orchestrator.schedule.clocks import (
    CronClock,
    DatesClock,
    IntervalClock,
    RRuleClock,
    clock_from_dict,
)
from orchestrator.schedule.filters import Filter, filter_from_dict, keeps
from orchestrator.schedule.group import Group
from orchestrator.schedule.occurrence import Occurrence
from orchestrator.schedule.wall_time import Moment

Test = Callable[[datetime], bool]
Move = Callable[[datetime], datetime]


class Schedule:
    """When a flow runs by itself.

    The times of all clocks are filtered by the local time they stand for, then adjusted, then
    merged in order. Two clocks that name one instant give one run, unless their parameters or
    labels differ. The data interval of an occurrence begins at the one before it that had the same
    parameters and labels, so that what a filter leaves out is not lost.

    Args:
        clocks: One or several.
        filters: All of them must pass.
        or_filters: One of them must pass.
        not_filters: None of them may pass.
        adjustments: Applied one after the other to what passed.

    Raises:
        FlowError: There is no clock, or something in a list does not belong there.

    Example:
        >>> from datetime import UTC
        >>> from orchestrator.schedule.filters import is_weekday
        >>> schedule = Schedule([CronClock("0 6 * * *", timezone="Europe/Berlin")], filters=[is_weekday])
        >>> [str(due) for due in schedule.next(2, after=datetime(2026, 10, 23, 12, tzinfo=UTC))]
        ['2026-10-26 06:00:00+01:00', '2026-10-27 06:00:00+01:00']
    """

    def __init__(
        self,
        clocks: Iterable[Clock] | Clock,
        filters: Iterable[Test] | None = None,
        or_filters: Iterable[Test] | None = None,
        not_filters: Iterable[Test] | None = None,
        adjustments: Iterable[Move] | None = None,
    ) -> None:
        self.clocks = (clocks,) if isinstance(clocks, Clock) else tuple(clocks)
        self.filters = _callables(filters, "filters")
        self.or_filters = _callables(or_filters, "or_filters")
        self.not_filters = _callables(not_filters, "not_filters")
        self.adjustments = _callables(adjustments, "adjustments")
        if not self.clocks or not all(isinstance(clock, Clock) for clock in self.clocks):
            raise FlowError(
                f"the clocks of a schedule are {list(self.clocks)!r}",
                fix="give at least one clock: Schedule([CronClock('30 2 * * *')])",
            )
        by_variant: dict[str, list[Clock]] = {}
        for clock in self.clocks:
            by_variant.setdefault(clock.variant, []).append(clock)
        self._groups = [
            Group(clocks, self._keeps, self.adjustments) for clocks in by_variant.values()
        ]

    # -- what it names ---------------------------------------------------------------------

    def occurrences(self, after: datetime | None = None) -> Iterator[Occurrence]:
        """Yield the occurrences strictly after an instant, in order.

        Args:
            after: Aware; now, if left out.

        Raises:
            FlowError: ``after`` has no time zone.
        """
        first = epoch_after(after)
        return heapq.merge(*(group.since(first) for group in self._groups), key=_epoch)

    def before(self, instant: datetime) -> Iterator[Occurrence]:
        """Yield the occurrences strictly before an instant, the latest first.

        Args:
            instant: Aware.
        """
        last = epoch_from(instant)
        found = (group.until(last) for group in self._groups)
        return heapq.merge(*found, key=_epoch, reverse=True)

    def next(self, n: int, after: datetime | None = None, return_events: bool = False) -> list[Any]:
        """The next times, as Prefect 1 gave them.

        Args:
            n: How many.
            after: Aware; now, if left out.
            return_events: Give occurrences instead of local times.
        """
        found = islice(self.occurrences(after), n)
        return list(found) if return_events else [one.local for one in found]

    @property
    def timezones(self) -> tuple[str, ...]:
        """The zones of its clocks."""
        return tuple(dict.fromkeys(clock.timezone for clock in self.clocks))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What people should know of nights that its clocks lose."""
        return tuple(dict.fromkeys(text for clock in self.clocks for text in clock.warnings))

    # -- being a value ---------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """As JSON.

        Raises:
            FlowError: A filter or adjustment is a mere function.
        """
        return {
            "clocks": [clock.to_dict() for clock in self.clocks],
            "filters": _shapes(self.filters),
            "or_filters": _shapes(self.or_filters),
            "not_filters": _shapes(self.not_filters),
            "adjustments": _shapes(self.adjustments),
        }

    @classmethod
    def from_dict(cls, shape: Mapping[str, Any]) -> Schedule:
        """What :meth:`to_dict` wrote.

        Example:
            >>> schedule = CronSchedule("30 2 * * *", timezone="Europe/Berlin")
            >>> Schedule.from_dict(schedule.to_dict()) == schedule
            True
        """
        tests = {
            name: [filter_from_dict(one) for one in shape[name]]
            for name in ("filters", "or_filters", "not_filters")
        }
        moves = [adjustment_from_dict(one) for one in shape["adjustments"]]
        return cls([clock_from_dict(one) for one in shape["clocks"]], **tests, adjustments=moves)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Schedule) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self.clocks)

    def __str__(self) -> str:
        return ", ".join(map(str, self.clocks))

    def __repr__(self) -> str:
        return f"<Schedule {self}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Schedule, self._parts()

    def _parts(self) -> tuple[Any, ...]:
        return self.clocks, self.filters, self.or_filters, self.not_filters, self.adjustments

    def _keeps(self, moment: Moment) -> bool:
        return (
            all(keeps(one, moment) for one in self.filters)
            and (not self.or_filters or any(keeps(one, moment) for one in self.or_filters))
            and not any(keeps(one, moment) for one in self.not_filters)
        )


def CronSchedule(  # noqa: N802
    cron: str,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    day_or: bool | None = None,
    **more: Any,
) -> Schedule:
    """A schedule of one cron clock.

    Args:
        cron: The expression.
        start_date: Nothing before it.
        end_date: Nothing after it.
        day_or: If both day fields are restricted, whether one of them is enough.
        more: What else a :class:`CronClock` takes: ``timezone``, ``gap``, ``overlap`` and so on.

    Example:
        >>> CronSchedule("30 2 * * *", timezone="Europe/Berlin")
        <Schedule cron 30 2 * * * Europe/Berlin>
    """
    return Schedule([CronClock(cron, start_date, end_date, day_or=day_or, **more)])


def IntervalSchedule(  # noqa: N802
    start_date: datetime | None = None,
    interval: str | timedelta | None = None,
    end_date: datetime | None = None,
    **more: Any,
) -> Schedule:
    """A schedule of one interval clock, with its arguments in Prefect 1's order.

    Args:
        start_date: The anchor.
        interval: ``"P1D"``, ``"PT6H"``, a duration, a timedelta.
        end_date: Nothing after it.
        more: What else an :class:`IntervalClock` takes.

    Example:
        >>> IntervalSchedule(interval="PT6H")
        <Schedule every PT6H UTC>
    """
    if interval is None:
        raise FlowError("the schedule has no interval", fix="IntervalSchedule(interval='PT6H')")
    return Schedule([IntervalClock(interval, start_date, end_date, **more)])


def DatesSchedule(dates: Iterable[datetime], **more: Any) -> Schedule:  # noqa: N802
    """A schedule of one clock of dates.

    Args:
        dates: Aware datetimes, or naive ones in the clock's zone.
        more: What else a :class:`DatesClock` takes.
    """
    return Schedule([DatesClock(dates, **more)])


def RRuleSchedule(  # noqa: N802
    rrule_obj: Any,
    start_date: datetime | None = None,
    end_date: datetime | None = None,
    **more: Any,
) -> Schedule:
    """A schedule of one clock by recurrence rule.

    Args:
        rrule_obj: The rule's text, or a ``dateutil.rrule.rrule``.
        start_date: Where the rule begins, unless it says so itself.
        end_date: Nothing after it.
        more: What else an :class:`RRuleClock` takes.
    """
    return Schedule([RRuleClock(rrule_obj, start_date, end_date, **more)])


def as_schedule(given: object) -> Schedule:
    """The schedule of a flow, for which a clock alone may stand.

    Raises:
        FlowError: It is neither.
    """
    if isinstance(given, Schedule):
        return given
    if isinstance(given, Clock):
        return Schedule([given])
    raise FlowError(
        f"{given!r} is no schedule",
        fix="give a Schedule or a clock: schedule=CronClock('30 2 * * *', timezone='Europe/Berlin')",
    )


def _epoch(occurrence: Occurrence) -> int:
    return occurrence.epoch


def _callables(given: Iterable[Any] | None, name: str) -> tuple[Any, ...]:
    found = tuple(given or ())
    for one in found:
        if not callable(one):
            raise FlowError(f"{one!r} in {name}= is no function", fix="see orchestrator.schedule")
    return found


def _shapes(given: Sequence[Any]) -> list[dict[str, Any]]:
    for one in given:
        if not isinstance(one, Filter | Adjustment):
            raise FlowError(
                f"the function {getattr(one, '__qualname__', one)} in a schedule cannot be stored",
                fix="use the filters and adjustments of orchestrator.schedule",
            )
    return [one.to_dict() for one in given]
