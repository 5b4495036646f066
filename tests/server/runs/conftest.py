"""A project with a flow, a store of each kind that needs no server, and the API over both."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.server.app import create_app
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.opening import open_store
from tests.server.projects import write_project

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

FLOW = """
from datetime import date
from pathlib import Path
from orchestrator import Flow, Parameter, task

HERE = Path(__file__).parent.parent

def note(name):
    with open(HERE / "ran.txt", "a") as said:
        said.write(name + "\\n")

@task
def load(day):
    note("load")
    return str(day)

@task
def clean(day):
    note("clean")
    if (HERE / "broken").exists():
        raise ValueError("no rows on " + day)
    return day

@task
def publish(day):
    note("publish")

with Flow("nightly") as flow:
    publish(clean(load(Parameter("day", type=date, default=date(2026, 3, 1)))))
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_project(tmp_path / "shop", nightly=FLOW)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, project: Project) -> Iterator[RunStore]:
    if request.param == "memory":
        with MemoryStore() as opened:
            yield opened
    else:
        with open_store(project.root.parent / "runs.db") as opened:
            yield opened


class Api:
    """Asks the API in this process, and gives JSON."""

    def __init__(self, project: Project, store: RunStore) -> None:
        app = create_app(project, store)
        self.http = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        answer = self.http.get(f"/api/v1{path}", params=query or None)
        assert answer.status_code == status, answer.text
        return answer.json()

    def send(
        self, method: str, path: str, body: Any = None, status: int = 200, **headers: str
    ) -> Any:
        answer = self.http.request(method, f"/api/v1{path}", json=body or {}, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    def post(self, path: str, body: Any = None, status: int = 200, **headers: str) -> Any:
        return self.send("POST", path, body, status, **headers)


@pytest.fixture
def api(project: Project, store: RunStore) -> Api:
    return Api(project, store)
