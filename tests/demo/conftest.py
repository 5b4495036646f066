"""Builds the flights project by hand, for two months, once for all tests of this folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from flights_project import PROJECT, Built

# Flows find their project's own modules the same way: the project's root is on the path.
sys.path.insert(0, str(PROJECT))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build in a process of its own: dbt keeps state in the process that it ran in."""
    folder = tmp_path_factory.mktemp("flights")
    kept = tmp_path_factory.mktemp("kept") / "flights.duckdb"
    rebuilt = folder / "flights.duckdb"
    environment = {
        **os.environ,
        "FLIGHTS_DB": str(rebuilt),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "PYTHONPATH": str(PROJECT),
    }
    script = Path(__file__).with_name("build_by_hand.py")
    done = subprocess.run(
        [sys.executable, str(script), str(PROJECT), str(kept)],
        # From somewhere else: the project must not depend on where it is run from.
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return Built(kept, rebuilt, json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture
def read(built: Built) -> Iterator[Callable[[str], list[tuple[object, ...]]]]:
    """Ask the built database."""
    with duckdb.connect(str(built.database), read_only=True) as connection:
        yield lambda sql: connection.execute(sql).fetchall()
