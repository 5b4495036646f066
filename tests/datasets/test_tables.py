"""Tables read and written over a connection that a task got, or over a warehouse."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pytest

from orchestrator.errors import FlowError
from orchestrator.model.context import RunContext, entered
from orchestrator.model.executed import StatementRecorder
from orchestrator.model.planning import RunOptions
from orchestrator.model.signals import FAIL
from tasks import tables
from tasks.duckdb.instances import release_all
from tasks.warehouses import make


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[Any]:
    table = {"type": "duckdb", "path": "shop.duckdb"}
    yield make("main", table, root=tmp_path, options=RunOptions())
    release_all()


@pytest.fixture(params=["connection", "recorded", "warehouse"])
def place(request: pytest.FixtureRequest, warehouse: Any) -> Iterator[Any]:
    """A connection, one that takes down what runs on it, and a warehouse to connect to."""
    if request.param == "warehouse":
        yield warehouse
        return
    recorder = StatementRecorder() if request.param == "recorded" else None
    running = RunContext("run-1", "nightly", "task", executed=recorder)
    with entered(running), warehouse.connect() as connection:
        yield connection


def test_what_is_written_can_be_read(place: Any) -> None:
    frame = pd.DataFrame({"id": [1, 2], "word": ["a", "b"]})
    assert tables.write(place, "marts.words", frame) == 2
    assert tables.write(place, "marts.words", [{"id": 3, "word": "c"}]) == 1
    assert tables.read(place, "select max(id) as m from marts.words", as_="dicts") == [{"m": 3}]
    assert tables.write(place, "marts.words", pl.DataFrame({"id": [9]}), mode="replace") == 1
    assert tables.read(place, "from marts.words").to_dict("list") == {"id": [9]}


def test_values_are_bound(place: Any) -> None:
    query = "select id from range(5) t(id) where id > $least"
    assert tables.read(place, query, {"least": 2}, as_="polars")["id"].to_list() == [3, 4]


def test_batches_come_one_by_one(place: Any) -> None:
    with tables.stream(place, "select range as id from range(250000)") as reader:
        sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 250_000
    assert len(sizes) > 1


def test_a_stream_of_one_table_goes_into_another(warehouse: Any) -> None:
    tables.write(warehouse, "source", [{"id": number} for number in range(1000)])
    assert tables.write(warehouse, "copy", tables.stream(warehouse, "from source")) == 1000


def test_a_query_that_fails_is_told_with_its_place(place: Any) -> None:
    with pytest.raises(FAIL, match="nope") as raised:
        tables.read(place, "select nope from range(3)")
    assert raised.value.detail["sql"] == "select nope from range(3)"
    assert Path(__file__).name in raised.value.detail["path"]


def test_a_query_that_fails_on_the_way_is_told_too(place: Any) -> None:
    query = "select case when range < 150000 then 1 else error('too late') end from range(200000)"
    with pytest.raises(FAIL, match="too late"):
        for _ in tables.stream(place, query):
            pass


def test_columns_that_do_not_fit_change_nothing(place: Any) -> None:
    tables.write(place, "t", [{"id": 1, "amount": 2}])
    with pytest.raises(FlowError, match="the table has no 'amonut'; the frame lacks 'amount'"):
        tables.write(place, "t", [{"id": 1, "amonut": 2}], mode="truncate")
    assert tables.read(place, "from t", as_="dicts") == [{"id": 1, "amount": 2}]


def test_an_empty_list_adds_nothing(place: Any) -> None:
    tables.write(place, "t", [{"id": 1}])
    assert tables.write(place, "t", []) == 0
    assert tables.read(place, "from t", as_="dicts") == [{"id": 1}]
    assert tables.write(place, "t", pd.DataFrame(), mode="truncate") == 0
    assert tables.read(place, "from t", as_="dicts") == []


def test_a_stream_of_the_same_connection_says_what_to_do(warehouse: Any) -> None:
    with warehouse.connect() as connection:
        reader = tables.stream(connection, "from range(300000)")
        with pytest.raises(FAIL, match="another connection"):
            tables.write(connection, "copy", reader)


def test_what_runs_is_taken_down(warehouse: Any) -> None:
    recorder = StatementRecorder()
    running = RunContext("run-1", "nightly", "task", executed=recorder)
    with entered(running), warehouse.connect() as connection:
        tables.write(connection, "orders", [{"id": 1}], mode="replace")
        tables.read(connection, "select * from orders")
    texts = [ran.text for ran in recorder.statements()]
    assert texts == ["CREATE OR REPLACE TABLE orders AS SELECT 0 AS rows", "select * from orders"]
    places = [ran.place(1) for ran in recorder.statements() if ran.place]
    assert all(place.startswith(__file__) for place in places)
    assert len(places) == 2


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda c: tables.read(c, "select 1", as_="numpy"), "cannot be read as 'numpy'"),
        (lambda c: tables.write(c, "t", [{"a": 1}], mode="upsert"), "mode 'upsert'"),
        (lambda c: tables.write(c, "t", 3), "a int is no frame"),
        (lambda c: tables.write(c, "t", [], mode="replace"), "has no columns"),
        (lambda c: tables.read("main", "select 1"), "a str is no connection"),
    ],
)
def test_bad_input(warehouse: Any, call: Callable[[Any], Any], said: str) -> None:
    with pytest.raises(FlowError) as raised:
        call(warehouse)
    assert said in raised.value.what
    assert raised.value.fix


def test_a_connection_of_an_unknown_driver() -> None:
    connection = sqlite3.connect(":memory:")
    with pytest.raises(FlowError, match="a Connection is no connection of a warehouse"):
        tables.read(connection, "select 1")
    connection.close()


def test_no_driver_and_no_library_of_frames_is_imported_unasked() -> None:
    code = (
        "import sys, tasks.tables, tasks.datasets;"
        "found = {'duckdb', 'pandas', 'polars', 'pyarrow', 'psycopg', 'snowflake'} & set(sys.modules);"
        "sys.exit(str(found) if found else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
