"""The delay model against the same arithmetic done flight by flight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from analytics.delay_model import Departures, evaluate, fit
from flight_by_flight import by_flight

CARRIERS = {"AA": -3.0, "B6": 2.0, "UA": 0.0}
HOURS = {6: -8.0, 12: 0.0, 19: 10.0}


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    """Single departures whose truth is known: additive, but for the carrier B6 at 19:00."""
    chance = np.random.default_rng(2013)
    rows = 4000
    frame = pd.DataFrame(
        {
            "carrier": chance.choice(list(CARRIERS), rows),
            "hour": chance.choice(list(HOURS), rows),
            "day": chance.integers(1, 41, rows),
        }
    )
    frame["storm"] = frame["day"] % 7 == 0
    whim = np.where((frame["carrier"] == "B6") & (frame["hour"] == 19), 15.0, 0.0)
    of_day = chance.normal(0, 6, 41)[frame["day"]]
    frame["delay"] = (
        frame["carrier"].map(CARRIERS)
        + frame["hour"].map(HOURS)
        + 12.0 * frame["storm"]
        + whim
        + of_day
        + chance.normal(0, 20, rows)
    )
    return frame


def grouped(flights: pd.DataFrame) -> Departures:
    """Sum single departures as the warehouse does."""
    sums = (
        flights.assign(squares=flights["delay"] ** 2)
        .groupby(["carrier", "hour", "storm", "day"], as_index=False)
        .agg(count=("delay", "size"), total=("delay", "sum"), squares=("squares", "sum"))
    )
    columns = ("carrier", "hour", "storm", "day", "count", "total", "squares")
    kinds = (str, np.int64, bool, np.int64, float, float, float)
    return Departures(
        *(sums[name].to_numpy(dtype=kind) for name, kind in zip(columns, kinds, strict=True))
    )


def test_sums_give_what_single_flights_give(flights: pd.DataFrame) -> None:
    forecast, expected = fit(grouped(flights)), by_flight(flights)
    assert list(zip(forecast.carrier, forecast.hour, strict=True)) == list(
        zip(expected["carrier"], expected["hour"], strict=True)
    )
    for name in ("count", "observed", "additive", "expected"):
        np.testing.assert_allclose(getattr(forecast, name), expected[name], rtol=1e-8)
    assert forecast.storm_effect == pytest.approx(expected["storm_effect"][0])


def test_the_truth_is_found(flights: pd.DataFrame) -> None:
    forecast = fit(grouped(flights))
    # Days differ by 6 minutes on average and there are 5 stormy ones: a standard error of about 3.
    assert forecast.storm_effect == pytest.approx(12, abs=6)
    odd = (forecast.carrier == "B6") & (forecast.hour == 19)
    lift = forecast.expected - forecast.additive
    assert np.argmax(lift) == np.flatnonzero(odd)[0]
    assert 0 < forecast.reliability.min() <= forecast.reliability.max() < 1


def test_a_cell_with_more_flights_keeps_more_of_its_own_mean(flights: pd.DataFrame) -> None:
    few = (flights["carrier"] == "AA") & (flights["hour"] == 6) & (flights.index % 40 != 0)
    forecast = fit(grouped(flights[~few]))
    small = np.argmin(forecast.count)
    assert (forecast.carrier[small], forecast.hour[small]) == ("AA", 6)
    assert forecast.reliability[small] == forecast.reliability.min()
    assert np.all(np.diff(forecast.reliability[np.argsort(forecast.count)]) >= 0)


def test_cells_that_do_not_differ_are_all_the_model(flights: pd.DataFrame) -> None:
    additive = flights.assign(
        delay=flights["carrier"].map(CARRIERS)
        + flights["hour"].map(HOURS)
        # The same scatter in every cell, and no deviation of any cell's mean.
        + flights.groupby(["carrier", "hour"]).cumcount().mod(2).mul(2).sub(1) * 20.0
    )
    forecast = fit(grouped(additive))
    assert np.all(forecast.reliability == 0)
    np.testing.assert_allclose(forecast.expected, forecast.additive)
    assert np.all(forecast.half_width == 0)


@pytest.mark.parametrize("predictor", ["overall mean", "mean of the cell", "shrunken cell"])
def test_errors_on_held_out_days_are_those_of_single_flights(
    flights: pd.DataFrame, predictor: str
) -> None:
    departures = grouped(flights)
    results = {row.predictor: row for row in evaluate(departures, departures.day % 5 == 0)}

    training, test = flights[flights["day"] % 5 != 0], flights[flights["day"] % 5 == 0]
    model = by_flight(training).set_index(["carrier", "hour"])
    level = training["delay"].mean()
    lookup: dict[str, Callable[[tuple[str, int]], float]] = {
        "overall mean": lambda _: level,
        "mean of the cell": lambda key: model.loc[key, "observed"],
        "shrunken cell": lambda key: model.loc[key, "expected"],
    }
    keys = zip(test["carrier"], test["hour"], strict=True)
    predicted = np.array([lookup[predictor](key) for key in keys])
    miss = test["delay"] - predicted
    assert results[predictor].rmse == pytest.approx(np.sqrt((miss**2).mean()))
    spread = ((test["delay"] - test["delay"].mean()) ** 2).mean()
    assert results[predictor].explained_share == pytest.approx(1 - (miss**2).mean() / spread)
    cells = miss.groupby([test["carrier"], test["hour"]]).agg(["size", "mean"])
    cell_error = np.sqrt(np.average(cells["mean"] ** 2, weights=cells["size"]))
    assert results[predictor].cell_rmse == pytest.approx(cell_error)


def test_a_cell_never_seen_in_training_gets_the_overall_mean(flights: pd.DataFrame) -> None:
    held = flights["day"] % 5 == 0
    unseen = (flights["carrier"] == "AA") & (flights["hour"] == 6)
    departures = grouped(flights[held | ~unseen])
    results = evaluate(departures, departures.day % 5 == 0)
    assert all(np.isfinite([row.rmse, row.cell_rmse, row.explained_share]).all() for row in results)
    only = grouped(flights[(held & unseen) | (~held & ~unseen)])
    plain, cell, *_ = evaluate(only, only.day % 5 == 0)
    assert cell.rmse == pytest.approx(plain.rmse)
