"""Fixtures of the Postgres tests: warehouses on a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from orchestrator.model.planning import RunOptions
from tasks.dbapi.pooling import release_all
from tasks.warehouses import make

Made = Callable[..., Any]


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    release_all()


@pytest.fixture
def settings(postgres_url: str) -> dict[str, Any]:
    """A ``[warehouses.NAME]`` table of an empty schema on the tests' own server."""
    url = make_url(postgres_url)
    return {
        "type": "postgres",
        "host": url.query["host"],
        "dbname": url.database,
        "user": url.username,
        "schema": str(url.query["options"]).partition("=")[2],
    }


@pytest.fixture
def made(settings: dict[str, Any], tmp_path: Path) -> Made:
    """Makes a warehouse of the table, changed as told; None takes a key out."""

    def make_one(**changes: Any) -> Any:
        table = {k: v for k, v in {**settings, **changes}.items() if v is not None}
        return make("main", table, root=tmp_path, options=RunOptions())

    return make_one


@pytest.fixture
def warehouse(made: Made) -> Any:
    """The warehouse of that table."""
    return made()


@pytest.fixture
def admin(postgres_server: str) -> Iterator[Any]:
    """A connection of somebody else, who sees all sessions and may end them."""
    import psycopg

    url = make_url(postgres_server)
    with psycopg.connect(
        host=str(url.query["host"]), dbname=url.database, user=url.username, autocommit=True
    ) as connection:
        yield connection
