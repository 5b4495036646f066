"""Orchestrates dbt, SQL and Python in one derived graph, on Dask."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from orchestrator.late_names import late_names

if TYPE_CHECKING:
    from orchestrator.executors.dask import DaskExecutor
    from orchestrator.executors.inline import InlineExecutor
    from orchestrator.executors.threads import ThreadsExecutor
    from orchestrator.lineage import analyze_sql
    from orchestrator.model import context
    from orchestrator.model.binding import flatten, mapped, unmapped
    from orchestrator.model.blocks import tags
    from orchestrator.model.cache import Cache
    from orchestrator.model.control_flow import FilterTask, case, ifelse, merge, switch
    from orchestrator.model.group import TaskGroup
    from orchestrator.model.mapping import apply_map
    from orchestrator.model.parameter import JSON, DateTimeParameter, Parameter
    from orchestrator.model.policy import Trigger
    from orchestrator.model.resources import resource_manager
    from orchestrator.model.signals import FAIL, PAUSE, RETRY, SKIP, Result
    from orchestrator.model.state import State
    from orchestrator.model.task import Task, task
    from orchestrator.schedule.cron_clock import CronClock
    from orchestrator.schedule.dates_clock import DatesClock
    from orchestrator.schedule.interval_clock import IntervalClock
    from orchestrator.schedule.rrule_clock import RRuleClock
    from orchestrator.schedule.schedule import (
        CronSchedule,
        DatesSchedule,
        IntervalSchedule,
        RRuleSchedule,
        Schedule,
    )
    from orchestrator.service.flow import Flow

#: Where each public name lives. They are imported when first used, so that the command line
#: starts at once and a flow that runs on threads never imports Dask.
_HOMES = {
    # flows and tasks
    "Flow": "orchestrator.service.flow",
    "Task": "orchestrator.model.task",
    "TaskGroup": "orchestrator.model.group",
    "task": "orchestrator.model.task",
    "apply_map": "orchestrator.model.mapping",
    "flatten": "orchestrator.model.binding",
    "mapped": "orchestrator.model.binding",
    "unmapped": "orchestrator.model.binding",
    "FilterTask": "orchestrator.model.control_flow",
    "case": "orchestrator.model.control_flow",
    "ifelse": "orchestrator.model.control_flow",
    "merge": "orchestrator.model.control_flow",
    "switch": "orchestrator.model.control_flow",
    "resource_manager": "orchestrator.model.resources",
    "tags": "orchestrator.model.blocks",
    "DateTimeParameter": "orchestrator.model.parameter",
    "JSON": "orchestrator.model.parameter",
    "Parameter": "orchestrator.model.parameter",
    "Trigger": "orchestrator.model.policy",
    "Cache": "orchestrator.model.cache",
    # inside a task
    "context": "orchestrator.model.context",
    "Result": "orchestrator.model.signals",
    "FAIL": "orchestrator.model.signals",
    "PAUSE": "orchestrator.model.signals",
    "RETRY": "orchestrator.model.signals",
    "SKIP": "orchestrator.model.signals",
    # what comes out
    "State": "orchestrator.model.state",
    # executors
    "DaskExecutor": "orchestrator.executors.dask",
    "InlineExecutor": "orchestrator.executors.inline",
    "ThreadsExecutor": "orchestrator.executors.threads",
    # schedules
    "CronClock": "orchestrator.schedule.cron_clock",
    "DatesClock": "orchestrator.schedule.dates_clock",
    "IntervalClock": "orchestrator.schedule.interval_clock",
    "RRuleClock": "orchestrator.schedule.rrule_clock",
    "Schedule": "orchestrator.schedule.schedule",
    "CronSchedule": "orchestrator.schedule.schedule",
    "DatesSchedule": "orchestrator.schedule.schedule",
    "IntervalSchedule": "orchestrator.schedule.schedule",
    "RRuleSchedule": "orchestrator.schedule.schedule",
    # lineage
    "analyze_sql": "orchestrator.lineage",
}
__all__ = [
    "FAIL",
    "JSON",
    "PAUSE",
    "RETRY",
    "SKIP",
    "Cache",
    "CronClock",
    "CronSchedule",
    "DaskExecutor",
    "DateTimeParameter",
    "DatesClock",
    "DatesSchedule",
    "FilterTask",
    "Flow",
    "InlineExecutor",
    "IntervalClock",
    "IntervalSchedule",
    "Parameter",
    "RRuleClock",
    "RRuleSchedule",
    "Result",
    "Schedule",
    "State",
    "Task",
    "TaskGroup",
    "ThreadsExecutor",
    "Trigger",
    "analyze_sql",
    "apply_map",
    "case",
    "context",
    "flatten",
    "ifelse",
    "mapped",
    "merge",
    "resource_manager",
    "switch",
    "tags",
    "task",
    "unmapped",
]


_named = late_names(__name__, _HOMES)


def __getattr__(name: str) -> Any:
    if name in ("signals", "triggers"):
        return importlib.import_module(f"{__name__}.{name}")
    return importlib.import_module(_HOMES[name]) if name == "context" else _named(name)
