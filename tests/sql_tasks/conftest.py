"""Fixtures of the SQL task tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.planning import Planning, RunOptions
from tasks.duckdb.instances import release_all
from tasks.warehouses import make
from tests.sql_tasks.databases import TABLES, Database, opened


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    release_all()


@pytest.fixture
def warehouse(tmp_path: Path) -> Any:
    """A DuckDB file."""
    return make(
        "local", {"type": "duckdb", "path": "shop.duckdb"}, root=tmp_path, options=RunOptions()
    )


@pytest.fixture
def planning(tmp_path: Path, warehouse: Any) -> Callable[..., Planning]:
    """Makes a planning of the project in tmp_path, whose default warehouse is the file."""

    def made(**changes: Any) -> Planning:
        return Planning(tmp_path, find_warehouse=lambda name: warehouse, **changes)

    return made


@pytest.fixture
def query(warehouse: Any) -> Callable[[str], list[Any]]:
    """Runs a query on the file."""

    def rows(sql: str) -> list[Any]:
        with warehouse.connect() as connection:
            return list(connection.execute(sql).fetchall())

    return rows


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file of the project."""

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return written


@pytest.fixture(scope="session")
def fakesnow() -> Iterator[Any]:
    """A Snowflake server of the tests' own."""
    from tests.fakesnow_server import running

    with running() as server:
        yield server


@pytest.fixture(params=sorted(TABLES))
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Each database in turn."""
    with opened(request.param, request, tmp_path) as found:
        yield found
