"""Charts, drawn here and now: a Vega-Lite specification becomes SVG for pages or PNG for mails."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from orchestrator.errors import FlowError
from tasks.reports.queries import need
from tasks.reports.sections import Chart
from tasks.reports.tables import is_number

if TYPE_CHECKING:
    from pyarrow import RecordBatchReader, Schema

WIDTH = 760  #: pixels of a whole chart
_VERSION = "5.20"  #: of Vega-Lite; a fixed one draws the same picture tomorrow
_COLORS = ("#4269d0", "#e0803c", "#3ca951", "#d64d5e", "#8a63c7", "#2a9aa8", "#9c6b4e", "#6c7480")
#: Names by which the page's style sheet gives the colours of light and dark; with what they replace.
PAGE = {
    "ink": "var(--ink,#1f2328)", "soft": "var(--soft,#59636e)", "line": "var(--line,#d8dee4)",
    **{f"c{n}": f"var(--c{n},{color})" for n, color in enumerate(_COLORS, 1)},
}  # fmt: skip
#: The same as they are: for pictures that stand alone.
PLAIN = {
    "ink": "#1f2328", "soft": "#59636e", "line": "#d8dee4",
    **{f"c{n}": color for n, color in enumerate(_COLORS, 1)},
}  # fmt: skip
_FONT = "system-ui, sans-serif"


@dataclass(frozen=True)
class Drawn:
    """A chart's rows, ready to be drawn.

    Args:
        section: What is drawn.
        spec: In Vega-Lite, without colours.
        count: Rows that there are.
        shown: Rows that are drawn.
    """

    section: Chart
    spec: Mapping[str, Any]
    count: int
    shown: int

    @property
    def hidden(self) -> int:
        """Rows that are not drawn."""
        return self.count - self.shown

    def svg(self) -> str:
        """Draw it for a page whose style sheet has the colours.

        Raises:
            ConfigurationError: vl-convert is not installed.
        """
        found: str = _converter().vegalite_to_svg(_colored(self.spec, PAGE), vl_version=_VERSION)
        return _scalable(found, self.section.title or "chart")

    def png(self, scale: float = 2.0) -> bytes:
        """Draw it on white.

        Args:
            scale: Pixels of the picture for each pixel of the chart.

        Raises:
            ConfigurationError: vl-convert is not installed.
        """
        spec = {**_colored(self.spec, PLAIN), "background": "#ffffff"}
        found: bytes = _converter().vegalite_to_png(spec, vl_version=_VERSION, scale=scale)
        return found


def drawn(section: Chart, reader: RecordBatchReader) -> Drawn:
    """Read the rows of a chart.

    Raises:
        FlowError: A column that it names is not there, or one of heights has no numbers.
    """
    schema = reader.schema
    names = tuple(dict.fromkeys((section.x, *section.series, *filter(None, [section.color]))))
    _check(section, names, schema)
    rows: list[dict[str, Any]] = []
    count = 0
    for batch in reader:
        head = batch.slice(0, max(0, section.max_rows - count)).select(list(names))
        rows += ({k: _plain(v) for k, v in row.items()} for row in head.to_pylist())
        count += batch.num_rows
    return Drawn(section, _spec(section, rows, schema.field(section.x).type), count, len(rows))


def _spec(section: Chart, rows: list[dict[str, Any]], x_type: Any) -> dict[str, Any]:
    """In the terms of Vega-Lite; columns have names of our own, since theirs may mean something there."""
    several = len(section.series) > 1 or section.color is not None
    values = [point for row in rows for point in _points(section, row)]
    x = _x(section, x_type, [row[section.x] for row in rows])
    title = section.y_label if section.y_label is not None else " / ".join(section.series)
    if section.y_label is None and len(section.series) > 1:
        title = ""
    y: dict[str, Any] = {"field": "y", "type": "quantitative", "title": title}
    if section.kind == "bar":
        y["stack"] = "zero" if section.stacked else None
    else:
        y["scale"] = {"zero": False, "nice": True}
    encoding: dict[str, Any] = {"x": x, "y": y}
    if several:
        order = list(section.series) if len(section.series) > 1 else None
        legend = {"symbolType": "stroke", "symbolStrokeWidth": 3} if section.kind == "line" else {}
        encoding["color"] = {
            "field": "series", "type": "nominal", "sort": order, "title": None, "legend": legend,
        }  # fmt: skip
        if section.kind == "bar" and not section.stacked:
            encoding["xOffset"] = {"field": "series", "sort": order}
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "width": WIDTH, "height": section.height, "autosize": {"type": "fit", "contains": "padding"},
        "data": {"values": values}, "mark": _MARKS[section.kind], "encoding": encoding,
    }  # fmt: skip


_MARKS: dict[str, dict[str, Any]] = {
    "line": {"type": "line", "strokeWidth": 2, "strokeJoin": "round"},
    "bar": {"type": "bar", "cornerRadiusEnd": 2},
    "scatter": {"type": "point", "filled": True, "size": 36, "opacity": 0.75},
}


def _x(section: Chart, kind: Any, values: Sequence[Any]) -> dict[str, Any]:
    import pyarrow.types as types

    title = section.x if section.x_label is None else section.x_label or None
    found: dict[str, Any] = {"field": "x", "title": title}
    times = types.is_timestamp(kind) or types.is_date(kind)
    if times and section.kind != "bar":
        form = _time_format([value for value in values if value is not None])
        axis = {"format": form, "tickCount": 8, "labelOverlap": True, "labelFlush": False}
        return {**found, "type": "temporal", "scale": {"type": "utc"}, "axis": axis}
    if is_number(kind) and section.kind != "bar":
        return {**found, "type": "quantitative", "scale": {"zero": False}}
    axis = {"labelAngle": 0, "labelOverlap": True, "labelLimit": 120}
    return {**found, "type": "ordinal", "sort": None, "axis": axis}


def _time_format(values: Sequence[str]) -> str:
    """How an axis writes times: as tables do, as far as the values differ."""
    if not values or all(value.endswith("T00:00:00Z") for value in values):
        return "%Y-%m-%d"
    return "%H:%M" if min(values)[:10] == max(values)[:10] else "%Y-%m-%d %H:%M"


def _points(section: Chart, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    x = row[section.x]
    if section.kind == "bar" and isinstance(x, str):
        x = x.removesuffix("T00:00:00Z")
    if section.color is not None:
        series = row[section.color]
        return [
            {"x": x, "y": row[section.series[0]], "series": "" if series is None else str(series)}
        ]
    return [{"x": x, "y": row[name], "series": name} for name in section.series]


def _plain(value: Any) -> Any:
    """What JSON has; times in UTC, which the axis shows them in."""
    if isinstance(value, dt.datetime):
        value = value.astimezone(dt.UTC) if value.tzinfo else value
        return f"{value:%Y-%m-%dT%H:%M:%S}Z"
    if isinstance(value, dt.date):
        return f"{value:%Y-%m-%d}T00:00:00Z"
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _colored(spec: Mapping[str, Any], colors: Mapping[str, str]) -> dict[str, Any]:
    palette = [colors[f"c{n}"] for n in range(1, len(_COLORS) + 1)]
    ink, soft, line = colors["ink"], colors["soft"], colors["line"]
    config = {
        "font": _FONT, "view": {"stroke": None}, "range": {"category": palette},
        "mark": {"color": palette[0]},
        "axis": {
            "labelColor": soft, "titleColor": ink, "gridColor": line, "domainColor": line,
            "labelSeparation": 14,
            "tickColor": line, "labelFontSize": 11, "titleFontSize": 11,
            "titleFontWeight": "normal", "titlePadding": 8,
        },
        "axisX": {"grid": False}, "axisY": {"domain": False, "ticks": False},
        "legend": {
            "labelColor": ink, "titleColor": ink, "orient": "top", "labelFontSize": 12,
            "offset": 4, "columnPadding": 24, "labelLimit": 200,
        },
    }  # fmt: skip
    return {**spec, "background": None, "config": config}


def _scalable(svg: str, title: str) -> str:
    """Let the picture fit where it stands, and say to readers of screens what it is."""
    from markupsafe import escape

    label = f'role="img" aria-label="{escape(title)}"'
    return re.sub(
        r'<svg ([^>]*?)width="\d+" height="\d+"', rf"<svg \1{_literal(label)}", svg, count=1
    )


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")


def _check(section: Chart, names: Sequence[str], schema: Schema) -> None:
    for name in names:
        if name not in schema.names:
            raise FlowError(
                f"chart {section.title!r} names the column {name!r}, which the query does not give",
                fix=f"there are {', '.join(schema.names)}",
            )
    for name in section.series:
        if not is_number(schema.field(name).type):
            raise FlowError(
                f"chart {section.title!r}: the column {name!r} has no numbers", fix="change y="
            )


def _converter() -> Any:
    try:
        import vl_convert
    except ImportError:
        raise need("vl-convert-python", "charts") from None
    return vl_convert
