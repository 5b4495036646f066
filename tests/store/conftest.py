"""Each store of the contract, empty and open."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.opening import open_store


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunStore]:
    if request.param == "memory":
        with MemoryStore() as opened:
            yield opened
    elif request.param == "sqlite":
        with open_store(tmp_path / "runs.db") as opened:
            yield opened
    else:
        url = request.getfixturevalue("postgres_url")
        with open_store(url) as opened:
            yield opened


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """The address of an empty schema, dropped afterwards."""
    base = postgres_server
    from sqlalchemy import create_engine, make_url

    name = f"test_{uuid.uuid4().hex}"
    engine = create_engine(base, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE SCHEMA {name}")
    url = make_url(base).update_query_dict({"options": f"-csearch_path={name}"})
    yield url.render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    engine.dispose()
