"""The databases that tables are made on: DuckDB, a real Postgres, Snowflake's connector on fakesnow."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.signals import Result
from tasks.sql.running import run_script
from tasks.sql.script import Script
from tasks.sql.task import SqlTask
from tasks.warehouses import make


@dataclass
class Database:
    """One database under test.

    Args:
        warehouse: It.
        root: The project's folder.
    """

    warehouse: Any
    root: Path

    @property
    def dialect(self) -> str:
        """sqlglot's name of it."""
        return str(self.warehouse.namespace.dialect)

    def planning(self, **options: Any) -> Planning:
        """A planning whose default warehouse it is."""
        chosen = RunOptions(**options)
        return Planning(self.root, find_warehouse=lambda name: self.warehouse, options=chosen)

    def run(self, script: str) -> Any:
        """Run statements."""
        with self.warehouse.connect() as connection:
            session = self.warehouse.session(connection)
            return run_script(session, Script(script), None, "all", self.warehouse.namespace).value

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query, in order."""
        return sorted(self.run(query))

    def task(self, sql: str, file: str = "sql/daily.sql", **options: Any) -> SqlTask:
        """The planned task of a file."""
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(sql)
        task = SqlTask(path=file)
        task.facts(file, self.planning(**options))
        return task

    def made(self, sql: str, **options: Any) -> Result:
        """Run a file."""
        return self.task(sql, **options).run()


def _duckdb(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"type": "duckdb", "path": "shop.duckdb"}


def _postgres(request: pytest.FixtureRequest) -> dict[str, Any]:
    from sqlalchemy import make_url

    url = make_url(request.getfixturevalue("postgres_url"))
    schema = str(url.query["options"]).partition("=")[2]
    return {
        "type": "postgres", "host": url.query["host"], "dbname": url.database,
        "user": url.username, "schema": schema,
    }  # fmt: skip


def _snowflake(request: pytest.FixtureRequest) -> dict[str, Any]:
    server = request.getfixturevalue("fakesnow")
    return {
        "type": "snowflake", "database": f"DB_{uuid.uuid4().hex[:8].upper()}", "schema": "PUBLIC",
        **server.parameters,
    }  # fmt: skip


TABLES: dict[str, Callable[[pytest.FixtureRequest], dict[str, Any]]] = {
    "duckdb": _duckdb,
    "postgres": _postgres,
    "snowflake": _snowflake,
}


@contextmanager
def opened(kind: str, request: pytest.FixtureRequest, root: Path) -> Iterator[Database]:
    """A database with nothing in it."""
    config = TABLES[kind](request)
    yield Database(make("main", config, root=root, options=RunOptions()), root)
    from tasks.dbapi.pooling import release_all

    release_all()
