"""The nightly flow on other databases: the same flow, another target, the same tables."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from flights_project import PROJECT
from sqlalchemy import make_url

from tests import postgres_server

#: Tables that everything else comes into, with what tells their rows apart.
COMPARED = {
    "marts.carrier_league": "flight_month, carrier",
    "marts.daily_operations": "flight_date, origin",
    "marts.delay_forecast": "carrier, scheduled_hour",
    "marts.weather_bands": "factor, band_order",
    "marts.rotation_knock_on": "band_order, tight_turn",
    "marts.aircraft": "tail_number",
    "ops.calendar": "calendar_date",
    "ops.storm_spells": "spell_id",
    "scores.weather_effect": "factor",
}
MONTHS = "[1, 2]"


def nightly(folder: Path, *options: str, **environment: str) -> None:
    """Run the flow from a copy of the project, as its user would; its own executor is two workers."""
    shutil.copytree(PROJECT, folder, ignore=shutil.ignore_patterns(".*", "*.duckdb*", "target"))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "orchestrator",
            "run",
            "nightly",
            "-p",
            f"months={MONTHS}",
            *options,
        ],
        cwd=folder,
        env={**os.environ, "DBT_TARGET_PATH": str(folder / "target"), **environment},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert (folder / "reports" / "nightly.html").stat().st_size > 100_000


def plain(value: Any) -> Any:
    """A value as any database would give it, but for the last digits."""
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float, Decimal)):
        return float(f"{float(value):.9g}") if math.isfinite(value) else None
    return str(value)


@pytest.fixture(scope="module")
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[Any, ...]]]:
    import duckdb

    folder = tmp_path_factory.mktemp("duckdb") / "project"
    nightly(folder, "--executor", "threads")
    with duckdb.connect(str(folder / "flights.duckdb"), read_only=True) as connection:
        return {
            table: connection.execute(f"select * from {table} order by {order}").fetchall()
            for table, order in COMPARED.items()
        }


@pytest.fixture(scope="module")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A server that the nightly flow ran on, as libpq's variables name it."""
    with postgres_server.running() as address:
        url = make_url(address)
        where = {
            "PGHOST": str(url.query["host"]),
            "PGUSER": str(url.username),
            "PGDATABASE": str(url.database),
        }
        folder = tmp_path_factory.mktemp("postgres") / "project"
        nightly(folder, "--target", "postgres", **where)
        yield where


@pytest.mark.xdist_group("demo_elsewhere")
@pytest.mark.parametrize("table", COMPARED)
def test_postgres_has_the_same_rows(
    table: str, on_duckdb: dict[str, list[tuple[Any, ...]]], postgres: dict[str, str]
) -> None:
    with psycopg.connect(
        host=postgres["PGHOST"], user=postgres["PGUSER"], dbname=postgres["PGDATABASE"]
    ) as connection:
        order = ", ".join(
            f'{c} collate "C"' if c in TEXT else c for c in COMPARED[table].split(", ")
        )
        rows = connection.execute(f"select * from {table} order by {order}").fetchall()
    assert len(rows) > 0
    assert [tuple(map(plain, row)) for row in rows] == [
        tuple(map(plain, row)) for row in on_duckdb[table]
    ]


#: Keys that are text: DuckDB orders them by their bytes.
TEXT = {"carrier", "origin", "factor", "tail_number", "spell_id"}
