"""Exporting tables and queries: every format, several files, whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from orchestrator.errors import FlowError
from orchestrator.model.signals import FAIL
from tasks.files import Csv, Excel, ExportTable, LoadFiles
from tasks.files.failures import BadFileError, FileError
from tasks.files.formats import format_of
from tasks.files.writers import writer_of
from tasks.tables import read
from tasks.tables import write as write_table

Query = Callable[[str], list[Any]]
ODD = """
select 1 as id, 'a "quoted", text' as name, 1.50::decimal(9, 2) as price, date '2026-03-01' as day,
    timestamp '2026-03-01 12:00:00.123456' as made, true as ok, null::int as none,
    {'x': [1, 2]} as nested, 'bytes'::blob as raw, 9007199254740993 as large, '=1+1' as formula,
    timestamptz '2026-03-01 12:00:00+00' as zoned, time '12:34:56' as clock
"""


@pytest.fixture
def many(query: Query) -> None:
    """A table of 25,000 rows."""
    query("create table many as select range as id, 'row ' || range as name from range(25000)")


def below(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_csv(folder: Path, warehouse: Any) -> None:
    result = ExportTable(query=ODD, target="out/odd.csv").run(warehouse=warehouse)
    assert result.value == ["out/odd.csv"]
    assert result.rows == 1
    row = next(csv.DictReader(io.StringIO((folder / "out/odd.csv").read_text())))
    assert row["name"] == 'a "quoted", text'
    assert (row["price"], row["day"], row["none"]) == ("1.50", "2026-03-01", "")
    assert row["made"] == "2026-03-01 12:00:00.123456"
    assert json.loads(row["nested"]) == {"x": [1, 2]}


def test_csv_of_another_dialect(folder: Path, warehouse: Any) -> None:
    form = Csv(delimiter=";", encoding="latin-1", header=False)
    ExportTable(query="select 1, 'Käse'", target="a.txt", format=form).run(warehouse=warehouse)
    assert (folder / "a.txt").read_bytes() == b'1;"K\xe4se"\n'
    with pytest.raises(FlowError, match="only delimiter, header and encoding"):
        ExportTable(query="select 1", target="a.txt", format=Csv(quote="'")).run(
            warehouse=warehouse
        )


def test_json(folder: Path, warehouse: Any) -> None:
    ExportTable(query=ODD, target="odd.jsonl").run(warehouse=warehouse)
    row = json.loads((folder / "odd.jsonl").read_text())
    assert (row["price"], row["nested"], row["ok"]) == ("1.50", {"x": [1, 2]}, True)
    assert (row["made"], row["raw"]) == ("2026-03-01T12:00:00.123456", "Ynl0ZXM=")


def test_parquet(folder: Path, warehouse: Any, many: None) -> None:
    ExportTable("many", "many.parquet").run(warehouse=warehouse)
    assert parquet.read_metadata(folder / "many.parquet").num_row_groups == 1
    assert parquet.read_table(folder / "many.parquet").num_rows == 25_000


def test_excel(folder: Path, warehouse: Any) -> None:
    form = Excel(sheet="Odd")
    ExportTable(query=ODD, target="odd.xlsx", format=form).run(warehouse=warehouse)
    book = openpyxl.load_workbook(folder / "odd.xlsx")
    names, values = (tuple(cell.value for cell in row) for row in book["Odd"].iter_rows())
    row = dict(zip(names, values, strict=True))
    assert (row["price"], row["large"], row["ok"]) == (1.5, "9007199254740993", True)
    assert book["Odd"].cell(2, names.index("formula") + 1).data_type == "s"
    book.close()


@pytest.mark.parametrize("value", ["repeat('x', 40000)", "'a' || chr(7)"])
def test_what_a_cell_cannot_hold(value: str, folder: Path, warehouse: Any) -> None:
    with pytest.raises(BadFileError, match="row 2, column long"):
        ExportTable(query=f"select {value} as long", target="a.xlsx").run(warehouse=warehouse)
    assert below(folder) == ["shop.duckdb"]


def test_packed(folder: Path, warehouse: Any) -> None:
    ExportTable(query="select 1 as id", target="a.csv.gz").run(warehouse=warehouse)
    assert gzip.decompress((folder / "a.csv.gz").read_bytes()) == b'"id"\n1\n'


def test_no_rows_make_a_file_with_a_header(folder: Path, warehouse: Any) -> None:
    ExportTable(query="select 1 as id where false", target="a.csv").run(warehouse=warehouse)
    assert (folder / "a.csv").read_text() == '"id"\n'


def test_several_files_of_some_rows(folder: Path, warehouse: Any, many: None) -> None:
    export = ExportTable("many", "out/many.csv", max_rows=10_000)
    result = export.run(warehouse=warehouse)
    assert result.value == [f"out/many-0000{n}.csv" for n in (1, 2, 3)]
    assert result.message.startswith("exported 25,000 rows to 3 files")
    lines = [(folder / name).read_text().count("\n") for name in result.value]
    assert lines == [10_001, 10_001, 5_001]


def test_several_files_of_some_bytes(folder: Path, warehouse: Any, many: None) -> None:
    result = ExportTable("many", "many.csv", max_bytes=100_000).run(warehouse=warehouse)
    assert len(result.value) > 1
    loaded = LoadFiles("many-*.csv", "again").run(warehouse=warehouse)
    assert loaded.rows == 25_000


def test_files_of_an_earlier_export_do_not_stay(
    folder: Path, warehouse: Any, many: None, query: Query
) -> None:
    export = ExportTable("many", "out/many.csv", max_rows=10_000)
    export.run(warehouse=warehouse)
    (folder / "out/many-extra.csv").write_text("mine")
    query("delete from many where id >= 5000")
    export.run(warehouse=warehouse)
    assert below(folder / "out") == ["many-00001.csv", "many-extra.csv"]


def test_a_query_that_fails_on_the_way_leaves_the_old_file(
    folder: Path, warehouse: Any, many: None
) -> None:
    (folder / "a.csv").write_text("old")
    broken = "select case when id < 24000 then id else error('no') end as id from many"
    with pytest.raises(FAIL) as raised:
        ExportTable(query=broken, target="a.csv").run(warehouse=warehouse)
    assert "no" in raised.value.message
    assert (folder / "a.csv").read_text() == "old"
    assert "shop.duckdb" in below(folder)
    assert not [name for name in below(folder) if "part" in name]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet", "xlsx"])
def test_columns_of_one_name(ending: str) -> None:
    table = pa.table([pa.array([1]), pa.array([2])], names=["sum", "sum"])
    with pytest.raises(FlowError, match="more than one column 'sum'"):
        writer_of(format_of(None, f"a.{ending}"), io.BytesIO(), table.schema, f"a.{ending}")


def test_what_is_there(folder: Path, warehouse: Any) -> None:
    (folder / "a.csv").write_text("old")
    export = ExportTable(query="select 1 as id", target="a.csv", if_exists="fail")
    with pytest.raises(FileError, match="is there already"):
        export.run(warehouse=warehouse)
    assert export.copy(if_exists="skip").run(warehouse=warehouse).value == []
    assert (folder / "a.csv").read_text() == "old"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"table": "a", "query": "select 1"},
        {"table": "a", "max_rows": 0},
        {"table": "a", "target": "a.pdf"},
        {"table": "a", "if_exists": "append"},
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(FlowError):
        ExportTable(**{"target": "a.csv", **options})


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
COLUMNS = {
    "whole": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "number": (pa.float64(), st.floats(allow_nan=False)),
    "words": (pa.string(), TEXT),
    "day": (pa.date32(), st.dates()),
    "moment": (pa.timestamp("us"), st.datetimes()),
    "flag": (pa.bool_(), st.booleans()),
    "money": (pa.decimal128(18, 2), st.decimals(-(10**15), 10**15, places=2)),
}


@st.composite
def tables(draw: Any) -> pa.Table:
    """A table of some of the columns, nulls in all of them."""
    names = draw(st.lists(st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4, unique=True))
    size = draw(st.integers(0, 6))
    columns = {}
    for name in names:
        kind, values = COLUMNS[name]
        rows = draw(st.lists(st.none() | values, min_size=size, max_size=size))
        columns[name] = pa.array(rows, type=kind)
    return pa.table(columns)


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz"])
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(table=tables())
def test_what_is_exported_comes_back(ending: str, table: pa.Table, warehouse: Any) -> None:
    write_table(warehouse, "given", table, mode="replace")
    write_table(warehouse, "back", table.slice(0, 0), mode="replace")
    ExportTable("given", f"given.{ending}").run(warehouse=warehouse)
    result = LoadFiles(f"given.{ending}", "back").run(warehouse=warehouse)
    assert result.rows == table.num_rows
    assert read(warehouse, "from back", as_="arrow").cast(table.schema).equals(table)
