"""Fixtures of the tests of reports."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.model.planning import RunOptions
from tasks.duckdb.instances import release_all
from tasks.warehouses import make

ORDERS = """
create schema marts;
create table marts.days as
select date '2026-03-01' + n::int as day, 100.5 + n as revenue, (n * 1.5)::decimal(9, 2) as tax,
    case n % 2 when 0 then 'north' else 'south' end as region, n * 1000 as orders
from range(5) as r (n)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Any]:
    """A DuckDB file with a table of five days."""
    config = {"type": "duckdb", "path": "shop.duckdb"}
    made: Any = make("main", config, root=tmp_path, options=RunOptions())
    with made.connect() as connection:
        connection.execute(ORDERS)
    yield made
    release_all()
