"""dbt and SQL tasks use one DuckDB file at the same time in one process, whichever opens it first."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from holder import can_be_opened_elsewhere

HERE = Path(__file__).parent
FILES = {
    "dbt_project.yml": "name: shop\nprofile: shop\nflags: {send_anonymous_usage_stats: false}\n",
    "profiles.yml": """
shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: shop.duckdb
      threads: 2
      config_options: {preserve_insertion_order: false}
      settings: {TimeZone: Europe/Amsterdam}
    memory: {type: duckdb, path: ":memory:"}
""",
    "models/sources.yml": "sources: [{name: main, schema: main, tables: [{name: before_dbt}]}]\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    for number in range(10):
        (tmp_path / f"models/m{number}.sql").write_text(f"select {number} as a from range(10)")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("first", ["tasks", "dbt"])
def test_both_use_the_file_at_once(project: Path, first: str) -> None:
    read = "select 1 as a" if first == "dbt" else "select a from {{ source('main', 'before_dbt') }}"
    (project / "models/from_sql.sql").write_text(read)
    with running(project, first) as process:
        # It still runs, and has let go of the file.
        assert process.poll() is None
        assert can_be_opened_elsewhere(project / "shop.duckdb")


@pytest.mark.slow
def test_a_database_in_memory_is_dbts_own(project: Path) -> None:
    (project / "models/from_sql.sql").write_text("select 1 as a")
    with running(project, "memory"):
        pass


@contextmanager
def running(project: Path, first: str) -> Iterator[subprocess.Popen[str]]:
    """The process of ``beside_dbt.py``, when it is done with its work."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "beside_dbt.py"), str(project), first],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
    )
    with process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            said = process.stdout.readline()
            assert said.startswith("done"), said + process.stderr.read()
            yield process
        finally:
            process.kill()
