"""What the tests of agents share: stores and worlds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.opening import open_store
from tests.agent.world import World


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunStore]:
    """Each kind of store, empty."""
    if request.param == "memory":
        opened: RunStore = MemoryStore()
    elif request.param == "sqlite":
        opened = open_store(tmp_path / "runs.db")
    else:
        opened = open_store(request.getfixturevalue("postgres_url"))
    with opened:
        yield opened


@pytest.fixture(params=["sqlite", "postgres"])
def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A project with each kind of store that processes can share."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else None
    made = World(tmp_path / "shop", url)
    monkeypatch.setenv("WORLD", str(made.folder))
    yield made
    made.close()


@pytest.fixture
def sqlite_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A project with a run store in a SQLite file."""
    made = World(tmp_path / "shop")
    monkeypatch.setenv("WORLD", str(made.folder))
    yield made
    made.close()
