"""A project of two DuckDB files whose flows are written into its folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.planning import RunOptions
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from orchestrator.store.records import TaskRun
from tasks.duckdb.instances import release_all
from tasks.warehouses import make

TOML = """
name = "shop"
warehouse = "main"

[warehouses.main]
type = "duckdb"
path = "shop.duckdb"

[warehouses.lake]
type = "duckdb"
path = "lake.duckdb"
"""
#: What flows of these tests begin with.
HEAD = """
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from orchestrator import Flow, Result, SKIP, Task, mapped, task
from tasks import Connection, SqlTask, Table, tables

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa
"""


@dataclass(frozen=True)
class Ran:
    """A run and what the store kept of it."""

    state: str
    tasks: dict[str, TaskRun]

    def told(self, task: str) -> str:
        """How a task ended, in words."""
        found = self.tasks[task]
        return f"{found.state.value}: {found.message}"


@pytest.fixture
def project(in_tmp: Path) -> Iterator[Path]:
    """The project's folder, with tables ``raw.orders`` in both files."""
    (in_tmp / "orchestrator.toml").write_text(TOML)
    (in_tmp / "flows").mkdir()
    for name in ("shop", "lake"):
        config = {"type": "duckdb", "path": f"{name}.duckdb"}
        with make(name, config, root=in_tmp, options=RunOptions()).connect() as connection:
            connection.execute("create schema raw")
            connection.execute(
                "create table raw.orders as select range as id, range * 10 as amount from range(5)"
            )
    yield in_tmp
    release_all()


@pytest.fixture
def run(project: Path) -> Callable[..., Ran]:
    """Writes a flow and runs it."""

    def ran(text: str, *, executor: str | None = "inline", name: str = "f") -> Ran:
        (project / "flows" / f"{name}.py").write_text(HEAD + text)
        found = Project.find(project, {"executor": executor})
        result = run_flow(found, found.flow(name), Request())
        with found.store() as store:
            tasks = {task.key: task for task in store.task_runs(result.run_id)}
        return Ran(result.state.type.value, tasks)

    return ran


@pytest.fixture
def rows(project: Path) -> Callable[..., Any]:
    """Asks one of the files."""

    def asked(query: str, warehouse: str = "shop") -> Any:
        config = {"type": "duckdb", "path": f"{warehouse}.duckdb"}
        made = make(warehouse, config, root=project, options=RunOptions())
        with made.connect() as connection:
            return connection.execute(query).fetchall()

    return asked


@pytest.fixture(scope="session")
def fakesnow() -> Iterator[Any]:
    """A server that speaks Snowflake's protocol, with an account of its own."""
    from tests.fakesnow_server import running

    with running() as server:
        yield server
