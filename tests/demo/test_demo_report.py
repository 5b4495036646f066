"""The report: one page that needs nothing else, that everybody can read, and CSV files."""

from __future__ import annotations

import csv
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest
from analytics import report
from analytics.charts.bars import Bar, rows
from analytics.charts.days import Day, days
from analytics.charts.heatmap import heatmap
from analytics.charts.ranges import Range, ranges
from analytics.svg import Scale, apart, element
from flights_project import Built

from orchestrator.model.signals import FAIL

#: Elements that HTML leaves open.
VOID = {"meta", "br", "hr", "img", "input", "link"}


class Page(HTMLParser):
    """Reads a page: elements with their attributes, nesting, and text by element."""

    def __init__(self, content: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None], str]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(content)
        self.close()
        assert self.open == [], "elements that nobody closes"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs), "/".join(self.open)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes, _ in self.elements if name == tag]


@pytest.fixture(scope="session")
def folder(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report") / "reports"
    with duckdb.connect(str(built.database), read_only=True) as connection:
        paths = report.write_report(connection, folder)
    assert paths[0].name == "nightly.html"
    assert sorted(path.name for path in paths) == sorted(path.name for path in folder.iterdir())
    return folder


@pytest.fixture(scope="session")
def content(folder: Path) -> str:
    return (folder / "nightly.html").read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def page(content: str) -> Page:
    return Page(content)


@pytest.mark.slow
def test_the_page_fetches_nothing(content: str, page: Page) -> None:
    assert not re.search(r"https?:|url\(|@import|//\w+\.", content)
    assert not {"script", "link", "img", "iframe", "object", "use"} & {
        name for name, _, _ in page.elements
    }
    for _, attributes, _ in page.elements:
        assert "src" not in attributes
        assert (attributes.get("href") or "#").startswith("#")


@pytest.mark.slow
def test_every_chart_has_a_title_and_a_description(page: Page) -> None:
    charts = page.all("svg")
    assert len(charts) >= 8
    identified = {
        attributes["id"]: name for name, attributes, _ in page.elements if "id" in attributes
    }
    for chart in charts:
        assert chart["role"] == "img"
        named = [identified[name] for name in str(chart["aria-labelledby"]).split()]
        assert named == ["title", "desc"]
    assert all(text.strip() for text in page.text["desc"])


@pytest.mark.slow
def test_identifiers_are_unique_and_links_lead_somewhere(page: Page) -> None:
    identifiers = Counter(
        attributes["id"] for _, attributes, _ in page.elements if "id" in attributes
    )
    assert set(identifiers.values()) == {1}
    links = [str(attributes["href"])[1:] for attributes in page.all("a")]
    assert len(links) >= 10
    assert set(links) <= set(identifiers)


@pytest.mark.slow
def test_every_finding_gives_its_numbers_as_a_table(page: Page) -> None:
    assert len(page.all("table")) == len(page.all("article"))
    assert {attributes.get("scope") for attributes in page.all("th")} == {"col", "row"}


@pytest.mark.slow
def test_light_and_dark_are_styled_and_the_language_is_named(content: str, page: Page) -> None:
    assert "prefers-color-scheme: dark" in content
    assert page.all("html") == [{"lang": "en"}]
    used = set(re.findall(r"var\((--[\w-]+)\)", content))
    light, dark = re.findall(r":root \{(.*?)\}", content, re.S)
    for theme in (light, dark):
        assert used <= set(re.findall(r"(--[\w-]+):", theme))


def test_no_number_is_broken(content: str) -> None:
    shown = re.sub(r"<style>.*?</style>", "", content, flags=re.S)
    assert not re.search(r"\b(nan|inf|None|null)\b", shown)
    assert "1 January to 28 February 2013" in shown
    for attribute in ("x", "y", "cx", "cy", "x1", "y1", "width", "height"):
        for value in re.findall(rf' {attribute}="([^"]*)"', shown):
            assert float(value) >= 0 or attribute in ("x", "y", "cx", "cy", "x1", "y1")


@pytest.mark.slow
def test_csv_files_hold_the_tables(folder: Path, built: Built) -> None:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        for name, source in report.EXPORTS.items():
            result = connection.execute(f"select * from {source}")
            expected = [[column[0] for column in result.description]]
            expected += [
                ["" if value is None else str(value) for value in row] for row in result.fetchall()
            ]
            with (folder / name).open(encoding="utf-8", newline="") as file:
                assert list(csv.reader(file)) == expected
            assert len(expected) > 10


@pytest.mark.slow
def test_equal_data_gives_equal_files(folder: Path, built: Built, tmp_path: Path) -> None:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        for path in report.write_report(connection, tmp_path):
            assert path.read_bytes() == (folder / path.name).read_bytes()


@pytest.mark.slow
def test_a_report_that_fails_leaves_the_old_one(folder: Path, built: Built, tmp_path: Path) -> None:
    (tmp_path / "nightly.html").write_text("yesterday's")
    with duckdb.connect() as empty, pytest.raises(FAIL, match="daily_operations"):
        report.write_report(empty, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["nightly.html"]
    assert (tmp_path / "nightly.html").read_text() == "yesterday's"


def test_text_from_data_is_escaped() -> None:
    chart = rows("x", "<i>", 'a "b"', [Bar("<script>", 1.0, "R&D")])
    assert "<script>" not in chart
    assert "&lt;script&gt;" in chart
    assert "R&amp;D" in chart
    assert element("p", "a", title='"') == '<p title="&quot;">a</p>'


def test_bars_are_as_long_as_their_values() -> None:
    chart = rows("x", "t", "d", [Bar("a", 40.0, ""), Bar("b", 10.0, "")])
    long, short = (float(width) for width in re.findall(r'width="([\d.]+)"', chart))
    assert long == pytest.approx(4 * short, rel=0.01)


def test_a_heat_map_leaves_unknown_cells_empty_and_bad_cells_dark() -> None:
    values = {("a", "6"): -3.0, ("a", "7"): 20.0}
    chart = heatmap("x", "t", "d", ["a", "b"], ["6", "7"], values, dict.fromkeys(values, "n"))
    assert [float(value) for value in re.findall(r'fill-opacity="([\d.]+)"', chart)] == [0.06, 1.0]


def test_ranges_with_zero_show_it_even_where_no_row_holds_it() -> None:
    chart = ranges("x", "t", "d", [Range("a", 5.0, 6.0, 7.0, "")], str, zero=True)
    assert chart.count('class="baseline"') == 1


def test_the_worst_days_are_named_without_crowding() -> None:
    from datetime import date, timedelta

    start = date(2013, 1, 1)
    shares = [0.1] * 59
    shares[10], shares[11], shares[40] = 0.9, 0.8, 0.7
    values = [
        Day(start + timedelta(days=index), share, False, "") for index, share in enumerate(shares)
    ]
    names = re.findall(r">(\d+ \w{3})</text>", days("x", "t", "d", values, named=2))
    assert names == ["11 Jan", "10 Feb"]


@pytest.mark.parametrize(
    ("low", "high", "wanted", "ticks"),
    [
        (0, 43, 4, [0, 10, 20, 30, 40]),
        (-1.2, 14.2, 6, [0, 5, 10]),
        (0.35, 1.0, 3, [0.4, 0.6, 0.8, 1.0]),
        (5, 5, 3, [5]),
    ],
)
def test_ticks_are_round(low: float, high: float, wanted: int, ticks: list[float]) -> None:
    assert Scale(low, high, 0, 100).ticks(wanted) == ticks


def test_labels_move_apart_in_order() -> None:
    assert apart([50, 10, 12, 14], 10) == [50, 10, 20, 30]
