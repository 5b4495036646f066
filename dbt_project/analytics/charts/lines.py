"""Line chart: a few series over one axis, each named at its end instead of in a legend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analytics.svg import WIDTH, Markup, Scale, apart, element, figure, join, line, text, tooltip

Point = tuple[float, float]
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 104, 30, 48


def lines(
    identifier: str,
    title: str,
    description: str,
    series: Mapping[str, Sequence[Point]],
    x_labels: Mapping[float, str],
    x_name: str,
    y_name: str,
    height: float = 290,
) -> Markup:
    """Draw up to four series from zero on.

    Args:
        series: Name and points of each.
        x_labels: Where the horizontal axis is labelled, and how.
        x_name: What the horizontal axis counts.
        y_name: What the vertical axis counts.
    """
    points = [point for values in series.values() for point in values]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    across = Scale(min(xs), max(xs), _LEFT, WIDTH - _RIGHT)
    up = Scale(min(0.0, *ys), max(ys), height - _BOTTOM, _TOP)
    grid = [
        join(
            line(_LEFT, up(tick), WIDTH - _RIGHT, up(tick), "rule" if tick else "baseline"),
            text(_LEFT - 8, up(tick) + 4, f"{tick:.0f}", "axis", "end"),
        )
        for tick in up.ticks(5)
    ]
    grid += [
        text(across(x), height - _BOTTOM + 20, label, "axis", "middle")
        for x, label in x_labels.items()
    ]
    grid += [
        text(_LEFT, _TOP - 16, y_name, "axis"),
        text(WIDTH - _RIGHT, height - 6, x_name, "axis", "end"),
    ]
    drawn = [
        _series(name, values, f"series-{number}", across, up)
        for number, (name, values) in enumerate(series.items(), 1)
    ]
    return figure(identifier, title, description, height, *grid, *drawn, _names(series, up))


def _series(name: str, values: Sequence[Point], class_: str, across: Scale, up: Scale) -> Markup:
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in values)
    dots = [
        element("circle", tooltip(f"{name}: {y:.1f}"), cx=across(x), cy=up(y), r=3.2)
        for x, y in values
    ]
    return element("g", element("polyline", points=path), *dots, class_=class_)


def _names(series: Mapping[str, Sequence[Point]], up: Scale) -> Markup:
    ends = apart([up(values[-1][1]) for values in series.values()], 16)
    return join(
        *(
            element("g", text(WIDTH - _RIGHT + 10, y + 4, name, "name"), class_=f"series-{number}")
            for number, (name, y) in enumerate(zip(series, ends, strict=True), 1)
        )
    )
