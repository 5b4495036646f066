"""The application of a project over a store in memory, asked by people with tokens and without."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from orchestrator.server.app import create_app
from orchestrator.server.security.issuing import issue
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from tests.server.projects import write_project

with warnings.catch_warnings():  # it would rather have httpx2
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

FLOW = """
from orchestrator import Flow, task

@task
def load():
    return 1

with Flow("nightly") as flow:
    load()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return write_project(tmp_path / "shop", nightly=FLOW)


@pytest.fixture
def store() -> Iterator[RunStore]:
    with MemoryStore() as opened:
        yield opened


@pytest.fixture
def app(project: Project, store: RunStore) -> FastAPI:
    return create_app(project, store, page=project.root / "not-built")


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app, base_url="http://127.0.0.1")


@pytest.fixture
def token(store: RunStore) -> Callable[..., dict[str, str]]:
    """Make a token, and return the header that shows it."""

    def make(role: str, name: str | None = None, **more: Any) -> dict[str, str]:
        _, secret = issue(store, name or role, role, by="ada", **more)
        return {"authorization": f"Bearer {secret}"}

    return make
