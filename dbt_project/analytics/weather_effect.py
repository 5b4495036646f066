"""Minutes of delay that each weather factor adds with the others held equal.

Least squares within airport and hour of day (each has its own mean, so a windy afternoon is not
blamed on the wind alone). Flights of one day share their weather and their delays, so standard
errors are clustered by day: treating flights as independent would make them several times too
small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tasks import tables

if TYPE_CHECKING:
    from numpy.typing import NDArray

FACTORS = {
    "wind_mph": ("wind", "10 mph more", 10.0),
    "rain_inches": ("rain", "0.1 inch in the hour", 0.1),
    "visibility_loss": ("visibility", "5 miles less", 5.0),
    "pressure_drop": ("pressure", "10 mbar less", 10.0),
    "load_factor": ("airport load", "half full to full", 0.5),
}


_READ = """
    select origin, scheduled_hour, flight_date, departure_delay, wind_mph, rain_inches,
        visibility_miles, pressure_mbar, load_factor
    from intermediate.int_flight_conditions
"""


def weather_effect(connection: Any) -> int:
    """Write ``scores.weather_effect``: a row a factor.

    Args:
        connection: A connection of this thread's own to the warehouse.

    Returns:
        Departures that were compared.
    """
    import pandas as pd

    flights = tables.read(connection, _READ)
    flights["visibility_loss"] = 10.0 - flights["visibility_miles"]
    flights["pressure_drop"] = 1013.0 - flights["pressure_mbar"]
    names = list(FACTORS)
    flights = flights.dropna(subset=["departure_delay", *names])

    cells = [flights["origin"], flights["scheduled_hour"]]
    measured = flights[["departure_delay", *names]].astype(float)
    centred = (measured - measured.groupby(cells).transform("mean")).to_numpy()
    outcome, factors = centred[:, 0], centred[:, 1:]

    coefficients, *_ = np.linalg.lstsq(factors, outcome, rcond=None)
    errors = _clustered_errors(factors, outcome - factors @ coefficients, flights["flight_date"])
    rows = []
    for name, coefficient, error in zip(names, coefficients, errors, strict=True):
        factor, step, size = FACTORS[name]
        minutes, spread = coefficient * size, 1.96 * error * size
        rows.append((factor, step, minutes, minutes - spread, minutes + spread, len(flights)))
    columns = ["factor", "step", "minutes", "low_minutes", "high_minutes", "departures"]
    tables.write(
        connection, "scores.weather_effect", pd.DataFrame(rows, columns=columns), mode="replace"
    )
    return len(flights)


def _clustered_errors(
    factors: NDArray[np.float64], residuals: NDArray[np.float64], days: Any
) -> NDArray[np.float64]:
    """Standard errors that allow flights of one day to be alike (the sandwich estimator)."""
    import pandas as pd

    bread = np.linalg.inv(factors.T @ factors)
    scores = pd.DataFrame(factors * residuals[:, None]).groupby(days.to_numpy()).sum().to_numpy()
    return np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread))
