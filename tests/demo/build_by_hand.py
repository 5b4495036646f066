"""Builds the flights project step by step in the order that the orchestrator derives.

Run as ``python build_by_hand.py PROJECT KEPT``: builds everything in ``FLIGHTS_DB``, keeps a copy of
that database as ``KEPT``, then delivers changed data and builds what is incremental. The last line
printed is a JSON object of the statuses of the first build.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from analytics import load
from analytics.score import score
from analytics.weather_effect import weather_effect
from dbt.cli.main import dbtRunner

PROJECT, KEPT = Path(sys.argv[1]), Path(sys.argv[2])
MONTHS = (1, 2)
#: What can be built before any table of a SQL file or of a Python task exists.
EARLY = ("path:models/staging", "path:seeds", "path:snapshots", "int_flights", "int_tail_rotations")


@contextmanager
def connected() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(os.environ["FLIGHTS_DB"]) as connection:
        yield connection


def dbt_build(*select: str) -> dict[str, str]:
    """Run ``dbt build``, return the status of each node; tests run where nothing is selected."""
    untested = ["--exclude-resource-type", "test", "--exclude-resource-type", "unit_test"]
    chosen = ["--select", *select, *untested] if select else []
    places = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    outcome = dbtRunner().invoke(["--quiet", "build", *places, *chosen])
    if outcome.exception:
        raise outcome.exception
    return {result.node.name: str(result.status) for result in outcome.result}


def run_sql(*names: str) -> None:
    with connected() as connection:
        connection.execute("create schema if not exists ops")
        for name in names:
            select = (PROJECT / "sql" / f"{name}.sql").read_text(encoding="utf-8")
            connection.execute(f"create or replace table ops.{name} as {select}")


def load_raw() -> None:
    with connected() as connection:
        schema = load.prepare(connection)
        for month in MONTHS:
            load.load_month(connection, month, schema)
        for register in load.REGISTERS:
            load.load_register(connection, register, schema)


def first() -> dict[str, str]:
    """Everything, from nothing."""
    load_raw()
    run_sql("calendar")
    dbt_build(*EARLY)
    run_sql("airport_hours", "storm_spells", "turn_standards", "route_padding")
    dbt_build("int_flight_conditions")
    with connected() as connection:
        score(connection)
        weather_effect(connection)
    statuses = dbt_build()
    run_sql("disruption_days")
    return statuses


def second() -> None:
    """February again without its first day and with a delay changed; an aircraft with more seats."""
    with connected() as connection:
        load.load_month(connection, 2)
        connection.execute("delete from raw.flights where month = 2 and day = 1")
        connection.execute(
            "update raw.flights set dep_delay = 77 where month = 2 and flight = 1141"
        )
        connection.execute("update raw.planes set seats = 999 where tailnum = 'N10156'")
    dbt_build("int_flights", "fleet_register")


if __name__ == "__main__":
    statuses = first()
    with connected() as connection:
        # dbt keeps the database open, so what was written last may be in the log file still.
        connection.execute("force checkpoint")
    shutil.copy(os.environ["FLIGHTS_DB"], KEPT)
    second()
    print(json.dumps(statuses))
