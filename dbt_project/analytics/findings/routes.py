"""Where: the least punctual routes with the slack of their timetable, and the worst days."""

from __future__ import annotations

from typing import Any

from analytics.charts import bars
from analytics.finding import Finding, fetch, minutes, share
from analytics.svg import number

# One flight in two days, over as many days as were loaded: what a planner would call a route.
_ROUTES = """
    select *
    from marts.route_performance
    where scheduled_flights >= (
        select count(distinct flight_date) / 2.0 from marts.daily_operations
    )
    order by on_time_share, origin, destination
"""

_DISRUPTIONS = """
    select * from ops.disruption_days
    order by lost_minutes_a_flight desc, origin
    limit 12
"""


def routes(connection: Any) -> Finding:
    """The least punctual routes and how much their timetable allows for."""
    found = fetch(connection, _ROUTES)
    worst = found[:12]
    slack = sum(row["usual_made_up_minutes"] or 0 for row in worst) / len(worst)
    others = sum(row["usual_made_up_minutes"] or 0 for row in found) / len(found)
    return Finding(
        "routes",
        f"The least punctual routes win back {slack:.0f} minutes on the way; "
        f"a usual route wins back {others:.0f}",
        "Share of flights that were not on time, for routes with at least a flight every other "
        "day. Slack is the delay that a median flight wins back between departure and arrival: "
        "the time the timetable holds in reserve. Spread is what times in the air differ by, "
        "between the quickest and the slowest tenth; where spread is far above slack, the "
        "timetable promises what the route does not keep.",
        ("Route", "To", "Flights", "On time", "Slack", "Spread in the air", "Mean arrival delay"),
        [
            (
                f"{row['origin']} → {row['destination']}",
                row["destination_name"],
                f"{row['scheduled_flights']:,}",
                share(row["on_time_share"]),
                minutes(row["usual_made_up_minutes"]),
                minutes(row["air_minutes_spread"]),
                minutes(row["mean_arrival_delay"]),
            )
            for row in worst
        ],
        bars.rows(
            "routes",
            "The twelve least punctual routes",
            "Bars of the share of flights not on time, from "
            f"{share(1 - worst[0]['on_time_share'])} ({worst[0]['origin']} to "
            f"{worst[0]['destination']}) down.",
            [
                bars.Bar(
                    f"{row['origin']} → {row['destination']}",
                    1 - row["on_time_share"],
                    f"{share(1 - row['on_time_share'])} · "
                    f"{number(row['usual_made_up_minutes'] or 0)} min slack · "
                    f"{_short(row['destination_name'])}",
                )
                for row in worst
            ],
        ),
    )


def disruptions(connection: Any) -> Finding:
    """The days that cost most, and what they have in common."""
    rows = fetch(connection, _DISRUPTIONS)
    stormy = sum(row["likely_cause"] == "storm at the airport" for row in rows)
    return Finding(
        "disruptions",
        f"{stormy} of the {len(rows)} costliest airport days were storms",
        "Ranked by minutes lost for each scheduled flight; a cancelled flight counts as three "
        "hours. The cause is read from the weather and the calendar, not from the carriers' own "
        "reports.",
        ("Day", "Airport", "Flights", "Cancelled", "On time", "Lost a flight", "Likely cause"),
        [
            (
                f"{row['flight_date']:%a %-d %b}",
                row["origin"],
                f"{row['scheduled_flights']:,}",
                f"{row['cancelled_flights']:,}",
                share(row["on_time_share"]),
                minutes(row["lost_minutes_a_flight"]),
                row["likely_cause"] + (f" ({row['holiday']})" if row["holiday"] else ""),
            )
            for row in rows
        ],
    )


def _short(name: str) -> str:
    """Shorten an airport's name to what fits beside a bar."""
    for ending in (" International Airport", " Intl", " Airport", " Regional", " Municipal"):
        name = name.removesuffix(ending)
    return name if len(name) <= 26 else name[:25].rstrip() + "…"
