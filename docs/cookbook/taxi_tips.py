"""Taxi tips, computed in a cluster that one task starts and stops: python taxi_tips.py [folder]."""

from __future__ import annotations

import sys
from pathlib import Path

from orchestrator import Flow, Parameter, task


@task
def make_rides(folder: str, days: int, rides: int) -> str:
    """Write one Parquet file of rides for each day; they stand for those of the city."""
    import numpy
    import pandas

    Path(folder).mkdir(parents=True, exist_ok=True)
    for day in range(1, days + 1):
        chance = numpy.random.default_rng(day)
        fares = chance.gamma(3.0, 5.0, rides).round(2) + 2.5
        passengers = chance.integers(1, 7, rides)
        shares = chance.beta(2.0, 8.0, rides) * (1 + passengers / 20)
        table = pandas.DataFrame(
            {"passengers": passengers, "fare": fares, "tip": (fares * shares).round(2)}
        )
        table.to_parquet(Path(folder) / f"day-{day:02}.parquet", index=False)
    return folder


@task(max_retries=1)
def tips_by_passengers(folder: str, workers: int) -> list[dict[str, float]]:
    """Compute how much is given, by the number of passengers, on a cluster of this task's own."""
    import dask.dataframe
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        rides = dask.dataframe.read_parquet(folder)
        sums = rides.groupby("passengers")[["fare", "tip"]].sum()
        found = client.compute(sums).result().sort_index()
    shares = (found["tip"] / found["fare"]).round(4)
    return [{"passengers": int(number), "share": float(share)} for number, share in shares.items()]


@task
def write_report(tips: list[dict[str, float]], file: str) -> str:
    """Write the result, a line for each number of passengers."""
    lines = [f"{row['passengers']},{row['share']}" for row in tips]
    Path(file).write_text("\n".join(["passengers,share", *lines]) + "\n")
    return file


with Flow("taxi_tips") as flow:
    folder = Parameter("folder", default="rides")
    rides = make_rides(folder, Parameter("days", default=4), Parameter("rides", default=50_000))
    tips = tips_by_passengers(rides, workers=2)
    write_report(tips, "tips.csv")


if __name__ == "__main__":
    state = flow.run(parameters={"folder": sys.argv[1]} if sys.argv[1:] else {})
    print(state.type, state.message)
    sys.exit(not state.is_successful())
