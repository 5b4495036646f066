"""Writes the operations report: one page for people, CSV files for spreadsheets."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

from analytics.findings import causes, hours, punctuality, routes
from analytics.page import page
from analytics.summary import summarise
from tasks import tables

PAGE = "nightly.html"

#: Every table that the page and the CSV files are made of.
READS = (
    "marts.daily_operations",
    "marts.carrier_league",
    "marts.hourly_delays",
    "marts.delay_forecast",
    "marts.weather_bands",
    "marts.rotation_knock_on",
    "marts.aircraft",
    "marts.aircraft_age",
    "marts.route_performance",
    "ops.disruption_days",
    "scores.model_evaluation",
    "scores.weather_effect",
)

#: Tables given out as CSV, each with the order of its rows (files of equal data are equal).
EXPORTS = {
    "carrier_league.csv": "marts.carrier_league order by flight_month, league_rank, carrier",
    "delay_forecast.csv": "marts.delay_forecast order by carrier, scheduled_hour",
    "route_performance.csv": "marts.route_performance order by origin, destination",
    "disruption_days.csv": "ops.disruption_days order by origin, worst_rank",
}

CHAPTERS = (
    ("How punctual", (punctuality.daily, punctuality.league)),
    ("When", (hours.build_up, hours.forecast)),
    ("Why", (causes.weather, causes.weather_effect, causes.knock_on, causes.age)),
    ("Where", (routes.routes, routes.disruptions)),
    ("How sure", (hours.evaluation,)),
)


def write_report(connection: Any, folder: Path) -> list[Path]:
    """Write the page and the CSV files, each whole or not at all.

    Args:
        connection: A cursor of this thread's own on the warehouse.
        folder: Where to; made if it is missing.

    Returns:
        The files, the page first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chapters = [
        (name, [finding(connection) for finding in findings]) for name, findings in CHAPTERS
    ]
    written = [folder / PAGE]
    _write(written[0], page("New York departures", summarise(connection), chapters))
    for name, source in EXPORTS.items():
        written.append(_export(connection, source, folder / name))
    return written


def _export(connection: Any, source: str, path: Path) -> Path:
    """Write a query's rows as CSV."""
    rows = tables.read(connection, f"select * from {source}", as_="arrow")
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows.column_names)
        writer.writerows(zip(*rows.to_pydict().values(), strict=True))
    os.replace(partial, path)
    return path


def _write(path: Path, content: str) -> None:
    """Replace a file in one step, so that no reader sees half of it."""
    partial = path.with_suffix(".partial")
    partial.write_text(content, encoding="utf-8")
    os.replace(partial, path)
