"""Files under the names of tables, and tables as files."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model.context import RunContext, entered
from tasks.duckdb.session import DuckDBSession

Made = Callable[..., Any]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Files of three formats below ``data/``."""
    data = tmp_path / "data"
    (data / "orders" / "2026").mkdir(parents=True)
    with duckdb.connect() as connection:
        for number in (1, 2):
            target = data / "orders" / "2026" / f"{number}.parquet"
            connection.execute(f"copy (select {number} as id) to '{target}'")
    (data / "days.csv").write_text("day;rain\nMon;1,5\nTue;0,0\n")
    (data / "events.jsonl").write_text('{"kind": "a"}\n{"kind": "b"}\n')
    return data


def test_files_have_the_names_of_tables(duckdb_at: Made, files: Path) -> None:
    warehouse = duckdb_at(
        files={
            "orders": {"path": "data/orders/", "format": "parquet"},
            "raw.days": {
                "path": "data/*.csv",
                "options": {"delim": ";", "decimal_separator": ",", "types": {"rain": "DOUBLE"}},
            },
            "events": "data/events.jsonl",
        }
    )
    with warehouse.connect() as connection:
        assert connection.execute("select sum(id) from orders").fetchall() == [(3,)]
        assert connection.execute("select sum(rain) from raw.days").fetchall() == [(1.5,)]
        assert connection.execute("select count(*) from main.events").fetchall() == [(2,)]


def test_a_change_of_the_setting_or_of_the_files_is_seen_by_the_next_run(
    duckdb_at: Made, files: Path
) -> None:
    with duckdb_at(files={"days": "data/events.jsonl"}).connect():
        pass
    (files / "days.csv").write_text("day,sun\nMon,3\n")
    with duckdb_at(files={"days": "data/days.csv"}).connect() as connection:
        assert connection.execute("select sun from days").fetchall() == [(3,)]


def test_files_may_come_later(
    duckdb_at: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse = duckdb_at(files={"late": "out/*.parquet"})
    with entered(RunContext("run-1", "nightly", "task")):
        with warehouse.connect() as connection:
            assert "late: there are no files out/*.parquet yet" in caplog.text
            warehouse.session(connection).export("select 1 as id", tmp_path / "out" / "a.parquet")
        with warehouse.connect() as connection:
            assert connection.execute("from late").fetchall() == [(1,)]


def test_threads_find_the_views_made(duckdb_at: Made, files: Path) -> None:
    warehouse = duckdb_at(files={"orders": "data/orders/**/*.parquet"})
    counts: list[Any] = []

    def count() -> None:
        with entered(RunContext("run-1", "nightly", "task")), warehouse.connect() as connection:
            counts.extend(connection.execute("select count(*) from orders").fetchall())

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [(2,)] * 8


def test_the_name_of_a_table_is_refused(duckdb_at: Made, files: Path) -> None:
    with duckdb_at().connect() as connection:
        connection.execute("create table orders (id integer)")
    with (
        pytest.raises(
            ConfigurationError, match=r"the view orders over data/events\.jsonl"
        ) as raised,
        duckdb_at(files={"orders": "data/events.jsonl"}).connect(),
    ):
        pass
    assert (raised.value.where or "").endswith("[warehouses.local], files.orders")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"a": 3}, "3 is no path"),
        ({"a": "data/orders/"}, "the format of 'data/orders/' is open"),
        ({"a": {"path": "data/x", "format": "xml"}}, "'xml' is no format"),
        ({"a": {"path": "data/x.csv", "sep": ";"}}, "unknown key 'sep'"),
        ({"a.b.c": "x.csv"}, "'a.b.c' is no name of a view"),
    ],
)
def test_settings_that_cannot_be_read(duckdb_at: Made, setting: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        duckdb_at(files=setting)
    assert said in raised.value.what


@pytest.mark.parametrize("name", ["out.parquet", "deep/er/out.csv", "out.json"])
def test_a_table_becomes_a_file(duckdb_at: Made, tmp_path: Path, name: str) -> None:
    with duckdb_at().connect() as connection:
        connection.execute("create table t as select range as id from range(3)")
        assert DuckDBSession(connection).export("t", tmp_path / name) == 3
        query = "select id from t where id > $least; "
        assert DuckDBSession(connection).export(query, tmp_path / name, {"least": 1}) == 1
        assert connection.execute(f"from '{tmp_path / name}'").fetchall() == [(2,)]


def test_options_of_copy(duckdb_at: Made, tmp_path: Path) -> None:
    with duckdb_at().connect() as connection:
        session = DuckDBSession(connection)
        query = "select range as id, range % 2 as odd from range(4) -- all of them"
        session.export(query, tmp_path / "o.csv", delim=";", header=False)
        assert (tmp_path / "o.csv").read_text().splitlines()[1] == "1;1"
        session.export(query, tmp_path / "parts", format="parquet", partition_by=["odd"])
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == ["odd=0", "odd=1"]


def test_an_export_that_fails_leaves_what_was_there(duckdb_at: Made, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("as it was")
    with duckdb_at().connect() as connection, pytest.raises(duckdb.Error, match="too late"):
        DuckDBSession(connection).export("select error('too late')", target)
    assert target.read_text() == "as it was"
    assert [path.name for path in tmp_path.glob("*out.csv*")] == ["out.csv"]


def test_an_export_of_no_known_format(duckdb_at: Made) -> None:
    with duckdb_at().connect() as connection, pytest.raises(FlowError, match="format is not known"):
        DuckDBSession(connection).export("select 1", "out.xml")
