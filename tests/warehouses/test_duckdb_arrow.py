"""Arrow batches out of DuckDB and into its tables."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from orchestrator.errors import FlowError
from tasks.duckdb.session import DuckDBSession
from tasks.sql.session import Mode


@pytest.fixture
def connection(duckdb_at: Callable[..., Any]) -> Iterator[Any]:
    with duckdb_at().connect() as made:
        yield made


def rows(**columns: list[Any]) -> pa.RecordBatchReader:
    return pa.table(columns).to_reader()


def there(connection: Any, table: str) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(f"from {table}").fetchall())


def test_batches_come_one_by_one(connection: Any) -> None:
    reader = DuckDBSession(connection).batches("select range as n from range(?)", [250_000])
    sizes = [batch.num_rows for batch in reader]
    assert sum(sizes) == 250_000
    assert len(sizes) > 1


def test_values_are_bound_by_name(connection: Any) -> None:
    reader = DuckDBSession(connection).batches("select $word as word", {"word": "o'clock"})
    assert reader.read_all().to_pylist() == [{"word": "o'clock"}]


def test_what_fails_on_the_way_is_duckdbs_error(connection: Any) -> None:
    session = DuckDBSession(connection)
    query = "select case when range < 150000 then 1 else error('too late') end from range(200000)"
    reader = session.batches(query)
    with pytest.raises(session.errors, match="too late"):
        reader.read_all()


def test_a_table_that_is_not_there_is_made_with_its_schema(connection: Any) -> None:
    assert DuckDBSession(connection).load("marts.scores", rows(a=[1, 2], b=["x", None])) == 2
    assert there(connection, "marts.scores") == [(1, "x"), (2, None)]


@pytest.mark.parametrize(
    ("mode", "left"),
    [
        (Mode.APPEND, [(1, "old"), (2, "new")]),
        (Mode.TRUNCATE, [(2, "new")]),
        (Mode.REPLACE, [("new", 2)]),  # made anew, with the frame's order of columns
    ],
)
def test_modes(connection: Any, mode: Mode, left: list[tuple[Any, ...]]) -> None:
    connection.execute("create table t (id integer, word text)")
    connection.execute("insert into t values (1, 'old')")
    assert DuckDBSession(connection).load("t", rows(WORD=["new"], Id=[2]), mode) == 1
    assert there(connection, "t") == left


def test_names_are_taken_as_sql_has_them(connection: Any) -> None:
    session = DuckDBSession(connection)
    session.load('"odd schema"."odd.table"', rows(**{"a column": [1]}))
    session.load("shop.main.full", rows(a=[1]))
    session.load("shop.short", rows(a=[1]))
    names = connection.execute("select schema_name || ' ' || table_name from duckdb_tables()")
    assert sorted(names.fetchall()) == [("main full",), ("main short",), ("odd schema odd.table",)]


def test_columns_that_do_not_fit_are_named(connection: Any) -> None:
    connection.execute("create table t (id integer, amount integer, made timestamp default now())")
    with pytest.raises(FlowError) as raised:
        DuckDBSession(connection).load("t", rows(id=[1], amonut=[2]))
    assert raised.value.what == (
        "the columns do not fit t: the table has no 'amonut'; the frame lacks 'amount'"
    )
    assert raised.value.fix == "is 'amonut' meant to be 'amount'? rename it"
    assert there(connection, "t") == []


def test_a_column_with_a_default_may_be_missing(connection: Any) -> None:
    connection.execute("create table t (id integer, word text default 'none')")
    DuckDBSession(connection).load("t", rows(id=[1]))
    assert there(connection, "t") == [(1, "none")]


@pytest.mark.parametrize("columns", [{}, {"a": [1], "A": [2]}])
def test_no_columns_and_columns_twice_are_refused(connection: Any, columns: Any) -> None:
    with pytest.raises(FlowError, match=r"has no columns|more than one column"):
        DuckDBSession(connection).load("t", rows(**columns), Mode.REPLACE)


@pytest.mark.parametrize("mode", list(Mode))
def test_rows_that_break_off_leave_the_table_as_it_was(connection: Any, mode: Mode) -> None:
    connection.execute("create table t as select 1 as a")

    def broken() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"a": list(range(300_000))})
        raise KeyError("the source broke off")

    reader = pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), broken())
    with pytest.raises(KeyError, match="broke off"):
        DuckDBSession(connection).load("t", reader, mode)
    assert there(connection, "t") == [(1,)]


def test_a_value_that_does_not_fit_leaves_the_table_as_it_was(connection: Any) -> None:
    connection.execute("create table t as select 1 as a")
    session = DuckDBSession(connection)
    with pytest.raises(session.errors, match="Could not convert string 'x'"):
        session.load("t", rows(a=["2", "x"]), Mode.TRUNCATE)
    assert there(connection, "t") == [(1,)]


def test_an_open_transaction_takes_the_rows_in(connection: Any) -> None:
    session = DuckDBSession(connection)
    session.load("t", rows(a=[1]))
    session.begin()
    session.load("t", rows(a=[2]), Mode.TRUNCATE)
    assert there(connection, "t") == [(2,)]
    session.rollback()
    assert there(connection, "t") == [(1,)]


def test_a_table_is_made_in_an_open_transaction(connection: Any) -> None:
    """To ask for a table that is not there aborts a transaction: it is looked up in another way."""
    session = DuckDBSession(connection)
    connection.execute(
        'create schema "Raw"; create table "Raw"."T" (a integer, b integer default 7)'
    )
    session.begin()
    for number in (1, 2):
        session.load("fresh.t", rows(a=[number]))
        session.load("raw.t", rows(a=[number]))
    connection.execute("create temporary table own (a integer)")
    session.load("own", rows(a=[3]))
    session.commit()
    assert there(connection, "fresh.t") == [(1,), (2,)]
    assert there(connection, "raw.t") == [(1, 7), (2, 7)]
    assert there(connection, "own") == [(3,)]


def test_threads_that_make_one_schema_wait_for_each_other(duckdb_at: Callable[..., Any]) -> None:
    warehouse, failed = duckdb_at(), []

    def write(number: int) -> None:
        try:
            with warehouse.connect() as connection:
                warehouse.session(connection).load(f"fresh.t{number}", rows(a=[number]))
        except duckdb.Error as error:
            failed.append(error)

    with warehouse.connect():
        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failed == []


def test_threads_that_make_one_table_wait_for_each_other(duckdb_at: Callable[..., Any]) -> None:
    warehouse, failed = duckdb_at(), []

    def write(number: int) -> None:
        try:
            with warehouse.connect() as connection:
                warehouse.session(connection).load("fresh.t", rows(a=[number]))
        except duckdb.Error as error:
            failed.append(error)

    with warehouse.connect() as connection:
        threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert there(connection, "fresh.t") == [(n,) for n in range(8)]
