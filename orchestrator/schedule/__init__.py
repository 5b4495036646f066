"""Clocks and schedules: when a flow runs by itself."""

from __future__ import annotations

from orchestrator.schedule import adjustments, filters
from orchestrator.schedule.clocks import (
    Clock,
    CronClock,
    CronRule,
    DatesClock,
    IntervalClock,
    RRuleClock,
    clock_from_dict,
)
from orchestrator.schedule.occurrence import Occurrence
from orchestrator.schedule.schedule import (
    CronSchedule,
    DatesSchedule,
    IntervalSchedule,
    RRuleSchedule,
    Schedule,
    as_schedule,
)
from orchestrator.schedule.wall_time import Gap, Overlap, Transition, Zone, transitions, zone_named

__all__ = [
    "Clock",
    "CronClock",
    "CronRule",
    "CronSchedule",
    "DatesClock",
    "DatesSchedule",
    "Gap",
    "IntervalClock",
    "IntervalSchedule",
    "Occurrence",
    "Overlap",
    "RRuleClock",
    "RRuleSchedule",
    "Schedule",
    "Transition",
    "Zone",
    "adjustments",
    "as_schedule",
    "clock_from_dict",
    "filters",
    "transitions",
    "zone_named",
]
