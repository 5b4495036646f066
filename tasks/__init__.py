"""The task library: dbt, SQL and shell work, ready to be put into flows."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks.dbt.build import DbtBuild
    from tasks.dbt.shell import DbtShellTask
    from tasks.duckdb.query import DuckDBQuery
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
}
__all__ = ["DbtBuild", "DbtShellTask", "DuckDBQuery", "ShellTask", "SqlFolder", "SqlTask"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
