"""How punctual: day by day, and carrier against carrier."""

from __future__ import annotations

from typing import Any

from analytics.charts.days import Day, days
from analytics.charts.ranges import Range, ranges
from analytics.finding import Finding, Row, fetch, minutes, share

#: Rough hours from which a day counts as one with a storm.
STORM_HOURS = 3
#: Share of all flights from which a carrier counts as a large one.
LARGE = 0.03
#: A carrier with fewer flights than one a week and airport says nothing about punctuality.
LEAGUE_FLIGHTS = 150

_DAILY = """
    select
        flight_date,
        sum(scheduled_flights) as flights,
        1 - sum(on_time_share * scheduled_flights) / sum(scheduled_flights) as late_share,
        sum(cancelled_flights) as cancelled,
        max(storm_hours) as storm_hours
    from marts.daily_operations
    group by flight_date
    order by flight_date
"""

_LEAGUE = f"""
    select
        carrier_name,
        sum(scheduled_flights) as flights,
        1.0 * sum(on_time_flights) / sum(scheduled_flights) as on_time_share,
        min(on_time_share) as worst_month,
        max(on_time_share) as best_month,
        1.0 * sum(cancelled_flights) / sum(scheduled_flights) as cancelled_share,
        sum(mean_departure_delay * (scheduled_flights - cancelled_flights))
            / sum(scheduled_flights - cancelled_flights) as mean_departure_delay
    from marts.carrier_league
    group by carrier_name
    having sum(scheduled_flights) >= {LEAGUE_FLIGHTS}
    order by on_time_share desc
"""


def daily(connection: Any) -> Finding:
    """The share of flights that were not on time, each day, with storm days marked."""
    rows = fetch(connection, _DAILY)
    stormy = [row for row in rows if _stormy(row)]
    calm = [row for row in rows if not _stormy(row)]
    worst = sorted(rows, key=lambda row: -row["late_share"])[:10]
    in_storm = sum(_stormy(row) for row in worst)
    chart = days(
        "daily",
        "Flights not on time, each day",
        f"Columns of the daily share of flights that arrived late or not at all; "
        f"{len(stormy)} of {len(rows)} days, those with a storm, are marked.",
        [Day(row["flight_date"], row["late_share"], _stormy(row), _day_note(row)) for row in rows],
    )
    return Finding(
        "daily",
        f"{_of(in_storm, len(worst))} worst days were storm days; of all {len(rows)} days "
        f"{len(stormy)} were",
        f"Share of scheduled flights that arrived 15 minutes late or more, were cancelled or "
        f"diverted. Orange days had rough weather (low visibility, rain or strong wind) for "
        f"{STORM_HOURS} hours or more at one of the three airports: {share(_mean(stormy))} of "
        f"their flights were not on time, against {share(_mean(calm))} on other days.",
        ("Day", "Flights", "Not on time", "Cancelled", "Storm hours"),
        [
            (
                f"{row['flight_date']:%a %-d %b}",
                f"{row['flights']:,.0f}",
                share(row["late_share"]),
                f"{row['cancelled']:,.0f}",
                f"{row['storm_hours']:.0f}",
            )
            for row in worst
        ],
        chart,
    )


def league(connection: Any) -> Finding:
    """The on-time league of carriers with the range of their months."""
    rows = fetch(connection, _LEAGUE)
    best, last = rows[0], rows[-1]
    chart = ranges(
        "league",
        "On-time arrivals by carrier",
        f"A dot for each carrier's share of flights on time, on a bar from its worst to its best "
        f"month; from {best['carrier_name']} ({share(best['on_time_share'])}) to "
        f"{last['carrier_name']} ({share(last['on_time_share'])}).",
        [
            Range(
                row["carrier_name"],
                row["worst_month"],
                row["on_time_share"],
                row["best_month"],
                share(row["on_time_share"], 1),
            )
            for row in rows
        ],
        lambda tick: f"{tick:.0%}",
    )
    flights = sum(row["flights"] for row in rows)
    large = [row for row in rows if row["flights"] >= LARGE * flights]
    return Finding(
        "league",
        f"Of the large carriers {large[0]['carrier_name']} leads with "
        f"{share(large[0]['on_time_share'])} on time; {large[-1]['carrier_name']} keeps "
        f"{share(large[-1]['on_time_share'])}",
        "The dot is the share of all scheduled flights that arrived less than 15 minutes late; "
        "cancelled and diverted flights count against the carrier. The bar runs from its worst "
        "month to its best: a long bar is a carrier that the season decides. Carriers differ in "
        "routes and hours, so this is what passengers meet, not how well a carrier is run.",
        ("Carrier", "Flights", "On time", "Worst month", "Best month", "Cancelled", "Mean delay"),
        [
            (
                row["carrier_name"],
                f"{row['flights']:,.0f}",
                share(row["on_time_share"], 1),
                share(row["worst_month"]),
                share(row["best_month"]),
                share(row["cancelled_share"], 1),
                minutes(row["mean_departure_delay"]),
            )
            for row in rows
        ],
        chart,
    )


def _of(part: int, whole: int) -> str:
    return f"All {whole}" if part == whole else f"{part} of the {whole}"


def _stormy(row: Row) -> bool:
    return bool(row["storm_hours"] >= STORM_HOURS)


def _mean(rows: list[Row]) -> float | None:
    """Return the late share of several days together, or None without days."""
    flights = sum(row["flights"] for row in rows)
    return sum(row["late_share"] * row["flights"] for row in rows) / flights if flights else None


def _day_note(row: Row) -> str:
    return (
        f"{row['flight_date']:%a %-d %b}: {row['late_share']:.0%} of {row['flights']:.0f} flights "
        f"not on time, {row['cancelled']:.0f} cancelled"
    )
