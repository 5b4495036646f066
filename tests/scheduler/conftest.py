"""Each store of the contract, empty and open."""

from __future__ import annotations

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
        with open_store(request.getfixturevalue("postgres_url")) as opened:
            yield opened


@pytest.fixture
def memory() -> Iterator[RunStore]:
    with MemoryStore() as opened:
        yield opened
