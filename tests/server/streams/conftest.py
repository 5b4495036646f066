"""A server over a real store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.opening import open_store
from tests.server.streams.following import Served, start


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "shop"
    root.mkdir()
    (root / "orchestrator.toml").write_text('name = "shop"\n')
    return Project.find(root)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with open_store(tmp_path / "runs.db") as opened:
        yield opened


@pytest.fixture
def served(project: Project, store: RunStore) -> Iterator[Served]:
    server = start(project, store)
    yield server
    server.end()
