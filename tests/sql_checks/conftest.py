"""Fixtures of the check tests: each database in turn, and projects on DuckDB."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.sql.check import SqlCheck
from tests.sql_tasks.databases import TABLES, Database, opened


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    from tasks.duckdb.instances import release_all

    release_all()


@pytest.fixture(scope="session")
def fakesnow() -> Iterator[Any]:
    """A Snowflake server of the tests' own."""
    from tests.fakesnow_server import running

    with running() as server:
        yield server


@pytest.fixture(params=sorted(TABLES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each database in turn, with a table of orders."""
    with opened(request.param, request, tmp_path) as found:
        found.run(
            "create table orders as select * from (values"
            " (1, 'open', 10, timestamp '2026-03-01 04:00:00'),"
            " (2, 'open', 20, timestamp '2026-03-01 05:30:00'),"
            " (3, 'closed', 30, timestamp '2026-02-28 12:00:00')"
            ") as v (id, status, amount, loaded_at)"
        )
        yield found


@pytest.fixture
def duck(tmp_path: Path) -> Database:
    """DuckDB alone."""
    from orchestrator.model.planning import RunOptions
    from tasks.warehouses import make

    table = {"type": "duckdb", "path": "shop.duckdb"}
    return Database(make("main", table, root=tmp_path, options=RunOptions()), tmp_path)


Checked = Callable[..., Any]


@pytest.fixture
def checked(database: Database) -> Checked:
    """Plans and runs a check on the database."""

    def run(*args: Any, data: Any = None, options: Any = None, **said: Any) -> Any:
        check = SqlCheck(*args, **said)
        check.facts("check", database.planning(**(options or {})))
        return check.run(data=data)

    return run
