"""Scores departures: reads what flights met, fits the delay model, writes the scores tables."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from analytics.delay_model import Departures, Evaluation, Forecast, evaluate, fit
from tasks import tables

if TYPE_CHECKING:
    from pandas import DataFrame

#: Every fifth day of the month is kept for testing: spread over the year, whole days.
HELD_OUT_EVERY = 5

_READ = """
    select
        carrier,
        scheduled_hour as hour,
        in_storm as storm,
        flight_date as day,
        count(*) as count,
        sum(departure_delay) as total,
        sum(departure_delay * departure_delay) as squares,
        count(case when departed_late then 1 end) as late
    from intermediate.int_flight_conditions
    where departed
    group by carrier, scheduled_hour, in_storm, flight_date
    order by 1, 2, 3, 4
"""
_GROUPS = {"carrier": "carrier", "scheduled_hour": "scheduled_hour"}
_FITTED = (
    *("departures", "observed_delay", "expected_delay", "expected_delay_in_storm", "low_delay"),
    *("high_delay", "reliability", "late_probability"),
)
_FROM = [
    f"intermediate.int_flight_conditions.{column}"
    for column in ("carrier", "scheduled_hour", "in_storm", "departure_delay", "departed_late")
]
#: The tables that are written: each column, and the columns that go into it.
COLUMNS = {
    "scores.departure_delay": {
        column: f"intermediate.int_flight_conditions.{source}" for column, source in _GROUPS.items()
    }
    | dict.fromkeys(_FITTED, _FROM),
    "scores.model_evaluation": dict.fromkeys([field.name for field in fields(Evaluation)], _FROM),
}


def score(connection: Any) -> float:
    """Fit the model on all days, test it on held-out ones, write both to the warehouse.

    Writes ``scores.departure_delay`` (a row a carrier and hour) and ``scores.model_evaluation``
    (a row a predictor).

    Args:
        connection: A cursor of this thread's own on the warehouse.

    Returns:
        The share of variance of single departures explained on the held-out days.
    """
    frame = tables.read(connection, _READ)
    frame["day"] = frame["day"].astype(
        "datetime64[s]"
    )  # dates, or instants, as databases give them
    delays, lateness = _outcomes(frame)
    held_out = (frame["day"].dt.day % HELD_OUT_EVERY == 0).to_numpy()
    evaluations = evaluate(delays, held_out)

    _write(connection, "departure_delay", _scores(fit(delays), fit(lateness)))
    _write(connection, "model_evaluation", _frame([asdict(row) for row in evaluations]))
    explained = {row.predictor: row.explained_share for row in evaluations}
    return float(explained["shrunken cell"])


def _outcomes(frame: DataFrame) -> tuple[Departures, Departures]:
    """Return departures with minutes of delay, and with late or not, as their outcome."""
    minutes = Departures(
        carrier=frame["carrier"].to_numpy(dtype=str),
        hour=frame["hour"].to_numpy(dtype=np.int64),
        storm=frame["storm"].to_numpy(dtype=bool),
        day=frame["day"].to_numpy(),
        count=frame["count"].to_numpy(dtype=float),
        total=frame["total"].to_numpy(dtype=float),
        squares=frame["squares"].to_numpy(dtype=float),
    )
    late = frame["late"].to_numpy(dtype=float)
    return minutes, replace(minutes, total=late, squares=late)


def _scores(delay: Forecast, late: Forecast) -> DataFrame:
    """Lay the two forecasts out as the table of scores."""
    return _frame(
        {
            "carrier": delay.carrier,
            "scheduled_hour": delay.hour,
            "departures": delay.count.astype(int),
            "observed_delay": delay.observed,
            "expected_delay": delay.expected,
            "expected_delay_in_storm": delay.in_storm,
            "low_delay": delay.expected - delay.half_width,
            "high_delay": delay.expected + delay.half_width,
            "reliability": delay.reliability,
            # The additive part is linear, so a small cell can fall outside of what is possible.
            "late_probability": np.clip(late.expected, 0.0, 1.0),
        }
    )


def _frame(columns: object) -> DataFrame:
    """Make a data frame; pandas is imported where it is needed, not when the flow is read."""
    from pandas import DataFrame

    return DataFrame(columns)


def _write(connection: Any, table: str, frame: DataFrame) -> None:
    """Replace a table of the schema ``scores`` by the frame."""
    tables.write(connection, f"scores.{table}", frame, mode="replace")
