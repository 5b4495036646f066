"""Charts: what is drawn of rows as they come, in the page's colours and on white."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest

from tasks.frames import batches_of
from tasks.reports.charts import drawn
from tasks.reports.sections import Chart


def svg(rows: list[dict[str, Any]], **arguments: Any) -> str:
    return drawn(Chart(frame="rows", **arguments), batches_of(rows)).svg()


def words(picture: str) -> list[str]:
    """The texts in a picture."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", picture)


def test_times_stand_as_tables_write_them() -> None:
    days = [{"d": dt.date(2026, 1, 1) + dt.timedelta(n), "n": n} for n in range(60)]
    assert "2026-02-01" in words(svg(days, x="d", y="n"))
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    hours = [{"d": start + dt.timedelta(hours=n), "n": n} for n in range(20)]
    assert "12:00" in words(svg(hours, x="d", y="n"))
    assert "2026-01-02" in words(svg(days[:3], kind="bar", x="d", y="n"))


def test_times_with_a_zone_stand_in_utc() -> None:
    east = dt.timezone(dt.timedelta(hours=9))
    rows = [{"d": dt.datetime(2026, 1, 1, 9 + n, tzinfo=east), "n": n} for n in range(5)]
    assert words(svg(rows, x="d", y="n"))[0] == "00:00"


def test_series_by_columns_and_by_color() -> None:
    rows = [
        {"d": n, "a": n, "b": Decimal(2 * n), "k": "<odd>" if n % 2 else None} for n in range(9)
    ]
    by_columns = svg(rows, x="d", y=["b", "a"])
    assert [word for word in words(by_columns) if word in "ab"] == ["b", "a"]
    assert "var(--c2,#e0803c)" in by_columns
    assert "&lt;odd&gt;" in words(svg(rows, kind="bar", x="d", y="a", color="k"))
    beside = svg(rows, kind="bar", x="d", y=["a", "b"], stacked=False)
    assert beside.count('aria-roledescription="bar"') == 18


@pytest.mark.parametrize("kind", ["line", "bar", "scatter"])
def test_gaps_and_no_rows_at_all(kind: str) -> None:
    rows = [{"x": None, "y": 1.0}, {"x": "b", "y": None}, {"x": "c", "y": float("nan")}]
    assert "<svg" in svg(rows, kind=kind, x="x", y="y")
    empty = batches_of([{"x": 1, "y": 1}]).read_all().slice(0, 0).to_reader()
    assert "<svg" in drawn(Chart(frame="rows", kind=kind, x="x", y="y"), empty).svg()


def test_names_of_columns_mean_nothing() -> None:
    rows = [{"a.b[0]": "<u>", "x|y'\"": 3}]
    picture = svg(rows, kind="bar", x="a.b[0]", y="x|y'\"")
    assert "a.b[0]" in words(picture)
    assert "&lt;u&gt;" in words(picture)


def test_a_picture_that_stands_alone() -> None:
    rows = [{"x": n, "y": n} for n in range(5)]
    chart = drawn(Chart(frame="rows", x="x", y="y"), batches_of(rows))
    assert chart.png(1).startswith(b"\x89PNG")
    assert chart.svg() == chart.svg(), "the same rows draw the same picture"
