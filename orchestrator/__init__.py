"""Orchestrates dbt, SQL and Python in one derived graph, on Dask."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestrator.executors.dask import DaskExecutor
    from orchestrator.executors.inline import InlineExecutor
    from orchestrator.executors.threads import ThreadsExecutor
    from orchestrator.lineage import analyze_sql
    from orchestrator.model import context
    from orchestrator.model.binding import unmapped
    from orchestrator.model.parameter import Parameter
    from orchestrator.model.policy import Trigger
    from orchestrator.model.signals import FAIL, SKIP, Result
    from orchestrator.model.state import State
    from orchestrator.model.task import Task, TaskGroup, task
    from orchestrator.service.flow import Flow

#: Where each public name lives. They are imported when first used, so that the command line
#: starts at once and a flow that runs on threads never imports Dask.
_HOMES = {
    # flows and tasks
    "Flow": "orchestrator.service.flow",
    "Task": "orchestrator.model.task",
    "TaskGroup": "orchestrator.model.task",
    "task": "orchestrator.model.task",
    "unmapped": "orchestrator.model.binding",
    "Parameter": "orchestrator.model.parameter",
    "Trigger": "orchestrator.model.policy",
    # inside a task
    "context": "orchestrator.model.context",
    "Result": "orchestrator.model.signals",
    "FAIL": "orchestrator.model.signals",
    "SKIP": "orchestrator.model.signals",
    # what comes out
    "State": "orchestrator.model.state",
    # executors
    "DaskExecutor": "orchestrator.executors.dask",
    "InlineExecutor": "orchestrator.executors.inline",
    "ThreadsExecutor": "orchestrator.executors.threads",
    # lineage
    "analyze_sql": "orchestrator.lineage",
}
__all__ = [
    "FAIL",
    "SKIP",
    "DaskExecutor",
    "Flow",
    "InlineExecutor",
    "Parameter",
    "Result",
    "State",
    "Task",
    "TaskGroup",
    "ThreadsExecutor",
    "Trigger",
    "analyze_sql",
    "context",
    "task",
    "unmapped",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(_HOMES[name])
    return module if name == "context" else getattr(module, name)
