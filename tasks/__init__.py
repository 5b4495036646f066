"""The task library: dbt, SQL and shell work, ready to be put into flows."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.dbt.build import DbtBuild
    from tasks.dbt.shell import DbtShellTask
    from tasks.duckdb.query import DuckDBQuery
    from tasks.flow_runs import create_flow_run, wait_for_flow_run
    from tasks.shell import ShellTask
    from tasks.sql.folder import SqlFolder
    from tasks.sql.task import SqlTask

#: Where each task lives; imported when first used, so that no driver is needed before that.
_HOMES = {
    "DbtBuild": "tasks.dbt.build",
    "DbtShellTask": "tasks.dbt.shell",
    "DuckDBQuery": "tasks.duckdb.query",
    "ShellTask": "tasks.shell",
    "SqlFolder": "tasks.sql.folder",
    "SqlTask": "tasks.sql.task",
    "create_flow_run": "tasks.flow_runs",
    "wait_for_flow_run": "tasks.flow_runs",
}
__all__ = [
    "DbtBuild",
    "DbtShellTask",
    "DuckDBQuery",
    "ShellTask",
    "SqlFolder",
    "SqlTask",
    "create_flow_run",
    "wait_for_flow_run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
