"""ExcelReport: sheets that Excel reads, with values as what they are."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from orchestrator.errors import FlowError
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from tasks.reports import Chart, ReportTable, Text, excel
from tasks.reports.excel import ExcelReport


def made(warehouse: Any, folder: Path, *sections: Any, **arguments: Any) -> Any:
    path = folder / "book.xlsx"
    assert ExcelReport(path, sections).run(warehouse=warehouse, **arguments).value == str(path)
    return openpyxl.load_workbook(path)


def test_sheets_with_formats(warehouse: Any, tmp_path: Path) -> None:
    book = made(
        warehouse, tmp_path,
        ReportTable("select * from marts.days order by day", "Days", totals=["tax"],
                    formats={"revenue": '#,##0.00 "€"'}, labels={"day": "Day"}),
        "select 1 as one",
    )  # fmt: skip
    assert book.sheetnames == ["Days", "Sheet 2"]
    sheet = book["Days"]
    assert [cell.value for cell in sheet[1]] == ["Day", "revenue", "tax", "region", "orders"]
    assert sheet["A1"].font.bold
    assert [cell.value for cell in sheet[3]] == [dt.datetime(2026, 3, 2), 101.5, 1.5, "south", 1000]
    assert [sheet["A3"].number_format, sheet["B3"].number_format, sheet["C3"].number_format] == [
        "yyyy-mm-dd", '#,##0.00 "€"', "#,##0.00",
    ]  # fmt: skip
    assert (sheet["C7"].value, sheet["C7"].font.bold, sheet.max_row) == (15, True, 7)
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("A2", "A1:E6")
    assert sheet.column_dimensions["A"].width > 10


def test_nothing_in_the_data_is_a_formula(warehouse: Any, tmp_path: Path) -> None:
    texts = ["=1+1", "+1", "@x", "#N/A", "bell\x07", "x" * 40_000, "<b>"]
    sheet = made(
        None, tmp_path, ReportTable(frame="f", title="=x"),
        frames={"f": [{"=SUM(1)": text} for text in texts]},
    ).worksheets[0]  # fmt: skip
    cells = [row[0] for row in sheet.iter_rows()]
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.value for cell in cells[:5]] == ["=SUM(1)", "=1+1", "+1", "@x", "#N/A"]
    assert cells[5].value == "bell\N{REPLACEMENT CHARACTER}"
    assert len(cells[6].value) == 32_767


def test_values_that_excel_has_not(warehouse: Any, tmp_path: Path) -> None:
    sql = """select 12345678901234567 as big, 'inf'::double as inf, null as nothing, false as no,
        timestamptz '2026-03-01 10:00:00+02' as at, [1] as list, date '1850-01-01' as old"""
    sheet = made(warehouse, tmp_path, sql).worksheets[0]
    assert [cell.value for cell in sheet[2]] == [
        "12345678901234567", "inf", None, False, dt.datetime(2026, 3, 1, 8), "[1]", "1850-01-01",
    ]  # fmt: skip


def test_a_table_that_is_too_long_goes_on_to_the_next_sheet(
    warehouse: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excel, "_MOST_ROWS", 5)
    book = made(
        warehouse, tmp_path,
        ReportTable("select n from range(10) as r (n)", "N/N", totals=["n"]),
        ReportTable("select n from range(4) as r (n)", "n n"),
    )  # fmt: skip
    assert book.sheetnames == ["N N", "N N (2)", "N N (3)", "n n (4)"]
    assert [sheet.max_row for sheet in book] == [5, 5, 4, 5]
    assert [cell.value for cell in book["N N (3)"]["A"]] == ["n", 8, 9, 45]
    assert {sheet["A1"].value for sheet in book} == {"n"}


def test_no_rows_leave_the_heading(warehouse: Any, tmp_path: Path) -> None:
    sheet = made(warehouse, tmp_path, "select 1 as a, 2 as b where false").worksheets[0]
    assert [[cell.value for cell in row] for row in sheet.iter_rows()] == [["a", "b"]]


def test_a_query_that_fails_leaves_no_file(warehouse: Any, tmp_path: Path) -> None:
    with pytest.raises(FAIL, match="nowhere"):
        made(warehouse, tmp_path, "marts.days", "select * from nowhere")
    with pytest.raises(FAIL, match="Could not convert string 'north'"):
        made(warehouse, tmp_path, "select region::int from marts.days")
    assert not list(tmp_path.glob("*.xlsx"))
    assert not list(tmp_path.glob(".*part"))


def test_what_a_workbook_does_not_hold() -> None:
    for section in (Text("x"), Chart("t", x="a", y="b")):
        with pytest.raises(FlowError, match="a workbook holds tables"):
            ExcelReport("x.xlsx", [section])


def test_names_of_columns_that_there_are_not(warehouse: Any, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match="the column 'x', which the query does not give"):
        made(warehouse, tmp_path, ReportTable("marts.days", labels={"x": "X"}))
    with pytest.raises(FlowError, match="has no numbers"):
        made(warehouse, tmp_path, ReportTable("marts.days", totals=["region"]))


def test_what_it_reads_and_writes(warehouse: Any, tmp_path: Path) -> None:
    task = ExcelReport("out/book.xlsx", ["marts.days", "select * from raw.x"])
    facts = task.facts("book", Planning(tmp_path, find_warehouse=lambda name: warehouse))
    assert [str(a.dataset) for a in facts.reads] == ["shop.marts.days", "shop.raw.x"]
    assert [str(a.dataset) for a in facts.writes] == ["out/book.xlsx"]
