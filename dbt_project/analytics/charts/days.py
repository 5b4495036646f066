"""Day chart: a thin column for each day of the period, the worst ones named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from analytics.svg import WIDTH, Markup, Scale, element, figure, join, line, text, tooltip

_LEFT, _TOP, _BOTTOM = 40, 30, 26


@dataclass(frozen=True, slots=True)
class Day:
    """One day: its share (0 to 1), whether it is marked, and a note."""

    day: date
    share: float
    marked: bool
    note: str


def days(
    identifier: str,
    title: str,
    description: str,
    values: Sequence[Day],
    named: int = 6,
    height: float = 230,
) -> Markup:
    """Draw a share for each day, in order of days.

    Args:
        named: How many of the highest days to name; one too close to a higher one is left out.
    """
    first, last = values[0].day, values[-1].day
    across = Scale(0, (last - first).days + 1, _LEFT, WIDTH)
    up = Scale(0, max(day.share for day in values), height - _BOTTOM, _TOP)
    width = max(0.8, across(1) - across(0) - 0.4)
    grid = [
        join(
            line(_LEFT, up(tick), WIDTH, up(tick), "rule" if tick else "baseline"),
            text(_LEFT - 8, up(tick) + 4, f"{tick:.0%}", "axis", "end"),
        )
        for tick in up.ticks(4)
    ]
    columns = [
        element(
            "rect",
            tooltip(day.note),
            x=across((day.day - first).days),
            y=up(day.share),
            width=width,
            height=up(0) - up(day.share),
            class_="bar" if day.marked else "bar quiet",
        )
        for day in values
    ]
    names = [
        text(
            min(max(across((day.day - first).days), _LEFT + 16), WIDTH - 18),
            up(day.share) - 6,
            f"{day.day:%-d %b}",
            "value",
            "middle",
        )
        for day in _worst(values, named)
    ]
    return figure(
        identifier,
        title,
        description,
        height,
        *grid,
        *columns,
        *names,
        *_months(first, last, across, height),
    )


def _worst(values: Sequence[Day], named: int) -> list[Day]:
    """Return the highest days that have room for a name."""
    gap = max(1, len(values) // 16)
    chosen: list[Day] = []
    for day in sorted(values, key=lambda day: -day.share):
        if all(abs((day.day - other.day).days) >= gap for other in chosen):
            chosen.append(day)
        if len(chosen) == named:
            break
    return chosen


def _months(first: date, last: date, across: Scale, height: float) -> list[Markup]:
    """Label the first day of each month that the period holds."""
    labels = []
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day.day == 1:
            labels.append(text(across(offset), height - 8, f"{day:%b}", "axis"))
    return labels
