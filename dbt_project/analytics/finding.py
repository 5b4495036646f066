"""A finding: one claim of the report with its chart and the numbers behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from analytics.svg import Markup, number
from tasks import tables

Row = dict[str, Any]

#: Stands where a number would, if there is none.
UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Finding:
    """One section of the report.

    Args:
        identifier: Unique on the page; what a link to the section ends in.
        heading: The claim, in a sentence.
        text: How to read it, and what it does not say.
        columns: Headings of the table.
        rows: Cells, written as people read them.
        chart: The chart, or None where the table says it best.
    """

    identifier: str
    heading: str
    text: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    chart: Markup | None = None


def fetch(connection: Any, sql: str) -> list[Row]:
    """Return the rows of a query as dictionaries; exact decimals as the floats the charts want."""
    rows = tables.read(connection, sql, as_="dicts")
    return [
        {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}
        for row in rows
    ]


def minutes(value: float | None, sign: bool = False) -> str:
    """Write minutes with one decimal.

    Example:
        >>> minutes(3.14159), minutes(2, sign=True)
        ('3.1 min', '+2.0 min')
    """
    return UNKNOWN if value is None else f"{number(value, 1, sign)} min"


def about(value: float | None) -> str:
    """Write minutes as a headline does.

    Example:
        >>> about(48.6), about(1.2)
        ('49 minutes', '1 minute')
    """
    if value is None:
        return "an unknown time"
    whole = number(value)
    return f"{whole} minute{'' if whole == '1' else 's'}"


def share(value: float | None, decimals: int = 0) -> str:
    """Write a share of one as a percentage."""
    return UNKNOWN if value is None else f"{value:.{decimals}%}"
