"""The head of the report: the period, its main figures, and when the data was loaded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from analytics.finding import Row, fetch, minutes, share
from analytics.svg import number

_TOTALS = """
    select
        min(flight_date) as first_day,
        max(flight_date) as last_day,
        sum(scheduled_flights) as flights,
        sum(cancelled_flights) as cancelled,
        sum(on_time_share * scheduled_flights) / sum(scheduled_flights) as on_time_share,
        sum(mean_departure_delay * departed_flights) / sum(departed_flights) as mean_delay
    from marts.daily_operations
"""

_MONTHS = """
    select
        cast(date_trunc('month', flight_date) as date) as month,
        sum(on_time_share * scheduled_flights) / sum(scheduled_flights) as on_time_share,
        1.0 * sum(cancelled_flights) / sum(scheduled_flights) as cancelled_share,
        sum(mean_departure_delay * departed_flights) / sum(departed_flights) as mean_delay
    from marts.daily_operations
    group by 1
    order by 1
"""


@dataclass(frozen=True, slots=True)
class Figure:
    """One main figure: what it is, its value, and a line that gives it scale."""

    name: str
    value: str
    context: str


@dataclass(frozen=True, slots=True)
class Summary:
    """What the top of the page says."""

    period: str
    figures: tuple[Figure, ...]


def summarise(connection: Any) -> Summary:
    """Read the main figures of the loaded period."""
    total = fetch(connection, _TOTALS)[0]
    months = fetch(connection, _MONTHS)
    first, last = total["first_day"], total["last_day"]
    a_day = total["flights"] / ((last - first).days + 1)
    return Summary(
        f"{first:%-d %B} to {last:%-d %B %Y}",
        (
            Figure("Scheduled flights", f"{total['flights']:,.0f}", f"{a_day:,.0f} a day"),
            Figure(
                "Arrived on time",
                share(total["on_time_share"], 1),
                _months(months, "on_time_share", share, (max, min)),
            ),
            Figure(
                "Mean departure delay",
                minutes(total["mean_delay"]),
                _months(months, "mean_delay", lambda delay: number(delay, 1), (min, max)),
            ),
            Figure(
                "Cancelled",
                share(total["cancelled"] / total["flights"], 1),
                _months(months, "cancelled_share", share, (min, max)),
            ),
        ),
    )


def _months(
    months: list[Row],
    column: str,
    write: Callable[[float], str],
    best_and_worst: tuple[Callable[..., Row], ...],
) -> str:
    """Name the best and the worst month of a figure."""
    chosen = [pick(months, key=lambda row: row[column]) for pick in best_and_worst]
    return " · ".join(f"{row['month']:%b} {write(row[column])}" for row in chosen)
