"""What the tests of notifications share: receivers, stores, a project that fails."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.opening import open_store
from tests.notify.receivers import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RunStore]:
    with MemoryStore() if request.param == "memory" else open_store(tmp_path / "s.db") as opened:
        yield opened
