"""Draws the derived graph of the nightly flow as a picture that reads on light and dark pages.

    cd dbt_project && orchestrator plan nightly --format json | python ../docs/draw_graph.py

Tests, hooks and exposures are left out, and of the order only what does not follow from the rest
is drawn. Bands are the layers that tables are written to; inside a band, later stands further right.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

PICTURE = Path(__file__).parent / "images" / "nightly.svg"
#: Kinds of task that hang on what is drawn and would hide it.
LEFT_OUT = {"test", "unit_test", "operation", "exposure"}
#: Mid tones with white text: they hold on white and on near black.
KINDS = {"dbt": "#bf5420", "SQL": "#2f6db3", "Python": "#3b8250"}
#: From left to right, each with the schemas (or folder) that its tasks write to.
BANDS = {
    "raw": ("raw", "reference"),
    "staging": ("staging",),
    "intermediate, with SQL between dbt models": ("intermediate", "ops", "history"),
    "scores and marts": ("scores", "marts"),
    "report": ("reports",),
}
GREY = "#848b95"
LETTER, HIGH, GAP, LANE, MARGIN, TOP = 7.2, 26, 12, 44, 14, 78


@dataclass(eq=False)
class Box:
    """A task, or a bend of an edge that passes a column.

    Args:
        name: What stands in it; empty for a bend.
        kind: A key of ``KINDS``.
        column: Counted from the left.
        high: Height.
    """

    name: str
    kind: str
    column: int
    high: float = HIGH
    middle: float = 0.0
    left: float = 0.0
    wide: float = 0.0
    neighbours: list[Box] = field(default_factory=list)


@dataclass(frozen=True)
class Graph:
    """What is drawn: the tasks, and each edge with its bends."""

    boxes: list[Box]
    edges: list[list[Box]]
    bands: list[tuple[str, int, int]]

    def columns(self) -> list[list[Box]]:
        everything = [*self.boxes, *(bend for edge in self.edges for bend in edge[1:-1])]
        last = max(box.column for box in self.boxes)
        return [[box for box in everything if box.column == column] for column in range(last + 1)]


def read(tasks: Sequence[Mapping[str, Any]]) -> Graph:
    """Make boxes and edges of a plan's tasks."""
    by_key = {task["key"]: task for task in tasks}
    drawn = {key: task for key, task in by_key.items() if task["resource_type"] not in LEFT_OUT}

    @cache
    def before(key: str) -> frozenset[str]:
        """What a task waits for, through what is not drawn."""
        ups = by_key[key]["upstream"]
        return frozenset().union(*({up} if up in drawn else before(up) for up in ups))

    @cache
    def long_before(key: str) -> frozenset[str]:
        return before(key).union(*(long_before(up) for up in before(key)))

    @cache
    def band(key: str) -> int:
        return max([_band(drawn[key]), *(band(up) for up in before(key))])

    @cache
    def depth(key: str) -> int:
        """Steps before it in its band; the raw band is one column."""
        within = [depth(up) + 1 for up in before(key) if band(up) == band(key)]
        return max(within, default=0) if band(key) else 0

    widths = [
        max((depth(k) for k in drawn if band(k) == b), default=0) + 1 for b in range(len(BANDS))
    ]
    starts = [sum(widths[:b]) for b in range(len(BANDS))]
    boxes = {
        key: Box(task["name"], _kind(task), starts[band(key)] + depth(key))
        for key, task in drawn.items()
    }
    edges = [
        _bent(boxes[up], boxes[key])
        for key in drawn
        for up in sorted(before(key))
        if not any(up in long_before(other) for other in before(key))
    ]
    bands = [(name, starts[b], starts[b] + widths[b] - 1) for b, name in enumerate(BANDS)]
    return Graph(list(boxes.values()), edges, bands)


def _kind(task: Mapping[str, Any]) -> str:
    return {"python": "Python", "sql": "SQL"}.get(task["resource_type"], "dbt")


def _band(task: Mapping[str, Any]) -> int:
    words = {word for name in task["writes"] for word in name.replace("/", ".").split(".")}
    return next(b for b, schemas in enumerate(BANDS.values()) if words & set(schemas))


def _bent(source: Box, target: Box) -> list[Box]:
    bends = [Box("", source.kind, c, 4) for c in range(source.column + 1, target.column)]
    chain = [source, *bends, target]
    for left, right in pairwise(chain):
        left.neighbours.append(right)
        right.neighbours.append(left)
    return chain


def place(graph: Graph) -> None:
    """Give each box its place: near what it is tied to, and not on top of another."""
    left: float = MARGIN
    for column in graph.columns():
        wide = max(len(box.name) for box in column) * LETTER + 18
        for box in column:
            box.left, box.wide = left, wide
        left += wide + LANE
        _stack(column)
    columns = graph.columns()
    for turn in range(40):
        for column in columns if turn % 2 else reversed(columns):
            for box in column:
                if box.neighbours:
                    middles = [other.middle for other in box.neighbours]
                    box.middle = sum(middles) / len(middles)
            _stack(column)
    highest = min(box.middle for box in graph.boxes) - HIGH / 2
    for column in columns:
        for box in column:
            box.middle += TOP - highest


def _stack(column: list[Box]) -> None:
    """Push boxes apart, each as little as need be, and the column back to where it was."""
    column.sort(key=lambda box: box.middle)
    wanted = sum(box.middle for box in column)
    for upper, lower in pairwise(column):
        gap = GAP if upper.name and lower.name else GAP / 2
        lower.middle = max(lower.middle, upper.middle + (upper.high + lower.high) / 2 + gap)
    shift = (sum(box.middle for box in column) - wanted) / len(column)
    for box in column:
        box.middle -= shift


def svg(graph: Graph) -> Iterator[str]:
    """Write the picture, line by line."""
    right = max(box.left + box.wide for box in graph.boxes) + MARGIN
    bottom = max(box.middle for column in graph.columns() for box in column) + HIGH / 2 + MARGIN
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {right:.0f} {bottom:.0f}" '
        f'width="{right:.0f}" height="{bottom:.0f}" role="img" '
        'font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="12">'
    )
    yield "<title>The derived graph of the nightly flow</title>"
    yield from _legend(right)
    for name, first, last in graph.bands:
        inside = [box for box in graph.boxes if first <= box.column <= last]
        yield from _header(name, inside)
    for edge in graph.edges:
        colour = KINDS[edge[0].kind]
        yield f'<path d="{_path(edge)}" fill="none" stroke="{colour}" stroke-width="1.4" stroke-opacity=".7"/>'
    for box in graph.boxes:
        yield (
            f'<rect x="{box.left:.1f}" y="{box.middle - HIGH / 2:.1f}" width="{box.wide:.1f}" '
            f'height="{HIGH}" rx="5" fill="{KINDS[box.kind]}"/>'
            f'<text x="{box.left + box.wide / 2:.1f}" y="{box.middle + 4:.1f}" '
            f'text-anchor="middle" fill="#fff">{escape(box.name)}</text>'
        )
    yield "</svg>"


def _legend(right: float) -> Iterator[str]:
    at = MARGIN
    for kind, colour in KINDS.items():
        yield f'<rect x="{at}" y="12" width="14" height="14" rx="3" fill="{colour}"/>'
        yield f'<text x="{at + 20}" y="23" fill="{GREY}">{kind}</text>'
        at += 90


def _header(name: str, boxes: list[Box]) -> Iterator[str]:
    left, right = min(b.left for b in boxes), max(b.left + b.wide for b in boxes)
    yield f'<path d="M{left:.1f} {TOP - 18}H{right:.1f}" stroke="{GREY}" stroke-opacity=".7"/>'
    yield f'<text x="{left:.1f}" y="{TOP - 25}" fill="{GREY}">{escape(name)}</text>'


def _path(edge: list[Box]) -> str:
    source, *_, target = edge
    if source.column == target.column:  # beside the column, from its left to its left
        out, to = source.left - 10, target.left
        return f"M{to:.1f} {source.middle:.1f}H{out:.1f}V{target.middle:.1f}H{to:.1f}"
    path = f"M{source.left + source.wide:.1f} {source.middle:.1f}"
    for one, other in pairwise(edge):
        start, end = one.left + one.wide, other.left
        half = (start + end) / 2
        path += f"C{half:.1f} {one.middle:.1f} {half:.1f} {other.middle:.1f} {end:.1f} {other.middle:.1f}"
        path += f"H{other.left + other.wide:.1f}" if not other.name else ""
    return path


def main() -> None:
    """Draw the plan on standard input."""
    graph = read(json.load(sys.stdin)["tasks"])
    place(graph)
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text("\n".join(svg(graph)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
