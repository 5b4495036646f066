"""All clocks by name, and how they are read back from JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.schedule.clock import Clock
from orchestrator.schedule.cron_clock import CronClock, CronRule
from orchestrator.schedule.dates_clock import DatesClock
from orchestrator.schedule.interval_clock import IntervalClock
from orchestrator.schedule.rrule_clock import RRuleClock

__all__ = [
    "Clock",
    "CronClock",
    "CronRule",
    "DatesClock",
    "IntervalClock",
    "RRuleClock",
    "clock_from_dict",
]

_KINDS: dict[str, type[Clock]] = {
    kind.kind: kind for kind in (CronClock, IntervalClock, DatesClock, RRuleClock)
}


def clock_from_dict(shape: Mapping[str, Any]) -> Clock:
    """Make the clock that ``to_dict()`` described.

    Raises:
        FlowError: There is no such kind of clock.

    Example:
        >>> clock_from_dict(CronClock("@daily").to_dict()) == CronClock("@daily")
        True
    """
    given = dict(shape)
    kind = _KINDS.get(given.pop("clock", ""))
    if kind is None:
        raise FlowError(
            f"there is no clock of kind {shape.get('clock')!r}",
            fix=f"there are {', '.join(_KINDS)}",
        )
    for name in ("start_date", "end_date"):
        if given.get(name):
            given[name] = datetime.fromisoformat(given[name])
    if "dates" in given:
        given["dates"] = [datetime.fromisoformat(date) for date in given["dates"]]
    return kind(**given)
