"""Heat map: a cell for each row and column, as dark as its value is high."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics.svg import WIDTH, Markup, element, figure, number, text, tooltip

_LABELS, _ROW, _HEAD = 150, 24, 26


def heatmap(
    identifier: str,
    title: str,
    description: str,
    rows: Sequence[str],
    columns: Sequence[str],
    values: Mapping[tuple[str, str], float],
    notes: Mapping[tuple[str, str], str],
) -> Markup:
    """Draw values as cells; a pair without a value stays empty.

    Args:
        values: By (row, column).
        notes: What a pointer shows for (row, column).
    """
    width = (WIDTH - _LABELS) / len(columns)
    # Values at or below zero are as good as it gets: no colour at all.
    most = max((*values.values(), 1e-9))
    marks = [
        text(_LABELS + width * (index + 0.5), _HEAD - 10, column, "axis", "middle")
        for index, column in enumerate(columns)
    ]
    for position, row in enumerate(rows):
        y = _HEAD + _ROW * position
        marks.append(text(_LABELS - 12, y + 16, row, "label", "end"))
        for index, column in enumerate(columns):
            key = row, column
            if key in values:
                x = _LABELS + width * index
                marks.append(_cell(x, y, width, values[key], most, notes[key]))
    return figure(identifier, title, description, _HEAD + _ROW * len(rows) + 2, *marks)


def _cell(x: float, y: float, width: float, value: float, most: float, note: str) -> Markup:
    strength = max(0.0, value) / most
    return element(
        "g",
        tooltip(note),
        element(
            "rect",
            x=x + 1,
            y=y + 1,
            width=width - 2,
            height=_ROW - 2,
            rx=2,
            class_="heat",
            fill_opacity=f"{0.06 + 0.94 * strength:.2f}",
        ),
        text(x + width / 2, y + 16, number(value), "cell", "middle"),
    )
