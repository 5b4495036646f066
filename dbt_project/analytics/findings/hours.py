"""When: how delay builds up through the day, and what to expect of each carrier and hour."""

from __future__ import annotations

from typing import Any

from analytics.charts.heatmap import heatmap
from analytics.charts.lines import lines
from analytics.finding import Finding, Row, fetch, minutes, share
from analytics.svg import number

_BUILD_UP = """
    select
        origin,
        scheduled_hour,
        sum(departures) as departures,
        sum(total_departure_delay) / sum(departures) as mean_delay
    from marts.hourly_delays
    group by origin, scheduled_hour
    -- A few flights at the edge of the day make no mean.
    having sum(departures) >= 20
    order by origin, scheduled_hour
"""

_FORECAST = """
    select carrier_name, scheduled_hour, departures, observed_delay, expected_delay,
        expected_delay_in_storm, low_delay, high_delay, late_probability, outlook
    from marts.delay_forecast
    where scheduled_hour between 5 and 23 and departures >= 5
    order by carrier_name, scheduled_hour
"""

_EVALUATION = "select * from scores.model_evaluation order by rmse desc"


def build_up(connection: Any) -> Finding:
    """Mean departure delay by scheduled hour, a line for each airport."""
    rows = fetch(connection, _BUILD_UP)
    series: dict[str, list[tuple[float, float]]] = {}
    for row in rows:
        series.setdefault(row["origin"], []).append((row["scheduled_hour"], row["mean_delay"]))
    early, peak = _overall(rows, 6), max(range(12, 23), key=lambda hour: _overall(rows, hour))
    first, last = (
        min(row["scheduled_hour"] for row in rows),
        max(row["scheduled_hour"] for row in rows),
    )
    return Finding(
        "build-up",
        f"The day starts {early:.0f} minutes late and ends up {_overall(rows, peak):.0f} late "
        f"around {peak}:00",
        "Mean departure delay by scheduled hour. What is lost in the morning is carried by crews "
        "and aircraft into the evening; the night clears it. Flights that did not leave are not "
        "in the means.",
        ("Airport", *(f"{hour}:00" for hour in (6, 9, 12, 15, 18, 21))),
        [
            (
                origin,
                *(minutes(dict(points).get(hour)) for hour in (6, 9, 12, 15, 18, 21)),
            )
            for origin, points in series.items()
        ],
        lines(
            "build-up",
            "Mean departure delay through the day",
            f"A line for each airport from {first}:00 to {last}:00; all rise from about "
            f"{early:.0f} minutes at 6:00 to their peak in the evening.",
            series,
            {hour: f"{hour}:00" for hour in range(first, last + 1) if hour % 3 == 0},
            "scheduled hour",
            "minutes of delay",
        ),
    )


def forecast(connection: Any) -> Finding:
    """The delay model's expectation for each carrier and hour."""
    rows = fetch(connection, _FORECAST)
    carriers = sorted({row["carrier_name"] for row in rows}, key=lambda name: _mean(rows, name))
    hours = sorted({row["scheduled_hour"] for row in rows})
    at_risk = sum(row["departures"] for row in rows if row["outlook"] == "at risk")
    reliable = [row for row in rows if row["outlook"] == "reliable"]
    before = share(
        sum(row["departures"] for row in reliable if row["scheduled_hour"] < 12)
        / max(1, sum(row["departures"] for row in reliable))
    )
    return Finding(
        "forecast",
        f"{share(at_risk / sum(row['departures'] for row in rows))} of departures are in slots "
        "that leave late three times in ten or more",
        "Expected departure delay in minutes by carrier and scheduled hour, from the delay model: "
        "carrier, hour and storm added up, corrected by what each slot showed as far as its "
        f"flights are enough to tell. Slots that leave on time mostly lie early: {before} of the "
        "departures in reliable slots are before noon.",
        ("Carrier", "Hour", "Departures", "Observed", "Expected", "In a storm", "Late"),
        [
            (
                row["carrier_name"],
                f"{row['scheduled_hour']}:00",
                f"{row['departures']:,}",
                minutes(row["observed_delay"]),
                f"{minutes(row['expected_delay'])} ({number(row['low_delay'])} to "
                f"{number(row['high_delay'])})",
                minutes(row["expected_delay_in_storm"]),
                share(row["late_probability"]),
            )
            for row in sorted(rows, key=lambda row: -row["late_probability"])[:15]
        ],
        heatmap(
            "forecast",
            "Expected departure delay by carrier and hour",
            f"{len(carriers)} carriers by {len(hours)} hours; delays grow to the right (evening) "
            "and to the bottom (carriers with the longest delays).",
            carriers,
            [str(hour) for hour in hours],
            {_key(row): row["expected_delay"] for row in rows},
            {_key(row): _note(row) for row in rows},
        ),
    )


def evaluation(connection: Any) -> Finding:
    """How far the forecast can be trusted."""
    rows = fetch(connection, _EVALUATION)
    by_name = {row["predictor"]: row for row in rows}
    shrunken, plain = by_name["shrunken cell"], by_name["overall mean"]
    return Finding(
        "trust",
        f"The forecast knows slots, not flights: {share(shrunken['explained_share'])} of the "
        "variance of single departures",
        "Fitted on four fifths of the days and tested on the fifth that it had not seen. A single "
        "departure is mostly chance and the weather of its day, so its error hardly falls. The mean "
        f"of a slot is another matter: its error falls from {minutes(plain['cell_rmse'])} to "
        f"{minutes(shrunken['cell_rmse'])}. Use it to plan slots and staff, never to promise a "
        "passenger a time.",
        ("Predictor", "Error of a departure", "Variance explained", "Error of a slot's mean"),
        [
            (
                row["predictor"],
                minutes(row["rmse"]),
                share(max(0.0, row["explained_share"]), 1),
                minutes(row["cell_rmse"]),
            )
            for row in rows
        ],
    )


def _overall(rows: list[Row], hour: int) -> float:
    """Return the mean delay of an hour over all airports; 0 without departures."""
    found = [row for row in rows if row["scheduled_hour"] == hour]
    departures = sum(row["departures"] for row in found)
    return float(sum(row["mean_delay"] * row["departures"] for row in found) / (departures or 1))


def _mean(rows: list[Row], carrier: str) -> float:
    found = [row for row in rows if row["carrier_name"] == carrier]
    total = sum(row["expected_delay"] * row["departures"] for row in found)
    return float(total / sum(row["departures"] for row in found))


def _key(row: Row) -> tuple[str, str]:
    return row["carrier_name"], str(row["scheduled_hour"])


def _note(row: Row) -> str:
    return (
        f"{row['carrier_name']}, {row['scheduled_hour']}:00: {minutes(row['expected_delay'])} "
        f"expected, {share(row['late_probability'])} late, {row['departures']:,} departures"
    )
