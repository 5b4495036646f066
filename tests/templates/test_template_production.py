"""The analytics template's project is green where its profile's ``prod`` points, and finds the same."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import make_url

from tests import fakesnow_server, postgres_server
from tests.templates.projects import init

pytestmark = pytest.mark.slow

QUESTION = "select sum(orders), sum(revenue), sum(revenue_in_busy_hours) from marts.daily_sales"


def nightly(folder: Path, *words: str, **environ: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "run", "nightly", *words],
        cwd=folder, env=os.environ | environ, capture_output=True, text=True, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]


def on_duckdb(folder: Path) -> list[float]:
    import duckdb

    nightly(folder)
    with duckdb.connect(str(folder / "shop.duckdb"), read_only=True) as connection:
        return rounded(connection.execute(QUESTION).fetchone())


def rounded(row: tuple[object, ...] | None) -> list[float]:
    assert row is not None
    return [round(float(str(value)), 2) for value in row]


def test_on_postgres_as_on_duckdb(place: Path) -> None:
    import psycopg

    assert init("shop", "--data", "warehouse=postgres") == 0
    with postgres_server.running() as address:
        url = make_url(address)
        where = {"host": str(url.query["host"]), "user": str(url.username), "dbname": "test"}
        names = zip(("PGHOST", "PGUSER", "PGDATABASE"), where.values(), strict=True)
        nightly(place / "shop", "--target", "prod", **dict(names))
        with psycopg.connect(**where) as connection:
            found = rounded(connection.execute(QUESTION).fetchone())
    assert found == on_duckdb(place / "shop")


def test_on_snowflake_as_on_duckdb(place: Path) -> None:
    import snowflake.connector

    assert init("shop", "--data", "warehouse=snowflake") == 0
    with fakesnow_server.running() as server:
        profile = place / "shop/profiles.yml"
        own = "\n".join(f"      {k}: {server.parameters[k]}" for k in ("host", "port", "protocol"))
        profile.write_text(
            profile.read_text().replace(
                "      type: snowflake\n", f"      type: snowflake\n{own}\n"
            )
        )
        where = {f"SNOWFLAKE_{k.upper()}": str(v) for k, v in server.parameters.items()}
        # fakesnow has no temporary tables in a database of one's own, which dbt's unit tests want.
        unit_tests = ("--exclude", "an_amount_is_quantity_times_price")
        nightly(place / "shop", "--target", "prod", *unit_tests, **where)
        with snowflake.connector.connect(**server.parameters, database="shop", schema="main") as c:
            found = rounded(c.cursor().execute(QUESTION).fetchone())
    assert found == on_duckdb(place / "shop")
