"""The nightly flow: load the raw tables, build models and SQL, score departures, write the report.

No order between tables is written here. Each task says what it reads and writes; dbt's manifest
and the SQL files say the rest.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from analytics import load
from analytics.report import EXPORTS, PAGE, READS, write_report
from analytics.score import COLUMNS
from analytics.score import score as score_departures
from analytics.weather_effect import weather_effect as measure_weather

from orchestrator import DaskExecutor, Flow, Parameter, task, unmapped
from tasks import DbtBuild, SqlFolder

PROJECT = Path(__file__).resolve().parent.parent
#: The hooks keep a row of each dbt invocation.
AUDIT = {"writes": ["audit.dbt_runs"]}


@task(warehouse="flights", writes={"raw.flights": list(load.FLIGHT_COLUMNS)})
def prepare_raw(warehouse: Any) -> str:
    """Create the schema ``raw`` and its empty flights table; the loaders take the schema's name."""
    return load.prepare(warehouse)


@task(warehouse="flights", writes={"raw.flights": list(load.FLIGHT_COLUMNS)})
def load_month(month: int, schema: str, warehouse: Any) -> int:
    """Replace one month of flights."""
    return load.load_month(warehouse, month, schema)


@task(warehouse="flights", writes=["raw.weather"])
def load_weather(schema: str, warehouse: Any) -> int:
    """Replace the hourly weather."""
    return load.load_register(warehouse, "weather", schema)


@task(warehouse="flights", writes=["raw.planes"])
def load_planes(schema: str, warehouse: Any) -> int:
    """Replace the register of aircraft."""
    return load.load_register(warehouse, "planes", schema)


@task(warehouse="flights", writes=["raw.airports"])
def load_airports(schema: str, warehouse: Any) -> int:
    """Replace the register of airports."""
    return load.load_register(warehouse, "airports", schema)


@task(warehouse="flights", writes=["raw.airlines"])
def load_airlines(schema: str, warehouse: Any) -> int:
    """Replace the list of carriers."""
    return load.load_register(warehouse, "airlines", schema)


@task(
    warehouse="flights",
    reads=["intermediate.int_flight_conditions"],
    writes=COLUMNS,
)
def score(warehouse: Any) -> float:
    """Fit the delay model and write its scores; the result is the variance it explains."""
    return score_departures(warehouse)


@task(
    warehouse="flights",
    reads=["intermediate.int_flight_conditions"],
    writes=["scores.weather_effect"],
)
def weather_effect(warehouse: Any) -> int:
    """Write what each weather factor adds to delays."""
    return measure_weather(warehouse)


@task(
    warehouse="flights",
    reads=READS,
    writes=[f"reports/{name}" for name in (PAGE, *EXPORTS)],
)
def report(warehouse: Any) -> list[str]:
    """Write the page for the head of operations and its CSV files."""
    return [str(path) for path in write_report(warehouse, PROJECT / "reports")]


with Flow(
    "nightly", executor=DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 4})
) as flow:
    months = Parameter("months", default=list(range(1, 13)), type=list)
    schema = prepare_raw()
    load_month.map(months, unmapped(schema))
    load_weather(schema)
    load_planes(schema)
    load_airports(schema)
    load_airlines(schema)
    DbtBuild(project_dir=PROJECT, on_run_start=AUDIT, on_run_end=AUDIT)()
    SqlFolder(PROJECT / "sql")()
    score()
    weather_effect()
    report()
