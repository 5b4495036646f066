"""The departure-delay model: additive in carrier, hour and storm, with cells shrunk towards it.

A carrier's flights of one hour (a *cell*) differ from what carrier and hour alone say, but many
cells hold few departures. Each cell's own deviation therefore counts by its reliability: the share
of its variance that is not chance (empirical Bayes). Delays of one day hang together, so chance is
measured between days, not between flights.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Departures:
    """Departures summed by carrier, hour, storm and day; arrays of one length.

    Args:
        carrier: Carrier codes.
        hour: Scheduled hours, 0 to 23.
        storm: Whether the scheduled hour lay in a storm.
        day: Dates, or anything that tells days apart.
        count: Departures.
        total: Sum of the outcome (minutes of delay; or the number that left late).
        squares: Sum of the squared outcome.
    """

    carrier: NDArray[np.str_]
    hour: NDArray[np.int64]
    storm: NDArray[np.bool_]
    day: NDArray[np.generic]
    count: Floats
    total: Floats
    squares: Floats

    def where(self, mask: NDArray[np.bool_]) -> Departures:
        """Keep the rows of the mask."""
        return Departures(*(getattr(self, name)[mask] for name in self.__slots__))

    @property
    def mean(self) -> float:
        """Mean outcome of all departures."""
        return float(self.total.sum() / self.count.sum())


@dataclass(frozen=True, slots=True)
class Forecast:
    """A fitted model, one entry a cell (carrier and hour), sorted.

    ``expected`` and ``additive`` hold for the cell's usual share of storms; ``storm_effect`` is
    what a storm adds over calm weather; ``half_width`` is half of a 95 % interval of ``expected``.
    """

    carrier: NDArray[np.str_]
    hour: NDArray[np.int64]
    count: Floats
    observed: Floats
    additive: Floats
    expected: Floats
    storm_share: Floats
    half_width: Floats
    storm_effect: float
    reliability: Floats
    overall: float

    @property
    def in_storm(self) -> Floats:
        """What to expect of each cell when there is a storm for certain."""
        return self.expected + self.storm_effect * (1 - self.storm_share)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How one predictor did on days it had not seen.

    Args:
        predictor: Its name.
        rmse: Root mean squared error of a single departure, in minutes.
        explained_share: Share of the departures' variance it explains, against their mean.
        cell_rmse: Root mean squared error of a cell's mean, weighted by departures, in minutes.
    """

    predictor: str
    rmse: float
    explained_share: float
    cell_rmse: float


def fit(departures: Departures) -> Forecast:
    """Fit the additive model and shrink each cell's deviation from it.

    Args:
        departures: At least two days of departures.

    Example:
        >>> day = Departures(
        ...     np.array(["AA", "AA", "UA", "UA"]), np.array([7, 7, 7, 7]), np.zeros(4, bool),
        ...     np.array([1, 2, 1, 2]), np.full(4, 10.0), np.array([50.0, 60, 20, 10]),
        ...     np.array([400.0, 500, 300, 200]))
        >>> fit(day).observed.tolist()
        [5.5, 1.5]
    """
    cells, cell = _cells(departures)
    count: Floats = np.bincount(cell, departures.count).astype(np.float64)
    observed = np.bincount(cell, departures.total) / count
    storm_share = np.bincount(cell, departures.count * departures.storm) / count
    fitted, storm_effect = _additive(departures, cells, cell)
    additive = np.bincount(cell, departures.count * fitted) / count

    noise = _noise(departures, cell, count, observed) / count
    spread = _spread_between_cells(observed - additive, noise)
    reliability = spread / (spread + noise) if spread > 0 else np.zeros_like(noise)
    return Forecast(
        carrier=np.array([carrier for carrier, _ in cells]),
        hour=np.array([hour for _, hour in cells]),
        count=count,
        observed=observed,
        additive=additive,
        expected=additive + reliability * (observed - additive),
        storm_share=storm_share,
        half_width=1.96 * np.sqrt(reliability * noise),
        storm_effect=storm_effect,
        reliability=reliability,
        overall=departures.mean,
    )


def evaluate(departures: Departures, held_out: NDArray[np.bool_]) -> list[Evaluation]:
    """Fit on the days that are not held out and measure simpler and fuller predictors on the rest.

    Args:
        departures: All departures.
        held_out: True for the rows to test on; whole days, or the test sees its own weather.
    """
    forecast = fit(departures.where(~held_out))
    unseen = departures.where(held_out)
    place = {pair: index for index, pair in enumerate(_pairs(forecast.carrier, forecast.hour))}
    index = np.array([place.get(pair, -1) for pair in _pairs(unseen.carrier, unseen.hour)])
    storm = forecast.storm_effect * (unseen.storm - np.append(forecast.storm_share, 0.0)[index])

    def of(cell_values: Floats) -> Floats:
        """The cell's value, or the overall mean for a cell that training did not see."""
        values: Floats = np.append(cell_values, forecast.overall)[index]
        return values

    predictors = {
        "overall mean": np.full(len(index), forecast.overall),
        "mean of the cell": of(forecast.observed),
        "carrier + hour": of(forecast.additive),
        "shrunken cell": of(forecast.expected),
        "shrunken cell, storm known": of(forecast.expected) + np.where(index < 0, 0.0, storm),
    }
    return [_measure(name, unseen, predicted) for name, predicted in predictors.items()]


def _cells(departures: Departures) -> tuple[list[tuple[str, int]], NDArray[np.intp]]:
    """Return the sorted (carrier, hour) pairs and the index of each row's pair."""
    pairs = _pairs(departures.carrier, departures.hour)
    cells = sorted(set(pairs))
    place = {pair: index for index, pair in enumerate(cells)}
    return cells, np.array([place[pair] for pair in pairs])


def _pairs(carrier: NDArray[np.str_], hour: NDArray[np.int64]) -> list[tuple[str, int]]:
    """Return (carrier, hour) of each entry."""
    return list(zip(carrier.tolist(), hour.tolist(), strict=True))


def _additive(
    departures: Departures, cells: list[tuple[str, int]], cell: NDArray[np.intp]
) -> tuple[Floats, float]:
    """Return each row's fitted mean and the storm effect, by weighted least squares.

    The model does not know days, so a few hundred sums over days give the same solution as all
    rows. Dummies for every carrier and every hour are one too many; the least norm settles it.
    """
    kinds, place = np.unique(cell * 2 + departures.storm, return_inverse=True)
    count = np.bincount(place, departures.count)
    outcome = np.bincount(place, departures.total) / count - departures.mean
    carrier, hour = (np.array(values)[kinds // 2] for values in zip(*cells, strict=True))
    design = np.column_stack([_dummies(carrier), _dummies(hour), kinds % 2])
    weight = np.sqrt(count)
    solution, *_ = np.linalg.lstsq(design * weight[:, None], outcome * weight, rcond=None)
    return departures.mean + (design @ solution)[place], float(solution[-1])


def _dummies(values: NDArray[np.generic]) -> Floats:
    """Return a 0/1 column for each distinct value."""
    columns: Floats = (values[:, None] == np.unique(values)[None, :]).astype(np.float64)
    return columns


def _noise(
    departures: Departures, cell: NDArray[np.intp], count: Floats, observed: Floats
) -> float:
    """Return the variance that chance gives one departure, as far as a cell's mean is concerned.

    It is taken from how the sums of single days scatter about the cell's mean, pooled over cells;
    with independent flights it would equal the variance within cells.
    """
    _, day = np.unique(departures.day, return_inverse=True)
    cell_day, place = np.unique(cell * (day.max() + 1) + day, return_inverse=True)
    total = np.bincount(place, departures.total)
    size = np.bincount(place, departures.count)
    of_cell = cell_day // (day.max() + 1)
    days = np.bincount(of_cell)
    scatter = np.bincount(of_cell, (total - size * observed[of_cell]) ** 2)
    several = days > 1
    corrected = scatter[several] * days[several] / (days[several] - 1)
    return float(corrected.sum() / count[several].sum())


def _spread_between_cells(deviation: Floats, noise: Floats) -> float:
    """Return the variance of the cells' true deviations, by the method of moments; 0 at least."""
    weight = 1 / noise
    centre = (weight * deviation).sum() / weight.sum()
    excess = (weight * (deviation - centre) ** 2).sum() - (len(deviation) - 1)
    return float(max(0.0, excess / (weight.sum() - (weight**2).sum() / weight.sum())))


def _measure(name: str, unseen: Departures, predicted: Floats) -> Evaluation:
    """Compare predictions with what happened, from the sums alone."""

    def squared_error(prediction: Floats | float) -> float:
        parts = unseen.squares - 2 * prediction * unseen.total + prediction**2 * unseen.count
        return float(np.sum(parts) / unseen.count.sum())

    _, cell = _cells(unseen)
    count = np.bincount(cell, unseen.count)
    miss = (np.bincount(cell, unseen.total) - np.bincount(cell, unseen.count * predicted)) / count
    error = squared_error(predicted)
    return Evaluation(
        predictor=name,
        rmse=error**0.5,
        explained_share=1 - error / squared_error(unseen.mean),
        cell_rmse=float(((count * miss**2).sum() / count.sum()) ** 0.5),
    )
