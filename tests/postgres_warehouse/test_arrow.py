"""Arrow out of Postgres and into it: types, bounded memory, open cursors."""

from __future__ import annotations

import datetime as dt
import decimal
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from orchestrator.errors import FlowError
from orchestrator.model.planning import RunOptions
from tasks import tables
from tasks.sql.session import Mode
from tasks.warehouses import make

KINDS = [
    ("1::smallint", pa.int16(), 1),
    ("'x'::char(3)", pa.string(), "x  "),
    ("1.50::numeric(10, 2)", pa.decimal128(10, 2), decimal.Decimal("1.50")),
    ("1.5::numeric(60, 30)", pa.decimal256(60, 30), decimal.Decimal("1.5")),
    ("sum(1.5)", pa.float64(), 1.5),
    ("'NaN'::numeric", pa.float64(), "nan"),
    ("'infinity'::float8", pa.float64(), float("inf")),
    ("date '2026-03-29'", pa.date32(), dt.date(2026, 3, 29)),
    ("timestamp '2026-03-29 02:30'", pa.timestamp("us"), dt.datetime(2026, 3, 29, 2, 30)),
    ("'\\x00ff'::bytea", pa.binary(), b"\x00\xff"),
    ("'{\"a\": [1]}'::jsonb", pa.string(), '{"a": [1]}'),
    ("'6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid", pa.string(), "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    ("array[1, null, 3]", pa.list_(pa.int32()), [1, None, 3]),
    ("array[1.5, null]", pa.list_(pa.float64()), [1.5, None]),
    ("array['a', null]::varchar[]", pa.list_(pa.string()), ["a", None]),
    ("'10.0.0.1'::inet", pa.string(), "10.0.0.1"),
    ("int4range(1, 5)", pa.string(), "[1,5)"),
    ("row(1, 'a')", pa.string(), "(1,a)"),
    ("'happy'::mood", pa.string(), "happy"),
    ("interval '90 seconds'", pa.duration("us"), dt.timedelta(seconds=90)),
    ("time '10:30'", pa.time64("us"), dt.time(10, 30)),
]  # fmt: skip


@pytest.fixture
def session(warehouse: Any) -> Any:
    with warehouse.connect() as connection:
        yield warehouse.session(connection)


def rows(**columns: Any) -> pa.RecordBatchReader:
    return pa.table(columns).to_reader()


def there(session: Any, query: str) -> list[Any]:
    return list(session.connection.execute(query).fetchall())


@pytest.mark.parametrize(("value", "kind", "expected"), KINDS, ids=lambda v: str(v)[:20])
def test_types_out(session: Any, value: str, kind: pa.DataType, expected: Any) -> None:
    session.connection.execute("create type mood as enum ('happy', 'sad')")
    table = session.batches(f"select {value} as v").read_all()
    assert table.schema.field("v").type == kind
    (found,) = table.column("v").to_pylist()
    assert str(found) == "nan" if expected == "nan" else found == expected
    (statement,) = session.split(f"select {value} as v")
    assert session.execute(statement, fetch="arrow").value.equals(table) or expected == "nan"


def test_instants_are_utc(session: Any) -> None:
    session.connection.execute("set timezone to 'Europe/Amsterdam'")
    table = session.batches(
        "select timestamptz '2026-03-29 04:00+02' as at, null::timestamptz as n"
    ).read_all()
    assert table.schema.field("at").type == pa.timestamp("us", "UTC")
    assert table.column("at").to_pylist()[0].isoformat() == "2026-03-29T02:00:00+00:00"


IN = [
    (pa.array([200, None], pa.uint8()), "smallint", 200),
    (pa.array([2**64 - 1, None], pa.uint64()), "numeric(20,0)", decimal.Decimal(2**64 - 1)),
    (pa.array([float("nan"), None], pa.float64()), "double precision", "nan"),
    (pa.array([float("-inf"), None], pa.float32()), "real", float("-inf")),
    (pa.array([b"\x00\\x41,\n", None], pa.large_binary()), "bytea", b"\x00\\x41,\n"),
    (pa.array(['a,"b"\r\n\\.', None]), "text", 'a,"b"\r\n\\.'),
    (pa.array(["", None], pa.large_string()), "text", ""),
    (pa.array(["x", None]).dictionary_encode(), "text", "x"),
    (pa.array([[1, None], None]), "jsonb", [1, None]),
    (pa.array([{"a": dt.date(2026, 1, 1)}, None]), "jsonb", {"a": "2026-01-01"}),
    (pa.array([dt.timedelta(days=1, microseconds=5), None]), "interval", dt.timedelta(1, 0, 5)),
    (pa.array([dt.time(1, 2, 3, 4), None]), "time without time zone", dt.time(1, 2, 3, 4)),
    (pa.array([1_600_000_000_123_456_789, None], pa.timestamp("ns")), "timestamp without time zone",
     dt.datetime(2020, 9, 13, 12, 26, 40, 123457)),
    (pa.array([dt.datetime(1, 1, 1), None], pa.timestamp("s")), "timestamp without time zone",
     dt.datetime(1, 1, 1)),
    (pa.array([decimal.Decimal("-0.00001"), None], pa.decimal256(50, 5)), "numeric(50,5)",
     decimal.Decimal("-0.00001")),
    (pa.nulls(2), "text", None),
]  # fmt: skip


@pytest.mark.parametrize(("values", "kind", "expected"), IN, ids=lambda v: str(v)[:20])
def test_types_in(session: Any, values: pa.Array, kind: str, expected: Any) -> None:
    assert session.load("t", rows(v=values)) == 2
    assert session.load("t", rows(v=values), Mode.TRUNCATE) == 2
    asked = "select format_type(atttypid, atttypmod) from pg_attribute where attname = 'v' and attrelid = 't'::regclass"
    assert there(session, asked) == [(kind,)]
    ((found,), (nothing,)) = there(session, "select v from t")
    assert nothing is None
    assert str(found) == "nan" if expected == "nan" else found == expected


def test_names_of_new_columns_and_tables(session: Any) -> None:
    session.load('"Odd schema"."a.b"', rows(**{"Order ID": [1], "Total": [2], "select": [3]}))
    assert there(session, 'select "Order ID", total, "select" from "Odd schema"."a.b"') == [
        (1, 2, 3)
    ]
    session.connection.execute('drop schema "Odd schema" cascade')


@pytest.mark.parametrize("name", ["t; drop table u", "a.b.c.d", "select 1"])
def test_what_is_no_name(session: Any, name: str) -> None:
    session.connection.execute("create table u as select 1 as a")
    with pytest.raises(psycopg.Error):
        session.load(name, rows(a=[1]), Mode.REPLACE)
    assert there(session, "select * from u") == [(1,)]


def test_columns_that_fill_themselves_may_be_missing(session: Any) -> None:
    session.connection.execute(
        "create table t (id int generated always as identity, at date default '2026-01-01', a int)"
    )
    session.load("t", rows(A=[7]))
    assert there(session, "select * from t") == [(1, dt.date(2026, 1, 1), 7)]
    with pytest.raises(FlowError, match="the frame lacks 'a'"):
        session.load("t", rows(at=[dt.date(2026, 1, 2)]))


def test_truncate_keeps_grants_and_views(session: Any) -> None:
    session.connection.execute("create table t (a int); create view v as select a from t")
    session.load("t", rows(a=[1]), Mode.TRUNCATE)
    assert there(session, "select a from v") == [(1,)]
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        session.load("t", rows(a=[2]), Mode.REPLACE)
    assert there(session, "select a from v") == [(1,)]


def test_statements_between_batches(session: Any) -> None:
    session.connection.execute("create table seen (n int)")
    for batch in session.batches("select n from generate_series(1, 25000) as g (n)"):
        session.connection.execute("insert into seen values (%s)", [batch.num_rows])
    assert session.connection.info.transaction_status.name == "IDLE"
    assert there(session, "select count(*), sum(n) from seen") == [(3, 25_000)]


def test_batches_within_a_transaction_leave_it_open(session: Any) -> None:
    session.begin()
    session.connection.execute("create table t as select 1 as a")
    assert session.batches("select a from t").read_all().num_rows == 1
    session.rollback()
    assert there(session, "select to_regclass('t')") == [(None,)]


def test_a_query_that_fails_leaves_no_transaction_open(session: Any) -> None:
    for query in ("select nope", "create table t (a int)"):
        with pytest.raises(psycopg.Error):
            session.batches(query)
        assert session.connection.info.transaction_status.name == "IDLE"
    late = "select 1 / (20000 - n) as a from generate_series(1, 30000) as g (n)"
    with pytest.raises(psycopg.errors.DivisionByZero):
        session.batches(late).read_all()
    assert session.connection.info.transaction_status.name == "IDLE"


PEAK = """
import sys
from pathlib import Path
from orchestrator.model.planning import RunOptions
from tasks.sql.session import Mode
from tasks.warehouses import make
from tests.peak_memory import peak

def reader(session, rows):
    return session.batches(f"select n, 'name number ' || n as name, repeat('x', 100) as pad from generate_series(1, {rows}) g (n)")

table = {"type": "postgres", "host": sys.argv[1], "dbname": "test", "user": "test", "schema": sys.argv[2]}
warehouse = make("main", table, root=Path(), options=RunOptions())
with warehouse.connect() as read, warehouse.connect() as write:
    out, into = warehouse.session(read), warehouse.session(write)
    into.load("copied", reader(out, 100_000), Mode.REPLACE)
    before = peak()
    rows = sum(batch.num_rows for batch in reader(out, 2_000_000))
    print(rows, round(peak() - before))
    rows = into.load("copied", reader(out, 1_000_000), Mode.REPLACE)
    print(rows, round(peak() - before))
"""


@pytest.mark.slow
def test_two_million_rows_pass_in_bounded_memory(settings: dict[str, Any]) -> None:
    """2,000,000 rows of some 130 bytes are 260 MB; so much may not pile up, read or loaded."""
    done = subprocess.run(
        [sys.executable, "-c", PEAK, settings["host"], settings["schema"]],
        capture_output=True, text=True, timeout=200,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    read, loaded = (tuple(map(int, line.split())) for line in done.stdout.splitlines())
    assert read[0] == 2_000_000
    assert loaded[0] == 1_000_000
    assert max(read[1], loaded[1]) < 60  # MB


def test_a_stream_from_duckdb(warehouse: Any, session: Any, tmp_path: Path) -> None:
    table = {"type": "duckdb", "path": "lake.duckdb"}
    lake = make("lake", table, root=tmp_path, options=RunOptions())
    rows = tables.stream(lake, "select range as n, 'it''s ' || range as s from range(200000)")
    assert tables.write(warehouse, "raw_orders", rows, mode="replace") == 200_000
    assert there(session, "select count(*), sum(n), max(s) from raw_orders") == [
        (200_000, 19_999_900_000, "it's 99999")
    ]


def test_threads_that_make_one_schema(warehouse: Any) -> None:
    meet, failures = threading.Barrier(6, timeout=60), []

    def load(number: int) -> None:
        try:
            with warehouse.connect() as connection:
                meet.wait()
                warehouse.session(connection).load(f"fresh.t{number}", rows(a=[number]))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=load, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with warehouse.connect() as connection:
        connection.execute("drop schema fresh cascade")


@pytest.mark.parametrize("value", ["'NaN'::numeric(5, 2)", "'infinity'::timestamp"])
def test_values_that_arrow_does_not_have(session: Any, value: str) -> None:
    with pytest.raises(session.errors) as raised:
        session.batches(f"select {value} as v").read_all()
    assert session.failure(raised.value).message
    assert session.connection.info.transaction_status.name != "INERROR"
