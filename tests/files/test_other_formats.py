"""JSON, Parquet and Excel into a table; several files; files that are not what they say."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from pyarrow import parquet

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.model.signals import FAIL, SKIP
from tasks.files import Csv, Excel, ExportTable, Json, ListFiles, LoadFiles, Parquet
from tasks.files.failures import BadFileError, FileMissingError

Write = Callable[[str, str | bytes], Path]
Query = Callable[[str], list[Any]]


def load(source: Any, warehouse: Any, **options: Any) -> Any:
    return LoadFiles(source, "raw.orders", **options).run(warehouse=warehouse)


def workbook(path: Path, rows: list[list[Any]], sheet: str = "Orders") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(row)
    book.save(path)
    book.close()


# -- JSON ---------------------------------------------------------------------------------


def test_json_lines(write: Write, query: Query, warehouse: Any) -> None:
    rows = [
        {"id": 1, "name": "one", "tags": ["a", "b"], "amount": 1},
        {"id": 2, "amount": 2.5, "more": {"x": None}},
    ]
    write("in.jsonl", "\n".join(map(json.dumps, rows)) + "\n\n")
    assert load("in.jsonl", warehouse).rows == 2
    assert query("select id, name, tags, amount, more from raw.orders") == [
        (1, "one", '["a","b"]', 1.0, None),
        (2, None, None, 2.5, '{"x":null}'),
    ]


def test_a_json_list(write: Write, query: Query, warehouse: Any) -> None:
    rows = [{"id": n, "text": 'x[]{}, \\ " é' * 50} for n in range(20_000)]
    write("in.json", json.dumps(rows, indent=1, ensure_ascii=False))
    load("in.json", warehouse)
    assert query("select count(*), sum(id), count(distinct text) from raw.orders") == [
        (20_000, sum(range(20_000)), 1)
    ]


def test_broken_json_lines(write: Write, query: Query, warehouse: Any) -> None:
    sound = "".join(f'{{"id": {n}}}\n' for n in range(20_001))
    write(
        "in.jsonl",
        (sound + '{"id": 1\n[1]\n"it is text"\n{"id": "x"}\n{"id": 1, "new": 2}\n').encode()
        + b'{"id": "\xff"}\n',
    )
    result = load("in.jsonl", warehouse, max_broken=6)
    assert result.rows == 20_001
    reasons = [
        line.split(",", 2)[2] for line in Path(result.value["rejects"]).read_text().splitlines()
    ]
    for part in ("it is no JSON", "it is no object", "id: 'x' is no integer", "no column 'new'"):
        assert any(part in reason for reason in reasons), part


def test_numbers_of_json_stay_exact(write: Write, query: Query, warehouse: Any) -> None:
    write("in.jsonl", '{"a": 12345678901234567.89, "b": 123456789012345678901234567890}\n')
    load("in.jsonl", warehouse, format=Json(types={"a": "decimal(20,2)"}))
    assert query("select a::text, b from raw.orders") == [
        ("12345678901234567.89", "123456789012345678901234567890")
    ]


def test_keys_that_are_left_out_are_null_in_the_table(
    write: Write, query: Query, warehouse: Any
) -> None:
    query("create schema raw")
    query("create table raw.orders (id bigint, name varchar, made_at timestamp)")
    write("in.jsonl", '{"ID": 1, "made_at": "2026-03-01T12:00:00"}\n')
    load("in.jsonl", warehouse)
    assert query("from raw.orders") == [(1, None, datetime(2026, 3, 1, 12))]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "there is no object"),
        ("[1, 2]", "there is no object"),
        ('[{"id": 1}, {"id": ', "in.json is no JSON list: near line 1"),
        ('[{"id": 1},\n {"id" 2}]', "in.json is no JSON list: near line 2"),
    ],
)
def test_json_that_is_none(content: str, said: str, write: Write, warehouse: Any) -> None:
    write("in.json", content)
    with pytest.raises(BadFileError, match=said):
        load("in.json", warehouse)


# -- Parquet ------------------------------------------------------------------------------


def test_parquet(folder: Path, query: Query, warehouse: Any) -> None:
    table = pa.table({"id": [1, 2], "day": [date(2026, 3, 1), None], "kind": pa.array(["a", "b"]).dictionary_encode()})  # fmt: skip
    parquet.write_table(table, folder / "in.parquet")
    load("in.parquet", warehouse)
    assert query("from raw.orders") == [(1, date(2026, 3, 1), "a"), (2, None, "b")]
    load("in.parquet", warehouse, mode="replace", format=Parquet(columns=["day", "id"]))
    assert query("from raw.orders") == [(date(2026, 3, 1), 1), (None, 2)]


def test_parquet_that_is_none(write: Write, folder: Path, warehouse: Any) -> None:
    write("in.parquet", "id,name\n")
    with pytest.raises(BadFileError, match=r"in\.parquet is no Parquet file"):
        load("in.parquet", warehouse)
    parquet.write_table(pa.table({"id": [1]}), folder / "in.parquet")
    with pytest.raises(BadFileError, match="no column 'no'"):
        load("in.parquet", warehouse, format=Parquet(columns=["no"]))


def test_parquet_of_other_types_than_the_first(folder: Path, query: Query, warehouse: Any) -> None:
    parquet.write_table(pa.table({"id": [1], "n": [1]}), folder / "a.parquet")
    parquet.write_table(pa.table({"n": pa.array([2], pa.int32()), "id": [2]}), folder / "b.parquet")
    load("*.parquet", warehouse)
    assert query("from raw.orders") == [(1, 1), (2, 2)]
    parquet.write_table(pa.table({"id": ["x"], "n": [1]}), folder / "c.parquet")
    with pytest.raises(BadFileError, match=r"c\.parquet cannot be read"):
        load("*.parquet", warehouse)
    assert query("select count(*) from raw.orders") == [(2,)]


# -- Excel --------------------------------------------------------------------------------


def test_excel(folder: Path, query: Query, warehouse: Any) -> None:
    rows = [
        ["id", "name", "day", "at", "amount", "ok", 2026],
        [1, "one", datetime(2026, 3, 1), datetime(2026, 3, 1, 12, 30), 1.5, True, "x"],
        [],
        [2, 7, datetime(2026, 3, 2), None, 2, False, None],
    ]
    workbook(folder / "in.xlsx", rows)
    assert load("in.xlsx", warehouse).rows == 2
    assert query("from raw.orders") == [
        (1, "one", date(2026, 3, 1), datetime(2026, 3, 1, 12, 30), 1.5, True, "x"),
        (2, "7", date(2026, 3, 2), None, 2.0, False, None),
    ]


def test_rows_of_a_sheet_that_do_not_fit(folder: Path, query: Query, warehouse: Any) -> None:
    workbook(folder / "in.xlsx", [["id"], [1], ["#N/A"], [3, "more"], [4]])
    result = load("in.xlsx", warehouse, format=Excel(types={"id": "integer"}), max_broken=2)
    assert query("from raw.orders") == [(1,), (4,)]
    kept = Path(result.value["rejects"]).read_text().splitlines()[1:]
    assert kept == [
        "in.xlsx,4,it has more than 1 columns,3 | more",
        "in.xlsx,3,id: '#N/A' is no integer,#N/A",
    ]


def test_which_sheet(folder: Path, query: Query, warehouse: Any) -> None:
    workbook(folder / "in.xlsx", [["made by"], ["id"], [1]])
    load("in.xlsx", warehouse, format=Excel(sheet="Orders", skip_rows=1))
    assert query("from raw.orders") == [(1,)]
    with pytest.raises(BadFileError, match="no sheet 'Other'") as raised:
        load("in.xlsx", warehouse, format=Excel(sheet="Other"))
    assert raised.value.fix == "it has Orders"


@pytest.mark.parametrize(
    "content", [b"", b"id,name\n1,x\n", b"\xd0\xcf\x11\xe0" * 300, b"PK\x03\x04"]
)
def test_a_workbook_that_is_none(content: bytes, write: Write, warehouse: Any) -> None:
    write("in.xlsx", content)
    with pytest.raises(BadFileError, match=r"in\.xlsx is no Excel workbook"):
        load("in.xlsx", warehouse)


@pytest.mark.parametrize("name", ["in.csv", "in.jsonl"])
def test_what_all_files_need_is_named(
    name: str, write: Write, warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(name, "id")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(
        ConfigurationError, match=f"{name} cannot be read without pyarrow"
    ) as raised:
        load(name, warehouse)
    assert raised.value.fix == "pip install pyarrow"


def test_what_all_exports_need_is_named(
    folder: Path, warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigurationError, match="through pyarrow, which is not") as raised:
        ExportTable(query="select 1 as id", target="out.csv").run(warehouse=warehouse)
    assert raised.value.fix == "pip install pyarrow"
    assert not (folder / "out.csv").exists()


def test_excel_without_its_extra(
    folder: Path, warehouse: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook(folder / "in.xlsx", [["id"], [1]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(ConfigurationError) as raised:
        load("in.xlsx", warehouse)
    assert 'pip install "analytics-orchestrator[excel]"' in str(raised.value.fix)


# -- several files ------------------------------------------------------------------------


def test_files_are_counted_and_named(write: Write, query: Query, warehouse: Any) -> None:
    write("in/a.csv", "id,name\n1,x\n2,y\n")
    write("in/b.csv", "name,id\nz,3\n")
    result = load("in/*.csv", warehouse, file_column="source")
    assert result.value == {
        "files": 2, "rows": 3, "bytes": 28, "broken": 0, "left_out": 0, "rejects": None,
    }  # fmt: skip
    assert result.detail["by_file"] == [
        {"file": "in/a.csv", "rows": 2, "broken": 0},
        {"file": "in/b.csv", "rows": 1, "broken": 0},
    ]
    assert query("select id, name, source from raw.orders") == [
        (1, "x", "in/a.csv"), (2, "y", "in/a.csv"), (3, "z", "in/b.csv"),
    ]  # fmt: skip


def test_a_file_with_other_columns(write: Write, query: Query, warehouse: Any) -> None:
    write("in/a.csv", "id,name\n1,x\n")
    write("in/b.csv", "id,nmae\n2,y\n")
    with pytest.raises(BadFileError, match=r"in/b\.csv lacks name and also has nmae"):
        load("in/*.csv", warehouse)
    with pytest.raises(Exception, match="orders"):
        query("from raw.orders")


def test_files_of_different_formats(write: Write, warehouse: Any) -> None:
    write("in/a.csv", "id\n1\n")
    write("in/b.jsonl", '{"id": 2}\n')
    with pytest.raises(FlowError, match="different formats"):
        load("in", warehouse)
    write("in/b.jsonl.md", "notes")
    with pytest.raises(FlowError, match=r"format of in/\*\.md is not known"):
        load(["in/a.csv", "in/*.md"], warehouse)


def test_packed_files(write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv.gz", gzip.compress(b"id\n1\n2\n"))
    assert load("in.csv.gz", warehouse).rows == 2
    write("in.csv.gz", gzip.compress(b"id\n1\n" + bytes(range(256)) * 99)[:-30])
    with pytest.raises(BadFileError, match="cannot be unpacked"):
        load("in.csv.gz", warehouse, max_broken=None)
    write("in.csv.gz", b"id\n1\n")
    with pytest.raises(BadFileError, match="cannot be unpacked"):
        load("in.csv.gz", warehouse)


def test_modes(write: Write, query: Query, warehouse: Any) -> None:
    write("in.csv", "id,n\n1,1\n")
    for mode, rows in (("append", 1), ("append", 2), ("truncate", 1), ("replace", 1)):
        load("in.csv", warehouse, mode=mode)
        assert query("select count(*) from raw.orders") == [(rows,)], mode
    write("in.csv", "id,other\n1,1\n")
    with pytest.raises(FlowError, match="'other'"):
        load("in.csv", warehouse)
    load("in.csv", warehouse, mode="replace")
    assert query("select other from raw.orders") == [(1,)]


def test_files_are_loaded_once(write: Write, query: Query, warehouse: Any) -> None:
    write("in/a.csv", "id\n1\n")
    assert load("in/*.csv", warehouse, once=True).rows == 1
    write("in/b.csv", "id\n2\n")
    result = load("in/*.csv", warehouse, once=True)
    assert (result.rows, result.value["left_out"]) == (1, 1)
    assert result.message == "loaded 1 row from 1 file; 1 file loaded before"
    assert load("in/*.csv", warehouse, once=True).rows == 0
    assert query("select id from raw.orders order by id") == [(1,), (2,)]
    noted = "select file_name, row_count from raw.orchestrator_loaded_files order by 1"
    assert query(noted) == [("in/a.csv", 1), ("in/b.csv", 1)]
    write("in/a.csv", "id\n11\n")  # it changed: it is another file
    assert load("in/*.csv", warehouse, once=True).rows == 1


def test_a_load_that_fails_notes_nothing(write: Write, query: Query, warehouse: Any) -> None:
    write("in/a.csv", "id\n1\n")
    write("in/b.csv", "id\n2\n3,x\n")
    with pytest.raises(FAIL):
        load("in/*.csv", warehouse, once=True)
    assert query("select count(*) from raw.orchestrator_loaded_files") == [(0,)]
    write("in/b.csv", "id\n2\n3\n")
    assert load("in/*.csv", warehouse, once=True).rows == 3


def test_nothing_to_load(folder: Path, warehouse: Any) -> None:
    with pytest.raises(FileMissingError, match=r"no file matches in/\*\.csv"):
        load("in/*.csv", warehouse)
    with pytest.raises(SKIP):
        load("in/*.csv", warehouse, if_missing="skip")
    assert load("in/*.csv", warehouse, if_missing="ignore").rows == 0


def test_files_may_come_from_another_task(write: Write, query: Query, warehouse: Any) -> None:
    write("in/a.csv", "id\n1\n")
    found = ListFiles("in/*.csv").run().value
    assert LoadFiles(table="orders").run(found, warehouse=warehouse).rows == 1
    with pytest.raises(FlowError, match="no files to load"):
        LoadFiles(table="orders").run(warehouse=warehouse)


@pytest.mark.parametrize(
    "options",
    [
        {"mode": "upsert"},
        {"format": "xml"},
        {"max_broken": -1},
        {"once": True, "mode": "replace"},
        {"if_missing": "never"},
        {"source": "in.pdf"},
        {"table": ""},
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any]) -> None:
    with pytest.raises(FlowError):
        LoadFiles(**{"source": "in.csv", "table": "orders", **options})


def test_what_the_database_refuses(write: Write, query: Query, warehouse: Any) -> None:
    query("create table orders (id bigint check (id < 2))")
    write("in.csv", "id\n1\n2\n")
    with pytest.raises(FAIL, match="CHECK") as raised:
        LoadFiles("in.csv", "orders", format=Csv()).run(warehouse=warehouse)
    assert raised.value.detail["sql"] == "load files into orders"
    assert query("select count(*) from orders") == [(0,)]


def test_no_warehouse(write: Write) -> None:
    write("in.csv", "id\n1\n")
    with pytest.raises(ConfigurationError, match="has no warehouse"):
        LoadFiles("in.csv", "orders").run()


def test_loads_of_one_new_table_at_the_same_time(
    write: Write, query: Query, warehouse: Any
) -> None:
    for number in range(6):
        write(f"in/{number}.csv", f"id\n{number}\n")
    loads = [LoadFiles(f"in/{n}.csv", "raw.orders", once=True) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        results = list(pool.map(lambda load: load.run(warehouse=warehouse), loads))
    assert [result.rows for result in results] == [1] * 6
    assert query("select id from raw.orders order by id") == [(n,) for n in range(6)]
    assert query("select count(*) from raw.orchestrator_loaded_files") == [(6,)]
