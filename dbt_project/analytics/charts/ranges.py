"""Range chart: a row for each thing, a dot for its value, a bar from its low to its high."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analytics.svg import WIDTH, Markup, Scale, element, figure, join, line, text, tooltip

_LABELS, _NOTES, _ROW, _HEAD = 210, 96, 25, 26


@dataclass(frozen=True, slots=True)
class Range:
    """One row: its label, low, value and high, and a note at its end."""

    label: str
    low: float
    value: float
    high: float
    note: str


def ranges(
    identifier: str,
    title: str,
    description: str,
    rows: Sequence[Range],
    format_tick: Callable[[float], str],
    zero: bool = False,
) -> Markup:
    """Draw rows from top to bottom in the order given.

    Args:
        format_tick: Writes a value of the axis.
        zero: Whether the axis holds zero, marked by a line.
    """
    low, high = min(row.low for row in rows), max(row.high for row in rows)
    if zero:
        low, high = min(low, 0.0), max(high, 0.0)
    margin = (high - low or 1.0) * 0.03
    scale = Scale(low - margin, high + margin, _LABELS, WIDTH - _NOTES)
    height = _HEAD + _ROW * len(rows) + 6
    grid = [_tick(scale(tick), format_tick(tick), height) for tick in scale.ticks(6)]
    if zero:
        grid.append(line(scale(0), _HEAD - 6, scale(0), height, "baseline"))
    marks = [_row(row, scale, _HEAD + _ROW * (index + 0.5)) for index, row in enumerate(rows)]
    return figure(identifier, title, description, height, *grid, *marks)


def _tick(x: float, label: str, height: float) -> Markup:
    return join(line(x, _HEAD - 6, x, height), text(x, _HEAD - 12, label, "axis", "middle"))


def _row(row: Range, scale: Scale, y: float) -> Markup:
    low, high = scale(row.low), scale(row.high)
    return element(
        "g",
        tooltip(f"{row.label}: {row.note}"),
        text(_LABELS - 14, y + 4, row.label, "label", "end"),
        element("rect", x=low, y=y - 3, width=high - low, height=6, rx=3, class_="span"),
        element("circle", cx=scale(row.value), cy=y, r=5.5, class_="mark"),
        text(WIDTH, y + 4, row.note, "value", "end"),
    )
