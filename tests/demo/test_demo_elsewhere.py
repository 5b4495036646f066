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
import snowflake.connector
from flights_project import PROJECT
from sqlalchemy import make_url

from tests import fakesnow_server, postgres_server

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
Rows = dict[str, list[tuple[Any, ...]]]


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
def on_duckdb(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    import duckdb

    folder = tmp_path_factory.mktemp("duckdb") / "project"
    nightly(folder, "--executor", "threads")
    with duckdb.connect(str(folder / "flights.duckdb"), read_only=True) as connection:
        return {table: connection.execute(in_order(table)).fetchall() for table in COMPARED}


def in_order(table: str, collate: str = "") -> str:
    """A query for the rows of a table as DuckDB orders them: text by its bytes."""
    keys = [f"{key} {collate}" if key in TEXT else key for key in COMPARED[table].split(", ")]
    return f"select * from {table} order by {', '.join(keys)}"


@pytest.fixture(scope="module")
def on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    with postgres_server.running() as address:
        url = make_url(address)
        where = {"host": str(url.query["host"]), "user": str(url.username), "dbname": "test"}
        names = zip(("PGHOST", "PGUSER", "PGDATABASE"), where.values(), strict=True)
        folder = tmp_path_factory.mktemp("postgres") / "project"
        nightly(folder, "--target", "postgres", **dict(names))
        with psycopg.connect(**where) as connection:
            yield {
                table: connection.execute(in_order(table, 'collate "C"')).fetchall()
                for table in COMPARED
            }


@pytest.fixture(scope="module")
def on_snowflake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rows]:
    with fakesnow_server.running() as server:
        where = {f"SNOWFLAKE_{k.upper()}": str(v) for k, v in server.parameters.items()}
        folder = tmp_path_factory.mktemp("snowflake") / "project"
        # fakesnow has no temporary tables in a database of one's own, which dbt's unit tests want.
        unit_tests = ("--exclude", "rotation_follows_the_aircraft")
        nightly(folder, "--target", "snowflake", *unit_tests, **where)
        with snowflake.connector.connect(
            **server.parameters, database="flights", schema="main"
        ) as connection:
            yield {
                table: connection.cursor().execute(in_order(table)).fetchall() for table in COMPARED
            }


def test_every_table_has_the_same_rows(
    on_duckdb: Rows, on_postgres: Rows, on_snowflake: Rows
) -> None:
    # One test, so that the three runs are made once, however many processes share the tests.
    for where, found in {"Postgres": on_postgres, "Snowflake": on_snowflake}.items():
        for table, rows in found.items():
            assert len(rows) > 0, f"{table} is empty on {where}"
            here = [tuple(map(plain, row)) for row in rows]
            assert here == [tuple(map(plain, row)) for row in on_duckdb[table]], (where, table)


#: Keys that are text.
TEXT = {"carrier", "origin", "factor", "tail_number", "spell_id"}
