"""The delay model once more, from single flights: what the tests hold the real one against."""

from __future__ import annotations

import numpy as np
import pandas as pd


def by_flight(flights: pd.DataFrame) -> pd.DataFrame:
    """Fit with one dummy left out and loops for the rest.

    Args:
        flights: A row a departure, with carrier, hour, storm, day and delay.
    """
    design = pd.get_dummies(flights[["carrier", "hour"]].astype(str), drop_first=True, dtype=float)
    design.insert(0, "level", 1.0)
    design["storm"] = flights["storm"].astype(float)
    matrix = design.to_numpy()
    solution = np.linalg.solve(matrix.T @ matrix, matrix.T @ flights["delay"].to_numpy())
    work = flights.assign(fitted=matrix @ solution)

    scatter, pairs, cells = 0.0, 0, []
    for (carrier, hour), cell in work.groupby(["carrier", "hour"]):
        mean = cell["delay"].mean()
        days = [day["delay"].sum() - len(day) * mean for _, day in cell.groupby("day")]
        if len(days) > 1:
            scatter += sum(miss**2 for miss in days) * len(days) / (len(days) - 1)
            pairs += len(cell)
        cells.append((carrier, hour, len(cell), mean, cell["fitted"].mean()))
    result = pd.DataFrame(cells, columns=["carrier", "hour", "count", "observed", "additive"])

    variance = scatter / pairs / result["count"]
    deviation = result["observed"] - result["additive"]
    centre = np.average(deviation, weights=1 / variance)
    excess = ((deviation - centre) ** 2 / variance).sum() - (len(result) - 1)
    spread = max(0.0, excess / ((1 / variance).sum() - (variance**-2).sum() / (1 / variance).sum()))
    result["expected"] = result["additive"] + spread / (spread + variance) * deviation
    result["storm_effect"] = solution[-1]
    return result
