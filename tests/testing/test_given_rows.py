"""Rows of any form become tables of the right types; what cannot be read is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestrator.errors import UsageError
from orchestrator.testing.loading import fetched, load


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as opened:
        yield opened


def loaded(connection: duckdb.DuckDBPyConnection, given: Any, *folders: Path) -> list[Any]:
    load(connection, "t", given, what="the rows given for t", folders=folders)
    return fetched(connection, "select * from t")


def types(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return {row["column_name"]: row["column_type"] for row in fetched(connection, "describe t")}


def test_types_follow_the_values(connection: duckdb.DuckDBPyConnection) -> None:
    row = {
        "i": 1, "big": 2**70, "f": 1.5, "s": "x", "b": True, "d": date(2026, 3, 1), "n": None,
        "at": datetime(2026, 3, 1, 6), "utc": datetime(2026, 3, 1, 6, tzinfo=UTC),
        "m": Decimal("2.50"), "list": [1, 2], "map": {"a": 1},
    }  # fmt: skip
    found = loaded(connection, [row, {"i": None, "late": 7}])
    assert types(connection) == {
        "i": "BIGINT", "big": "HUGEINT", "f": "DOUBLE", "s": "VARCHAR", "b": "BOOLEAN",
        "d": "DATE", "n": "VARCHAR", "at": "TIMESTAMP", "utc": "TIMESTAMP WITH TIME ZONE",
        "m": "DECIMAL(38,9)", "list": "INTEGER[]", "map": "STRUCT(a INTEGER)", "late": "BIGINT",
    }  # fmt: skip
    assert found[0]["m"] == Decimal("2.5")
    assert found[0]["utc"] == row["utc"]
    assert found[1] == dict.fromkeys(row) | {"late": 7}


def test_values_of_alike_types_share_one(connection: duckdb.DuckDBPyConnection) -> None:
    loaded(connection, [{"a": 1, "d": date(2026, 3, 1)}, {"a": 1.5, "d": datetime(2026, 3, 1, 1)}])
    assert types(connection) == {"a": "DOUBLE", "d": "TIMESTAMP"}


def test_types_can_be_said(connection: duckdb.DuckDBPyConnection) -> None:
    given = {"rows": [{"a": 1, "d": "2026-03-01"}], "types": {"a": "decimal(10,2)", "d": "date"}}
    assert loaded(connection, given) == [{"a": Decimal("1.00"), "d": date(2026, 3, 1)}]


def test_no_rows_need_their_types(connection: duckdb.DuckDBPyConnection) -> None:
    assert loaded(connection, {"rows": [], "types": {"id": "integer"}}) == []
    assert types(connection) == {"id": "INTEGER"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("o.csv", "id,day\n1,2026-03-01\n"),
        ("o.json", '[{"id": 1, "day": "2026-03-01"}]'),
        ("o.jsonl", '{"id": 1, "day": "2026-03-01"}\n'),
    ],
)
def test_files(connection: duckdb.DuckDBPyConnection, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    assert loaded(connection, name, tmp_path) == [{"id": 1, "day": date(2026, 3, 1)}]


def test_parquet_arrow_and_pandas(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    import pandas
    import pyarrow
    import pyarrow.parquet

    table = pyarrow.table({"id": [1, 2]})
    pyarrow.parquet.write_table(table, tmp_path / "o.parquet")
    for given in (table, pandas.DataFrame({"id": [1, 2]}), tmp_path / "o.parquet"):
        assert loaded(connection, given) == [{"id": 1}, {"id": 2}]
        connection.execute("drop table t")


def test_queries_and_csv_text(connection: duckdb.DuckDBPyConnection) -> None:
    assert loaded(connection, "select 1 as id;") == [{"id": 1}]
    connection.execute("drop table t")
    text = {"format": "csv", "rows": "id,day\n  1,2026-03-01\n"}
    assert loaded(connection, text) == [{"id": 1, "day": date(2026, 3, 1)}]
    connection.execute("drop table t")
    assert loaded(connection, {"format": "sql", "rows": "select 2 as id"}) == [{"id": 2}]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([1], "row 1 of the rows given for t is 1, not a mapping"),
        ([], "without rows nobody can tell the columns"),
        (7, "are no rows"),
        ("orders", "neither a file of rows nor a query"),
        ("orders.csv", "there is no file 'orders.csv'"),
        ("select nonsense from nowhere", "cannot be read"),
        ([{"a": 1}, {"a": "x"}], "column 'a' has values of several types: BIGINT, VARCHAR"),
        ({"rows": [{"a": "x"}], "types": {"a": "integer"}}, "cannot be made a table"),
        ({"rows": [{"a": 1}], "types": {"b": "integer"}}, "types names 'b', which no row has"),
        ({"row": []}, "'row' is not known here"),
        ({"rows": "id\n1", "format": "dict"}, "format 'dict' does not go with these rows"),
        ({"rows": [], "format": "xml"}, "format 'xml' does not go"),
    ],
)
def test_what_cannot_be_read_is_said(
    connection: duckdb.DuckDBPyConnection, given: Any, says: str
) -> None:
    with pytest.raises(UsageError) as raised:
        loaded(connection, given)
    assert says in str(raised.value)
    assert raised.value.fix or "no row has" in says
