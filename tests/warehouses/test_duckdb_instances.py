"""One instance of a DuckDB file in a process: shared, kept for the run, let go at its end."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from holder import can_be_opened_elsewhere

from orchestrator.errors import ConfigurationError
from orchestrator.model.context import RunContext, entered
from tasks.duckdb.instances import release_all
from tasks.interrupts import interruptible

Made = Callable[..., Any]


def running(run_id: str = "run-1") -> RunContext:
    return RunContext(run_id, "nightly", "task")


def test_cursors_share_tables_but_not_temporary_ones(duckdb_at: Made) -> None:
    warehouse = duckdb_at()
    with warehouse.connect() as one, warehouse.connect() as other:
        one.execute("create table kept as select 1 as a")
        one.execute("create temporary table passing as select 1 as a")
        names = [
            row[0] for row in other.execute("select table_name from duckdb_tables()").fetchall()
        ]
        assert names == ["kept"]


def test_threads_write_at_the_same_time(duckdb_at: Made) -> None:
    warehouse = duckdb_at()

    def write(number: int) -> None:
        with entered(running()), warehouse.connect() as connection:
            connection.execute(f"create table t{number} as select * from range(1000)")

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with warehouse.connect() as connection:
        assert connection.execute("select count(*) from duckdb_tables()").fetchone() == (8,)


def test_the_file_is_kept_between_the_tasks_of_a_run_and_let_go_at_its_end(
    duckdb_at: Made, tmp_path: Path
) -> None:
    warehouse = duckdb_at()
    with entered(running()), warehouse.connect() as connection:
        connection.execute("create table t as select 1")
    assert not can_be_opened_elsewhere(tmp_path / "shop.duckdb")
    release_all("run-1")
    assert can_be_opened_elsewhere(tmp_path / "shop.duckdb")


def test_another_run_of_the_process_keeps_the_file(duckdb_at: Made, tmp_path: Path) -> None:
    warehouse = duckdb_at()
    for run_id in ("run-1", "run-2"):
        with entered(running(run_id)), warehouse.connect():
            pass
    release_all("run-1")
    assert not can_be_opened_elsewhere(tmp_path / "shop.duckdb")
    release_all("run-2")
    assert can_be_opened_elsewhere(tmp_path / "shop.duckdb")


def test_a_cursor_in_use_outlives_the_release(duckdb_at: Made, tmp_path: Path) -> None:
    with entered(running()), duckdb_at().connect() as connection:
        release_all()
        assert connection.execute("select 1").fetchone() == (1,)
    assert can_be_opened_elsewhere(tmp_path / "shop.duckdb")


def test_outside_a_run_the_file_is_let_go_with_the_last_cursor(
    duckdb_at: Made, tmp_path: Path
) -> None:
    with duckdb_at().connect() as connection:
        connection.execute("create table t as select 1")
    assert can_be_opened_elsewhere(tmp_path / "shop.duckdb")


def test_a_released_file_can_be_used_again(duckdb_at: Made) -> None:
    warehouse = duckdb_at("deep/er/shop.duckdb")
    for number in range(2):
        with entered(running()), warehouse.connect() as connection:
            connection.execute(f"create table t{number} as select 1")
        release_all()
    with warehouse.connect() as connection:
        assert connection.execute("select count(*) from duckdb_tables()").fetchone() == (2,)


def test_memory_lasts_as_long_as_the_run(duckdb_at: Made) -> None:
    with entered(running()):
        with duckdb_at(":memory:").connect() as connection:
            connection.execute("create table t as select 1")
        with duckdb_at(":memory:").connect() as connection:
            assert connection.execute("from t").fetchone() == (1,)


def test_a_schema_is_made_when_first_used(duckdb_at: Made) -> None:
    warehouse = duckdb_at(schema="Raw")
    made: list[str] = []

    def first() -> None:
        with warehouse.connect() as connection:
            made.extend(connection.execute("select current_schema()").fetchone())

    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == ["Raw"] * 8


def test_settings_and_attached_files(duckdb_at: Made, tmp_path: Path) -> None:
    with duckdb_at("other.duckdb").connect() as connection:
        connection.execute("create table t as select 42 as a")
    warehouse = duckdb_at(
        settings={"TimeZone": "Europe/Amsterdam"},
        attach=[{"path": "other.duckdb", "alias": "second", "read_only": True}],
        extensions=["parquet"],
    )
    for _ in range(2):
        with warehouse.connect() as connection:
            assert connection.execute("from second.t").fetchone() == (42,)
            zone = connection.execute("select current_setting('TimeZone')").fetchone()
            assert zone == ("Europe/Amsterdam",)


def test_two_warehouses_of_one_file_must_open_it_alike(duckdb_at: Made) -> None:
    other = duckdb_at(config_options={"allow_unsigned_extensions": True})
    with (
        duckdb_at().connect(),
        pytest.raises(ConfigurationError, match="other config_options"),
        other.connect(),
    ):
        pass


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"config_options": {"threds": 1}}, "not recognized: threds"),
        ({"settings": {"threds": 1}}, "threds"),
        ({"attach": [{"path": "nodir/x.duckdb", "read_only": True}]}, "nodir"),
        ({"extensions": ["no_such_extension"]}, "no_such_extension"),
    ],
)
def test_what_duckdb_refuses_is_an_error_of_the_configuration(
    duckdb_at: Made, tmp_path: Path, config: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said), duckdb_at(**config).connect():
        pass
    assert can_be_opened_elsewhere(tmp_path / "shop.duckdb")


def test_a_file_that_is_no_database(duckdb_at: Made, tmp_path: Path) -> None:
    (tmp_path / "shop.duckdb").write_text("a,b\n1,2\n" * 1000)
    with (
        pytest.raises(ConfigurationError, match="not a valid DuckDB") as raised,
        duckdb_at().connect(),
    ):
        pass
    assert raised.value.where == str(tmp_path / "shop.duckdb")


def test_the_thread_that_interrupts_holds_nothing_while_it_waits() -> None:
    looked = threading.Event()

    class Asked(threading.Event):
        def is_set(self) -> bool:
            looked.set()
            return super().is_set()

    class Statement:
        def stop(self) -> None:
            raise AssertionError("nobody cancelled it")

    statement = Statement()
    left = weakref.ref(statement)
    context = RunContext("run-1", "nightly", "task", cancelled=Asked())
    with entered(context), interruptible(statement.stop):
        assert looked.wait(10)
    del statement
    assert left() is None
