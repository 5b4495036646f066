"""Fixtures of the warehouse tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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
def duckdb_at(tmp_path: Path) -> Callable[..., Any]:
    """Makes a DuckDB warehouse below tmp_path."""

    def made(path: str = "shop.duckdb", **config: Any) -> Any:
        table = {"type": "duckdb", "path": path, **config}
        return make("local", table, root=tmp_path, options=RunOptions())

    return made
