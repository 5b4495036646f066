"""Warehouses on a fakesnow server, and on one of our own that stands for what that cannot do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.planning import RunOptions
from tasks.dbapi.pooling import release_all
from tasks.warehouses import make
from tests.snowflake.recorded_snowflake import Recorded, recorded_snowflake


def made(table: dict[str, Any], root: Path) -> Any:
    """The warehouse of a table."""
    return make("prod", table, root=root, options=RunOptions())


@pytest.fixture
def warehouse(snowflake_table: dict[str, object], tmp_path: Path) -> Iterator[Any]:
    """An empty database on fakesnow."""
    yield made(snowflake_table, tmp_path)
    release_all()


@pytest.fixture
def recorded() -> Iterator[Recorded]:
    """The server of our own."""
    with recorded_snowflake() as server:
        yield server
        release_all()


@pytest.fixture
def spoken(recorded: Recorded, tmp_path: Path) -> Any:
    """A warehouse on the server of our own."""
    return made(recorded.table(), tmp_path)
