"""Fixtures of the file tests: a project's folder, a warehouse, an S3 server of our own."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.planning import RunOptions
from tasks.duckdb.instances import release_all
from tasks.warehouses import make


@pytest.fixture(autouse=True)
def _released() -> Iterator[None]:
    yield
    release_all()


@pytest.fixture
def folder(in_tmp: Path) -> Path:
    """The project's folder, which is the current one."""
    return in_tmp


@pytest.fixture
def write(folder: Path) -> Callable[[str, str | bytes], Path]:
    """Writes a file of the project."""

    def written(name: str, content: str | bytes) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return written


@pytest.fixture
def warehouse(folder: Path) -> Any:
    """A DuckDB file."""
    return make(
        "local", {"type": "duckdb", "path": "shop.duckdb"}, root=folder, options=RunOptions()
    )


@pytest.fixture
def query(warehouse: Any) -> Callable[[str], list[Any]]:
    """Runs a query on the file."""

    def rows(sql: str) -> list[Any]:
        with warehouse.connect() as connection:
            return list(connection.execute(sql).fetchall())

    return rows


@dataclass(frozen=True)
class Bucket:
    """A bucket of the S3 server.

    Args:
        name: Its name.
        options: ``storage_options`` that reach it.
        server: Address of the server.
    """

    name: str
    options: dict[str, Any]
    server: str

    def client(self) -> Any:
        """boto3's client, beside what is tested."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.server,
            aws_access_key_id="tester",
            aws_secret_access_key="tester",
            region_name="us-east-1",
        )

    def put(self, key: str, data: bytes) -> None:
        """Write an object."""
        self.client().put_object(Bucket=self.name, Key=key, Body=data)

    def get(self, key: str) -> bytes:
        """Read an object."""
        return bytes(self.client().get_object(Bucket=self.name, Key=key)["Body"].read())

    def keys(self) -> list[str]:
        """Names of the objects."""
        found = self.client().list_objects_v2(Bucket=self.name).get("Contents", [])
        return sorted(entry["Key"] for entry in found)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Address of an S3 server on loopback."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """An empty bucket; its credentials are secrets."""
    monkeypatch.setenv("ORCHESTRATOR_SECRET_S3_KEY", "tester")
    monkeypatch.setenv("ORCHESTRATOR_SECRET_S3_SECRET", "tester-secret")
    options = {
        "key": "secret:S3_KEY",
        "secret": "secret:S3_SECRET",
        "endpoint_url": s3_server,
    }
    made = Bucket(f"bucket-{uuid.uuid4().hex[:12]}", options, s3_server)
    made.client().create_bucket(Bucket=made.name)
    return made
