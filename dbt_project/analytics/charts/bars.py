"""Bar charts: rows of horizontal bars, and panels of columns side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analytics.svg import WIDTH, Markup, Scale, element, figure, join, line, text, tooltip

_ROW = 24


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its length, and a note beside it."""

    label: str
    value: float
    note: str


def rows(identifier: str, title: str, description: str, bars: Sequence[Bar]) -> Markup:
    """Draw horizontal bars from zero, one a row, each with its note at the end."""
    scale = Scale(0, max(bar.value for bar in bars), 92, WIDTH - 250)
    marks = [_row(bar, scale, _ROW * index) for index, bar in enumerate(bars)]
    return figure(identifier, title, description, _ROW * len(bars) + 4, *marks)


def _row(bar: Bar, scale: Scale, y: float) -> Markup:
    length = scale(bar.value) - scale.start
    return element(
        "g",
        tooltip(f"{bar.label}: {bar.note}"),
        text(scale.start - 12, y + 16, bar.label, "label", "end"),
        element("rect", x=scale.start, y=y + 4, width=length, height=_ROW - 8, rx=2, class_="bar"),
        text(scale.start + length + 8, y + 16, bar.note, "value"),
    )


def panels(
    identifier: str,
    title: str,
    description: str,
    groups: Sequence[tuple[str, Sequence[Bar]]],
    format_value: Callable[[float], str],
    height: float = 220,
) -> Markup:
    """Draw panels of columns on one common scale, above and below zero.

    Args:
        groups: Name of each panel and its columns.
        format_value: Writes a value over its column.
    """
    values = [bar.value for _, bars in groups for bar in bars]
    # Below zero a value stands under its column, so it needs room over the labels.
    floor = height - (64 if min(values) < 0 else 44)
    scale = Scale(min(0.0, *values), max(0.0, *values), floor, 46)
    slot = WIDTH / sum(len(bars) + 0.6 for _, bars in groups)
    parts: list[Markup] = []
    left = 0.0
    for name, bars in groups:
        width = slot * len(bars)
        parts.append(text(left, 16, name, "heading"))
        parts += [
            _column(bar, scale, left + slot * index, slot, format_value, height)
            for index, bar in enumerate(bars)
        ]
        parts.append(line(left, scale(0), left + width, scale(0), "baseline"))
        left += width + slot * 0.6
    return figure(identifier, title, description, height, *parts)


def _column(
    bar: Bar,
    scale: Scale,
    x: float,
    slot: float,
    format_value: Callable[[float], str],
    height: float,
) -> Markup:
    top, bottom = sorted((scale(bar.value), scale(0)))
    middle, width = x + slot / 2, min(slot - 8, 64)
    kind = "bar" if bar.value >= 0 else "bar good"
    over = top - 6 if bar.value >= 0 else bottom + 14
    label = _wrapped(middle, height - 24, bar.label)
    return element(
        "g",
        tooltip(f"{bar.label}: {bar.note}"),
        element("rect", x=middle - width / 2, y=top, width=width, height=bottom - top, class_=kind),
        text(middle, over, format_value(bar.value), "value", "middle"),
        label,
    )


def _wrapped(x: float, y: float, label: str) -> Markup:
    """Write a label in two lines if it is of several words."""
    words = label.split()
    half = (len(words) + 1) // 2 if len(label) > 9 else len(words)
    lines = [" ".join(words[:half]), " ".join(words[half:])]
    return join(*(text(x, y + 13 * n, part, "axis", "middle") for n, part in enumerate(lines)))
