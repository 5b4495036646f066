"""HtmlReport: one page that needs nothing besides itself, and in which data stays data."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from orchestrator import instants
from orchestrator.errors import FlowError
from orchestrator.model import context
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from tasks.reports import Chart, ReportTable, Text
from tasks.reports.html import HtmlReport

HOSTILE = "<script>alert('1')</script><img src=x onerror=alert(1)> & \"quoted\""
#: What a page may hold of this kind: names of the vocabularies of SVG, and places within itself.
NAMESPACES = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


@pytest.fixture(autouse=True)
def _at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(instants, "now", lambda: datetime(2026, 3, 6, 12, tzinfo=UTC))


def made(warehouse: Any, folder: Path, *sections: Any, **arguments: Any) -> str:
    """The page of some sections."""
    path = folder / "out" / "page.html"
    frames = arguments.pop("frames", None)
    task = HtmlReport(path, sections, **arguments)
    assert task.run(frames=frames, warehouse=warehouse).value == str(path)
    return path.read_text(encoding="utf-8")


class Reading(HTMLParser):
    """Takes down elements, attributes and the texts of cells."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attributes]
        if tag in ("td", "th"):
            self._in_cell = True
            self.cells.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = self._in_cell and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.cells[-1] += data


def test_a_page_as_it_is(warehouse: Any, tmp_path: Path, snapshot: Any) -> None:
    page = made(
        warehouse, tmp_path,
        Text("Words about it.\n\nAnd more.", "In short"),
        ReportTable("select * from marts.days order by day", "Days", totals=["tax", "orders"],
                    formats={"revenue": "€ {:,.2f}"}, labels={"day": "Day"}, max_rows=3,
                    note="Without shipping."),
        ReportTable("select 1 as nothing where false", "None of it"),
        title="Daily figures", intro="All of March.",
    )  # fmt: skip
    style = page.index("<style>"), page.index("</style>")
    assert page[: style[0]] + page[style[1] :] == snapshot


def everything(warehouse: Any, tmp_path: Path) -> str:
    rows = "select day, region, revenue, tax from marts.days order by day"
    return made(
        warehouse, tmp_path,
        Chart(rows, "line", x="day", y=["revenue", "tax"], title="Lines"),
        Chart(rows, "bar", x="day", y="revenue", color="region", title="Bars"),
        Chart(rows, "scatter", x="revenue", y="tax", color="region", title="Points"),
        ReportTable(rows, "Rows"),
        Text("Words"),
    )  # fmt: skip


def test_it_asks_for_nothing(warehouse: Any, tmp_path: Path) -> None:
    page = everything(warehouse, tmp_path)
    read = Reading(page)
    assert not {"script", "link", "iframe", "object", "embed", "base", "form"} & set(read.tags)
    for tag, name, value in read.attributes:
        if name in ("src", "href", "xlink:href", "action", "srcset", "poster", "data"):
            assert value.startswith("#"), (tag, name, value)
        assert not name.startswith("on"), (tag, name)
    assert set(re.findall(r"\w+://[^\s\"'<>)]+", page)) <= NAMESPACES
    assert "@import" not in page
    assert all(found.startswith("#") for found in re.findall(r"url\(([^)]*)\)", page))
    policy = next(v for t, n, v in read.attributes if t == "meta" and n == "content" and "src" in v)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def test_it_is_light_and_dark_and_prints(warehouse: Any, tmp_path: Path) -> None:
    page = everything(warehouse, tmp_path)
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert page.count("<svg ") == 3
    assert 'stroke="var(--c1,#4269d0)"' in page, "charts take their colours from the page"
    assert 'aria-label="Lines"' in page
    assert re.search(r'<th scope="col" class="n">revenue', page), "numbers stand at the right"


def test_data_stays_data(warehouse: Any, tmp_path: Path) -> None:
    rows = [{"name": HOSTILE, "n": 1}, {"name": "b", "n": 2}]
    page = made(
        warehouse, tmp_path,
        ReportTable(frame="rows", title=HOSTILE, labels={"n": HOSTILE}, note=HOSTILE),
        Chart(frame="rows", kind="bar", x="name", y="n", title=HOSTILE, x_label=HOSTILE),
        Chart(frame="rows", kind="scatter", x="n", y="n", color="name", title=HOSTILE),
        Text(HOSTILE, HOSTILE),
        title=HOSTILE, intro=HOSTILE, frames={"rows": rows},
    )  # fmt: skip
    read = Reading(page)
    assert not {"script", "img"} & set(read.tags)
    assert HOSTILE in read.cells
    assert not [name for _, name, _ in read.attributes if name.startswith("on")]
    assert page.count("<script") == 0


def test_rows_beyond_the_limit_are_counted_and_summed(warehouse: Any, tmp_path: Path) -> None:
    page = made(
        warehouse, tmp_path,
        ReportTable("select n from range(250000) as r (n)", totals=["n"], max_rows=10),
        Chart("select n, n as m from range(7000) as r (n)", "scatter", x="n", y="m", max_rows=100),
    )  # fmt: skip
    assert "249,990 more rows are not shown, of 250,000." in page
    assert f"{250_000 * 249_999 // 2:,}" in page
    assert page.count("<tr>") == 12
    assert "6,900 more points are not drawn." in page


def test_numbers_and_what_is_none(warehouse: Any, tmp_path: Path) -> None:
    sql = """select 1234567 as many, 2026 as year, 0.25::double as share, null as nothing,
        'nan'::double as nan, true as yes, timestamp '2026-03-01 07:30:00' as at, [1, 2] as list,
        1234.5::decimal(9, 2) as amount"""
    page = made(warehouse, tmp_path, ReportTable(sql, formats={"share": ".0%"}))
    assert Reading(page).cells[9:] == [
        "1,234,567", "2026", "25%", "", "", "yes", "2026-03-01 07:30", "[1, 2]", "1,234.50",
    ]  # fmt: skip


def test_frames_of_other_tasks(tmp_path: Path) -> None:
    import pandas

    frame = pandas.DataFrame({"city": ["Ulm"], "n": [3]})
    page = made(None, tmp_path, ReportTable(frame="cities"), frames={"cities": frame})
    assert Reading(page).cells == ["city", "n", "Ulm", "3"]
    with pytest.raises(FlowError, match="was not given its frame 'cities'"):
        made(None, tmp_path, ReportTable(frame="cities"))


def test_the_graph_is_derived_from_the_queries(warehouse: Any, tmp_path: Path) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "top.sql").write_text("-- the best\nselect *\nfrom marts.best\n")
    task = HtmlReport(
        "out/page.html",
        [ReportTable("marts.days"), ReportTable("sql/top.sql"), "select a from {{ params.t }}"],
        params={"t": "raw.x"}, reads=["marts.hidden"],
    )  # fmt: skip
    planning = Planning(tmp_path, find_warehouse=lambda name: warehouse)
    facts = task.facts("page", planning)
    assert sorted(str(access.dataset) for access in facts.reads) == [
        "shop.marts.best", "shop.marts.days", "shop.marts.hidden", "shop.raw.x",
    ]  # fmt: skip
    best = next(a.evidence for a in facts.reads if a.dataset.name == "best")
    assert (best.file, best.line) == ("sql/top.sql", 3)
    assert [str(access.dataset) for access in facts.writes] == ["out/page.html"]
    code = task.code(planning)
    assert code is not None
    assert "from marts.best" in code.text
    assert task.holds(planning) is warehouse


def test_in_a_flow_it_waits_for_what_it_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orchestrator.toml").write_text(
        'name = "shop"\n[warehouses.main]\ntype = "duckdb"\npath = "shop.duckdb"\n'
    )
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "daily.py").write_text(
        "from orchestrator import Flow\n"
        "from tasks import HtmlReport, SqlTask\n"
        "from tasks.reports import Chart, ReportTable\n"
        "with Flow('daily') as flow:\n"
        "    HtmlReport('out/daily.html', [\n"
        "        Chart('marts.days', 'line', x='day', y='n'),\n"
        "        ReportTable('select day, n from marts.days where n > $least', data={'least': 1}),\n"
        "    ], name='report')()\n"
        "    SqlTask('create schema if not exists marts; create or replace table marts.days as '\n"
        "            'select current_date + n::int as day, n from range(4) as r (n)', name='days')()\n"
    )
    monkeypatch.chdir(tmp_path)
    project = Project.find(tmp_path)
    flow = project.flow("daily")
    assert flow.plan(project=tmp_path).order() == ["days", "report"]
    result = run_flow(project, flow, Request())
    assert result.state.is_successful(), result.state.result
    page = (tmp_path / "out" / "daily.html").read_text()
    assert Reading(page).cells.count("2") == 1
    assert "<svg " in page
    assert "daily, run " in page


def test_what_cannot_be_reported(warehouse: Any, tmp_path: Path) -> None:
    for section, message in [
        (ReportTable("marts.days", totals=["region"]), "'region' has no numbers"),
        (
            ReportTable("marts.days", formats={"x": ",.2f"}),
            "the column 'x', which the query does not",
        ),
        (ReportTable("marts.days", formats={"tax": "%d"}), "no format of numbers"),
        (
            Chart("marts.days", x="nope", y="tax"),
            "the column 'nope', which the query does not give",
        ),
        (Chart("marts.days", x="day", y="region"), "has no numbers"),
        (ReportTable("select 1; select 2", "Two"), "'Two' has 2 statements"),
    ]:
        with pytest.raises(FlowError, match=message):
            made(warehouse, tmp_path, section)
    with pytest.raises(FAIL, match="nowhere") as raised:
        made(warehouse, tmp_path, ReportTable("select *\nfrom nowhere"))
    assert raised.value.detail["sql"] == "select *\nfrom nowhere"
    assert raised.value.detail["path"].endswith(", line 2 of the SQL")
    assert raised.value.detail["path"].count("of the SQL") == 1
    assert not (tmp_path / "out").exists()


def test_a_cancelled_attempt_stops_reading(warehouse: Any, tmp_path: Path) -> None:
    running = context.RunContext("r", "f", "t")
    running.cancelled.set()
    with context.entered(running), pytest.raises(FAIL) as raised:
        made(warehouse, tmp_path, ReportTable("select n from range(900000) as r (n)"))
    assert raised.value.status == "cancelled"


def test_sections_that_are_none() -> None:
    with pytest.raises(FlowError, match="no chart of kind 'pie'"):
        Chart("t", "pie", x="a", y="b")
    with pytest.raises(FlowError, match="needs its rows once"):
        ReportTable()
    with pytest.raises(FlowError, match="by columns or by color"):
        Chart("t", x="a", y=["b", "c"], color="d")
    with pytest.raises(FlowError, match="has a section that is none: int"):
        HtmlReport("x.html", [3])  # type: ignore[list-item]
