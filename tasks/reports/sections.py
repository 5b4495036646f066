"""What a report is made of: tables, charts and words, each with the query that its rows come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.nearest import nearest

KINDS = ("line", "bar", "scatter")


@dataclass(frozen=True)
class Text:
    """Words between tables and charts; nothing in them is read as HTML.

    Args:
        text: Paragraphs, with empty lines between.
        title: A heading.
    """

    text: str
    title: str = ""


@dataclass(frozen=True)
class ReportTable:
    """A table of rows.

    Args:
        query: A SELECT; or the name of a table, for all of it; or the path of a ``.sql`` file. It is
            read like any other SQL: the report waits for what it reads.
        title: The caption.
        totals: Columns whose sum stands in the last line: of all rows, also of those not shown.
        formats: Column, and how its numbers are written, as Python says it: ``",.2f"``, ``".1%"``;
            with words around it, ``"€ {:,.2f}"``. Whole numbers get commas, others as many decimals
            as their column needs (four at most).
        labels: Column, and what its heading says instead.
        note: A line below.
        max_rows: Rows shown; the others are counted.
        data: Values for placeholders of the query, bound.
        frame: In place of a query: the name of a frame that ``run`` gets (``frames={name: …}``).

    Raises:
        FlowError: Neither or both of ``query`` and ``frame`` are given.

    Example:
        >>> ReportTable("marts.daily", "Revenue by day", totals=["revenue"]).title
        'Revenue by day'
    """

    query: str = ""
    title: str = ""
    totals: Sequence[str] = ()
    formats: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    note: str = ""
    max_rows: int = 1000
    data: Any = None
    frame: str = ""

    def __post_init__(self) -> None:
        _one_source(self)


@dataclass(frozen=True)
class Chart:
    """A picture of rows.

    Args:
        query: As of :class:`ReportTable`.
        kind: ``line``, ``bar`` or ``scatter``.
        x: Column along the bottom: times, numbers or names.
        y: Column of the heights; several, each a series of its own.
        color: Column that tells series apart, where ``y`` is one.
        title: The caption.
        x_label: What stands along the bottom; the column's name if left out.
        y_label: What stands at the side; the column's name if left out.
        stacked: Whether bars of several series stand on each other.
        height: Pixels.
        note: A line below.
        max_rows: Points shown; the others are counted.
        data: As of :class:`ReportTable`.
        frame: As of :class:`ReportTable`.

    Raises:
        FlowError: There is no such kind; or neither or both of ``query`` and ``frame`` are given.

    Example:
        >>> Chart("marts.daily", "line", x="day", y=["revenue", "cost"]).series
        ('revenue', 'cost')
    """

    query: str = ""
    kind: str = "line"
    x: str = ""
    y: str | Sequence[str] = ""
    color: str | None = None
    title: str = ""
    x_label: str | None = None
    y_label: str | None = None
    stacked: bool = True
    height: int = 260
    note: str = ""
    max_rows: int = 5000
    data: Any = None
    frame: str = ""

    def __post_init__(self) -> None:
        _one_source(self)
        if self.kind not in KINDS:
            fix = nearest(self.kind, KINDS, "one of ")
            raise FlowError(f"there is no chart of kind {self.kind!r}", fix=fix)
        if not self.x or not self.series:
            raise FlowError("a chart needs its columns", fix='give x="…" and y="…"')
        if self.color and len(self.series) > 1:
            raise FlowError(
                "a chart tells its series apart by columns or by color, not by both",
                fix="give one column as y=, or leave out color=",
            )

    @property
    def series(self) -> tuple[str, ...]:
        """The columns of the heights."""
        return (self.y,) if isinstance(self.y, str) and self.y else tuple(self.y)


Section = Text | ReportTable | Chart


def _one_source(section: ReportTable | Chart) -> None:
    if bool(section.query.strip()) == bool(section.frame):
        raise FlowError(
            f"{type(section).__name__} {section.title!r} needs its rows once",
            fix="give query=, or frame= and the frame when it runs",
        )
