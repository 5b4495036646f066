"""The built project: dbt's statuses, scores against single flights, incremental and snapshot."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest
from analytics import report
from flight_by_flight import by_flight
from flights_project import Built

Read = Callable[[str], list[tuple[object, ...]]]
PROJECT = Path(report.__file__).resolve().parents[1]


def test_all_is_green_but_the_warning_that_is_meant_to_be(built: Built) -> None:
    statuses = built.statuses
    assert Counter(statuses.values()).keys() == {"success", "pass", "warn", "no-op"}
    assert [name for name, status in statuses.items() if status == "warn"] == [
        "tail_number_is_registered"
    ]
    assert sum(status in ("pass", "warn") for status in statuses.values()) >= 25


def test_scores_are_those_of_single_flights(built: Built) -> None:
    with duckdb.connect(str(built.database), read_only=True) as connection:
        flights = connection.execute(
            "select carrier, scheduled_hour as hour, in_storm as storm, flight_date as day, "
            "departure_delay as delay from intermediate.int_flight_conditions where departed"
        ).df()
        scores = connection.execute(
            "select * from scores.departure_delay order by carrier, scheduled_hour"
        ).df()
    expected = by_flight(flights).sort_values(["carrier", "hour"], ignore_index=True)
    assert scores["carrier"].tolist() == expected["carrier"].tolist()
    assert scores["departures"].tolist() == expected["count"].tolist()
    np.testing.assert_allclose(scores["observed_delay"], expected["observed"], rtol=1e-7)
    np.testing.assert_allclose(scores["expected_delay"], expected["expected"], rtol=1e-6)
    assert scores["late_probability"].between(0, 1).all()


def test_the_model_beats_the_mean_on_days_it_has_not_seen(read: Read) -> None:
    rows = dict(read("select predictor, rmse from scores.model_evaluation"))
    assert rows["shrunken cell"] < rows["overall mean"]


def test_every_flight_reaches_the_marts_once(read: Read) -> None:
    ((loaded,),) = read("select count(*) from raw.flights")
    for mart in ("carrier_league", "daily_operations", "route_performance"):
        assert read(f"select sum(scheduled_flights) from marts.{mart}") == [(loaded,)]


def test_runs_are_audited(read: Read) -> None:
    runs = read("select finished_at is not null, failed, warned from audit.dbt_runs")
    assert len(runs) == 3
    assert all(finished and failed == 0 for finished, failed, _ in runs)


def test_a_month_delivered_again_replaces_its_flights_and_no_others(built: Built) -> None:
    def months(database: Path) -> dict[int, tuple[object, ...]]:
        sql = (
            "select month(flight_month), count(*), sum(departure_delay), max(loaded_at) "
            "from intermediate.int_flights group by 1"
        )
        with duckdb.connect(str(database), read_only=True) as connection:
            return {row[0]: row[1:] for row in connection.execute(sql).fetchall()}

    before, after = months(built.database), months(built.rebuilt)
    assert after[1] == before[1]
    assert after[2][0] < before[2][0]
    assert after[2][1] != before[2][1]
    assert after[2][2] > before[2][2]


def test_the_snapshot_keeps_what_an_aircraft_was(built: Built) -> None:
    sql = (
        "select seats, dbt_valid_to is null from history.fleet_register "
        "where tail_number = 'N10156' order by dbt_valid_from"
    )
    with duckdb.connect(str(built.rebuilt), read_only=True) as connection:
        assert connection.execute(sql).fetchall() == [(55, False), (999, True)]
        changed = "select count(*) from history.fleet_register where dbt_valid_to is not null"
        assert connection.execute(changed).fetchone() == (1,)


@pytest.mark.parametrize("path", sorted((PROJECT / "sql").glob("*.sql")), ids=lambda p: p.stem)
def test_sql_files_give_the_same_again(built: Built, tmp_path: Path, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built.database}' as flights (read_only)")
        before = connection.execute(f"from flights.ops.{path.stem} order by all").fetchall()
        # Copy what the file reads into a database of its own, then run it there.
        for schema, name in re.findall(r"(?:from|join) (\w+)\.(\w+)", path.read_text()):
            connection.execute(f"create schema if not exists {schema}")
            connection.execute(
                f"create table if not exists {schema}.{name} as from flights.{schema}.{name}"
            )
        after = connection.execute(f"from ({path.read_text()}) order by all").fetchall()
    assert len(before) > 0
    assert after == before


def test_reads_of_the_report_are_what_its_queries_name() -> None:
    package = Path(report.__file__).parent
    writers = ("score.py", "weather_effect.py")
    texts = [path.read_text() for path in package.rglob("*.py") if path.name not in writers]
    queried = set(re.findall(r"from ((?:marts|ops|scores)\.\w+)", "\n".join(texts)))
    exported = {source.split()[0] for source in report.EXPORTS.values()}
    assert set(report.READS) == queried | exported
