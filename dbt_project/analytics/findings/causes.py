"""Why: weather, the aircraft's leg before, and its age."""

from __future__ import annotations

from itertools import groupby
from typing import Any

from analytics.charts.bars import Bar, panels
from analytics.charts.lines import lines
from analytics.charts.ranges import Range, ranges
from analytics.finding import Finding, Row, about, fetch, minutes, share
from analytics.svg import number

_PANELS = {"rain": "Rain", "visibility": "Visibility, miles", "wind": "Wind, mph"}
#: How a factor is called where it adds delay.
_ADDING = {
    "airport load": "a full airport",
    "pressure": "low pressure",
    "visibility": "poor visibility",
}
_BANDS = "select * from marts.weather_bands order by factor, band_order"
_EFFECT = "select * from scores.weather_effect order by minutes desc"
_KNOCK_ON = "select * from marts.rotation_knock_on order by band_order, tight_turn"
_AGE = "select * from marts.aircraft_age order by band_order"
_FLEET = (
    "select count(*) as seen, count(case when registered then 1 end) as known from marts.aircraft"
)


def weather(connection: Any) -> Finding:
    """Mean delay in bands of visibility, wind and rain."""
    rows = fetch(connection, _BANDS)
    groups = [
        (_PANELS[name], [_bar(row) for row in found])
        for name, found in groupby(rows, key=lambda row: row["factor"])
    ]
    worst = max(rows, key=lambda row: row["mean_departure_delay"])
    usual = min(rows, key=lambda row: row["mean_departure_delay"])
    return Finding(
        "weather",
        f"A departure in {worst['weather']} leaves {about(worst['mean_departure_delay'])} late; "
        f"in the best weather {about(usual['mean_departure_delay'])}",
        "Mean departure delay in minutes by the weather at the scheduled hour, one factor at a "
        "time. Bad things come together, so these numbers must not be added up; the next chart "
        "separates them. Hours without an observation are left out.",
        ("Factor", "Weather", "Flights", "Mean delay", "Late", "Cancelled"),
        [
            (
                row["factor"],
                row["weather"],
                f"{row['scheduled_flights']:,}",
                minutes(row["mean_departure_delay"]),
                share(row["late_share"]),
                share(row["cancelled_share"], 1),
            )
            for row in rows
        ],
        panels(
            "weather",
            "Mean departure delay by weather",
            "Three panels of four columns: delay grows with rain, with loss of visibility and "
            "with wind.",
            groups,
            lambda value: f"{value:.0f}",
        ),
    )


def weather_effect(connection: Any) -> Finding:
    """What each factor adds with the others held equal."""
    rows = fetch(connection, _EFFECT)
    certain = [
        _ADDING.get(str(row["factor"]), str(row["factor"]))
        for row in rows
        if row["low_minutes"] > 0
    ]
    unsure = [row["factor"] for row in rows if row["low_minutes"] <= 0 <= row["high_minutes"]]
    doubt = f" For {_listed(unsure)} alone the data does not tell." if unsure else ""
    return Finding(
        "weather-effect",
        f"Held apart, {_listed(certain)} add delay" if certain else "No factor stands out alone",
        "Minutes of departure delay for one step of each factor while the others stay as they "
        "are, compared within airport and hour of the day. The bar is a 95 % interval that allows "
        f"for the flights of one day being alike; a bar that crosses zero proves nothing.{doubt}",
        ("Factor", "Step", "Minutes", "From", "To"),
        [
            (
                row["factor"],
                row["step"],
                minutes(row["minutes"], sign=True),
                minutes(row["low_minutes"], sign=True),
                minutes(row["high_minutes"], sign=True),
            )
            for row in rows
        ],
        ranges(
            "weather-effect",
            "Minutes of delay for one step of each factor",
            "A dot with a 95 percent interval for each factor: "
            + "; ".join(f"{row['factor']} {minutes(row['minutes'])}" for row in rows),
            [
                Range(
                    f"{row['factor']}, {row['step']}",
                    row["low_minutes"],
                    row["minutes"],
                    row["high_minutes"],
                    minutes(row["minutes"], sign=True),
                )
                for row in rows
            ],
            lambda tick: number(tick, sign=True),
            zero=True,
        ),
    )


def knock_on(connection: Any) -> Finding:
    """How a late arrival becomes the next late departure, by tight and roomy turn-rounds."""
    rows = fetch(connection, _KNOCK_ON)
    names = {True: "Tight turn", False: "Roomy turn"}
    series = {
        names[tight]: [
            (float(row["band_order"]), row["mean_departure_delay"])
            for row in rows
            if row["tight_turn"] is tight
        ]
        for tight in (True, False)
    }
    tight, roomy = (_in_band(rows, 4, kind) for kind in (True, False))
    bands = {float(row["band_order"]): row["previous_delay_band"] for row in rows}
    return Finding(
        "knock-on",
        f"An aircraft that is 30 to 59 minutes late leaves {about(tight)} late on a tight turn, "
        f"{about(roomy)} on a roomy one",
        "Mean delay of a departure by how late (in minutes) the same aircraft's flight before had "
        "arrived, where both left from the same airport on one day. Tight is below the ground time "
        "that the carrier usually plans; the ground times at both ends count together, because the "
        "way back is not in the data.",
        ("Arrived late", "Turn", "Rotations", "Mean delay", "Late"),
        [
            (
                row["previous_delay_band"],
                names[row["tight_turn"]],
                f"{row['rotations']:,}",
                minutes(row["mean_departure_delay"]),
                share(row["late_share"]),
            )
            for row in rows
        ],
        lines(
            "knock-on",
            "Departure delay by the delay of the leg before",
            "Two lines that rise with the delay of the leg before; the line of tight turn-rounds "
            "lies above that of roomy ones throughout.",
            {name: points for name, points in series.items() if points},
            bands,
            "minutes by which the leg before arrived late",
            "minutes of delay",
        ),
    )


def age(connection: Any) -> Finding:
    """Whether old aircraft are late more often than their carrier's others."""
    rows = fetch(connection, _AGE)
    fleet = fetch(connection, _FLEET)[0]
    spread = max(abs(row["delay_against_carrier"]) for row in rows)
    most, least = (pick(rows, key=lambda row: row["departures_a_day"]) for pick in (max, min))
    return Finding(
        "age",
        f"Age of aircraft moves delay by {about(spread)} at most",
        "Mean departure delay against all departures of the same carrier, by age in years: "
        "between carriers the old fleets look punctual, but that is the carrier. Aircraft of "
        f"{most['age_band']} years leave New York {most['departures_a_day']:.2f} times a day, "
        f"those of {least['age_band']} {least['departures_a_day']:.2f} times. The register knows "
        f"{fleet['known']:,} of {fleet['seen']:,} aircraft; the others are not in this chart.",
        ("Age", "Aircraft", "Departures", "Mean delay", "Against carrier", "Departures a day"),
        [
            (
                row["age_band"],
                f"{row['aircraft']:,}",
                f"{row['departures']:,}",
                minutes(row["mean_departure_delay"]),
                minutes(row["delay_against_carrier"], sign=True),
                f"{row['departures_a_day']:.2f}",
            )
            for row in rows
        ],
        panels(
            "age",
            "Delay against the carrier's own mean, by age of aircraft",
            f"Six columns about zero, none further than {minutes(spread)} from it.",
            [
                (
                    "Minutes against the carrier's mean",
                    [
                        Bar(
                            row["age_band"],
                            row["delay_against_carrier"],
                            f"{minutes(row['delay_against_carrier'], sign=True)}, "
                            f"{row['departures']:,} departures",
                        )
                        for row in rows
                    ],
                )
            ],
            lambda value: number(value, 1, sign=True),
            height=190,
        ),
    )


def _bar(row: Row) -> Bar:
    return Bar(
        row["band"],
        row["mean_departure_delay"] or 0.0,
        f"{minutes(row['mean_departure_delay'])}, {row['scheduled_flights']:,} flights, "
        f"{share(row['cancelled_share'], 1)} cancelled",
    )


def _in_band(rows: list[Row], band: int, tight: bool) -> float | None:
    found = [row for row in rows if row["band_order"] == band and row["tight_turn"] is tight]
    return found[0]["mean_departure_delay"] if found else None


def _listed(words: list[str]) -> str:
    """Write a list as people say it.

    Example:
        >>> _listed(["rain", "wind", "fog"])
        'rain, wind and fog'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))
