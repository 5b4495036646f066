"""Fixtures of the tests of HTTP tasks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.planning import RunOptions
from tasks.duckdb.instances import release_all
from tasks.warehouses import make
from tests.http.site import Site, serving


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server."""
    with serving() as found:
        yield found


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Any]:
    """A DuckDB file."""
    config = {"type": "duckdb", "path": "shop.duckdb"}
    yield make("main", config, root=tmp_path, options=RunOptions())
    release_all()
