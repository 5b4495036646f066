"""What all tests share."""

from __future__ import annotations

import os
import signal
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakesnow_server import Server as FakesnowServer
from tests.fakesnow_server import running as fakesnow_server_running
from tests.postgres_server import running as postgres_server_running

ROOT = Path(__file__).resolve().parents[1]

# A warm dbt session and Dask workers read these; nothing of the developer's own may leak in.
for name in [n for n in os.environ if n.startswith(("DBT_", "ORCHESTRATOR_"))]:
    del os.environ[name]
os.environ["DO_NOT_TRACK"] = "1"
# A shell starts what is to run in the background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a Postgres server of the tests' own."""
    with postgres_server_running() as url:
        yield url


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


@pytest.fixture(scope="session")
def fakesnow_server() -> Iterator[FakesnowServer]:
    """A fakesnow server of the tests' own."""
    with fakesnow_server_running() as server:
        yield server


@pytest.fixture
def snowflake_table(fakesnow_server: FakesnowServer) -> dict[str, object]:
    """What ``[warehouses.NAME]`` says of an empty database on that server."""
    # The server answers 500 to what it cannot do, and the connector asks again until its timeout.
    return {
        "type": "snowflake", **fakesnow_server.parameters, "network_timeout": 8,
        "database": f"T_{uuid.uuid4().hex.upper()}", "schema": "PUBLIC",
    }  # fmt: skip


@pytest.fixture
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
