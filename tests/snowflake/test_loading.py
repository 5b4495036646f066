"""Arrow into Snowflake's tables and out of them, on fakesnow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from tasks import LoadFiles, SnowflakeQuery, SqlCheck, SqlTask, tables
from tasks.snowflake import loading
from tasks.sql.session import Mode
from tests.snowflake.recorded_snowflake import Recorded


def numbers(batches: int, rows: int, produced: list[int] | None = None) -> pa.RecordBatchReader:
    schema = pa.schema({"n": pa.int64()})

    def made() -> Iterator[pa.RecordBatch]:
        for number in range(batches):
            if produced is not None:
                produced.append(number)
            yield pa.record_batch({"n": list(range(number * rows, (number + 1) * rows))})

    return pa.RecordBatchReader.from_batches(schema, made())


def test_many_rows_go_in_several_files_and_one_copy(
    warehouse: Any, fakesnow_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_FILE", 20_000)  # bytes: two batches of 10,000 bytes or more
    before = fakesnow_server.log.read_text().count("Uploaded")
    with warehouse.connect() as connection:
        assert warehouse.session(connection).load("t", numbers(8, 1_250)) == 10_000
    uploads = fakesnow_server.log.read_text().count("Uploaded") - before
    assert uploads == 4
    query = "select count(*), count(distinct n), max(n) from t"
    assert SnowflakeQuery(query).run(warehouse=warehouse).value == [(10_000, 10_000, 9_999)]


def test_a_file_is_put_and_forgotten_before_the_next_is_written(
    warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "_FILE", 1)
    produced: list[int] = []
    seen: list[tuple[int, int]] = []
    put = loading._Staged.put

    def watched(self: Any, path: Path) -> None:
        seen.append((len(produced), len(list(path.parent.iterdir()))))
        put(self, path)

    monkeypatch.setattr(loading._Staged, "put", watched)
    with warehouse.connect() as connection:
        warehouse.session(connection).load("t", numbers(5, 10, produced))
    # Never more than one file on the disk, nor a batch read before the one before was put.
    assert seen == [(number, 1) for number in range(1, 6)]


def test_what_is_said_to_snowflake(recorded: Recorded, spoken: Any) -> None:
    """The statements, since fakesnow does not tell all of them apart."""
    columns = [("name", "TEXT"), ("type", "TEXT"), ("kind", "TEXT"), ("null", "TEXT"), ("default", "TEXT")]  # fmt: skip
    recorded.answer("^describe", columns, ("N", "NUMBER", "COLUMN", "Y", None))
    with spoken.connect() as connection:
        spoken.session(connection).load("raw.t", numbers(0, 0), Mode.TRUNCATE)
    assert recorded.texts == [
        'DESCRIBE TABLE "RAW"."T"', "BEGIN", 'DELETE FROM "RAW"."T"', "COMMIT",
    ]  # fmt: skip


def test_names_of_new_columns_need_no_quotes_where_they_are_plain(warehouse: Any) -> None:
    rows = pa.table({"total": [1], "Name": ["x"]})
    with warehouse.connect() as connection:
        tables.write(connection, "t", rows)
        found = tables.read(connection, "select * from t", as_="dicts")
    assert found == [{"total": 1, "name": "x"}]
    query = "select TOTAL, name from t"
    assert SnowflakeQuery(query).run(warehouse=warehouse).value == [(1, "x")]


def test_a_table_goes_over_as_a_stream(warehouse: Any) -> None:
    SnowflakeQuery("create table t as select seq4() as n from table(generator(rowcount => 1000))").run(
        warehouse=warehouse
    )  # fmt: skip
    tables.write(warehouse, "u", tables.stream(warehouse, "select n from t"), mode="replace")
    assert SnowflakeQuery("select sum(n) from u").run(warehouse=warehouse).value == [(499_500,)]


def test_a_select_becomes_a_table_a_view_and_an_increment(warehouse: Any) -> None:
    def made(sql: str, **said: Any) -> None:
        SqlTask(sql, **said).run(warehouse=warehouse)

    made("select 1 as id, 'a' as s", materialized="table", table="base")
    made("select * from base", materialized="view", table="seen")
    for word in ("x", "y"):
        made(
            f"select id, '{word}' as s from seen",
            materialized="incremental", table="grown", unique_key="id",
        )  # fmt: skip
    assert SnowflakeQuery("select * from grown").run(warehouse=warehouse).value == [(1, "y")]


def test_a_check_holds_or_says_what_does_not(warehouse: Any) -> None:
    SnowflakeQuery("create table t (id int); insert into t values (1), (1), (null)").run(
        warehouse=warehouse
    )
    SqlCheck("t", rows=(1, 3)).run(warehouse=warehouse)
    with pytest.raises(Exception, match="id") as raised:
        SqlCheck("t", unique="id", not_null="id").run(warehouse=warehouse)
    assert re.search("unique|twice|not", str(raised.value))


def test_a_csv_file_is_loaded(warehouse: Any, in_tmp: Path) -> None:
    (in_tmp / "orders.csv").write_text("id,amount\n1,1.5\n2,2.5\n")
    LoadFiles("orders.csv", "raw.orders").run(warehouse=warehouse)
    rows = SnowflakeQuery("select id, amount from raw.orders order by id").run(warehouse=warehouse)
    assert [(i, float(a)) for i, a in rows.value] == [(1, 1.5), (2, 2.5)]
