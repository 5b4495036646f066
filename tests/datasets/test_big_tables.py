"""Tables larger than memory pass through: they are never held as a whole."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs import pages

_START = """
from pathlib import Path

import numpy
import pyarrow

from orchestrator.model.planning import RunOptions
from tasks import tables
from tasks.warehouses import make
from tests.peak_memory import peak

config = {"type": "duckdb", "path": "big.duckdb", "settings": {"memory_limit": "256MB"}}
warehouse = make("main", config, root=Path(), options=RunOptions())
tables.write(warehouse, "small", [{"id": 1}])
tables.read(warehouse, "from small")

before = peak()
"""


def grown(script: str, folder: Path) -> tuple[int, int]:
    """Rows that a script counts, and MiB by which it grew."""
    done = subprocess.run(
        [sys.executable, "-c", _START + script],
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(pages.ROOT)},
    )
    assert done.returncode == 0, done.stderr
    rows, growth = done.stdout.split()
    return int(rows), int(float(growth))


def test_reading_fifty_million_rows(tmp_path: Path) -> None:
    rows, growth = grown(
        """
query = "select range as id, hash(range) as word from range(50000000)"
rows = sum(batch.num_rows for batch in tables.stream(warehouse, query))
print(rows, peak() - before)
""",
        tmp_path,
    )
    assert rows == 50_000_000
    assert growth < 200  # of 763 MiB


@pytest.mark.slow
def test_writing_fifty_million_rows(tmp_path: Path) -> None:
    rows, growth = grown(
        """
def batches():
    for start in range(0, 50_000_000, 100_000):
        ids = pyarrow.array(numpy.arange(start, start + 100_000))
        yield pyarrow.record_batch({"id": ids, "twice": ids})


print(tables.write(warehouse, "big", batches()), peak() - before)
""",
        tmp_path,
    )
    assert rows == 50_000_000
    assert growth < 450  # of 763 MiB, 256 of them DuckDB's own limit


@pytest.mark.slow
def test_fifty_million_rows_through_a_task(tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_text(
        'warehouse = "main"\n[warehouses.main]\ntype = "duckdb"\npath = "big.duckdb"\n'
        'settings = { memory_limit = "256MB" }\n'
    )
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "f.py").write_text(
        """
from typing import Annotated

import pyarrow as pa

from orchestrator import Flow, task
from tasks import SqlTask, Table


@task
def passing(
    big: Annotated[pa.RecordBatchReader, Table("big")],
) -> Annotated[pa.RecordBatchReader, Table("copied")]:
    return big


with Flow("f") as flow:
    SqlTask("create or replace view big as select range as id, hash(range) as word from range(50000000)", name="big")()
    passing()
"""
    )
    rows, growth = grown(
        """
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tasks.duckdb.instances import release_all

release_all()
project = Project.find(Path())
result = run_flow(project, project.flow("f"), Request(executor="inline"))
assert result.state.is_successful(), result.state
print(tables.read(warehouse, "select count(*) as n from copied", as_="dicts")[0]["n"], peak() - before)
""",
        tmp_path,
    )
    assert rows == 50_000_000
    assert growth < 500
