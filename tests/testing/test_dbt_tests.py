"""dbt's unit tests run without the warehouse, and a flow with dbt runs on a database of the test."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from orchestrator.service.project import Project
from orchestrator.testing import assert_table, run_flow
from orchestrator.testing.suite import Ending, Outcome, Wanted
from tasks.testing.dbt_difference import readable
from tasks.testing.dbt_units import DbtUnitTests
from tests.testing.projects import DBT, write

DAY = date(2026, 3, 1)


def outcomes(root: Path) -> tuple[dict[str, Outcome], list[str]]:
    kind, said = DbtUnitTests(Project.find(root)), []
    cases, broken = kind.collect(Wanted())
    assert not broken
    return {each.case.name: each for each in kind.run(cases, said.append)}, said


def test_tests_are_found_without_dbt(tmp_path: Path) -> None:
    cases, _ = DbtUnitTests(Project.find(write(tmp_path, DBT))).collect(Wanted())
    assert [(case.name, case.place, case.of) for case in cases] == [
        ("counts_orders_of_a_day", "models/schema.yml:10", "orders_by_day"),
        ("takes_all_orders", "models/schema.yml:20", "stg_orders"),
    ]


@pytest.mark.slow
def test_they_run_with_empty_parents_and_sources_made_of_their_rows(elsewhere: Path) -> None:
    schema = DBT["models/schema.yml"]
    more = """
  - name: expects_too_much
    model: orders_by_day
    given: [{input: ref('stg_orders'), rows: [{id: 1, ordered_on: 2026-03-01}]}]
    expect: {rows: [{day: 2026-03-01, orders: 2}, {day: 2026-03-02, orders: 1}]}
  - name: lacks_an_input
    model: orders_by_day
    given: []
    expect: {rows: []}
"""
    write(elsewhere, DBT | {"models/schema.yml": schema + more})
    found, said = outcomes(elsewhere)
    endings = {name: outcome.ending for name, outcome in found.items()}
    assert endings == {
        "counts_orders_of_a_day": Ending.PASSED,
        "takes_all_orders": Ending.PASSED,
        "expects_too_much": Ending.FAILED,
        "lacks_an_input": Ending.ERROR,
    }
    assert found["expects_too_much"].message.splitlines() == [
        "the result is not as expected: 1 row differs, 1 row missing",
        "  differs: day=2026-03-01",
        "    orders: expected 2, found 1",
        "  missing: day=2026-03-02, orders=1",
    ]
    assert "dbt makes 1 table without rows" in said
    assert not list(elsewhere.glob("*.duckdb"))
    assert not [name for name in os.environ if name.startswith("DBT_")]

    write(elsewhere, {"models/stg_orders.sql": "select {{ nonsense( }}"})
    found, _ = outcomes(elsewhere)
    assert {outcome.ending for outcome in found.values()} == {Ending.ERROR}
    assert "dbt parse cannot run" in found["takes_all_orders"].message


@pytest.mark.slow
def test_seeds_are_loaded_and_increments_know_their_table(elsewhere: Path) -> None:
    files = {
        "dbt_project.yml": DBT["dbt_project.yml"],
        "seeds/countries.csv": "code,name\nde,Germany\nfr,France\n",
        "models/seen.sql": "{{ config(materialized='incremental') }}\n"
        "select code from {{ ref('countries') }}"
        "{% if is_incremental() %} where code not in (select code from {{ this }}){% endif %}\n",
        "models/tests.yml": """
unit_tests:
  - name: adds_what_is_new
    model: seen
    overrides: {macros: {is_incremental: true}}
    given:
      - input: ref('countries')
        rows: [{code: de}, {code: it}]
      - input: this
        rows: [{code: de}]
    expect: {rows: [{code: it}]}
""",
    }
    found, said = outcomes(write(elsewhere, files))  # there is no profiles.yml, either
    assert found["adds_what_is_new"].message == ""
    assert found["adds_what_is_new"].ending is Ending.PASSED
    assert "dbt loads 1 seed" in said


@pytest.mark.slow
def test_a_flow_with_dbt_runs_on_the_database_of_the_test(elsewhere: Path) -> None:
    write(elsewhere, DBT)
    before = sorted(path for path in elsewhere.iterdir() if path.name != "target")
    rows = [{"id": 1, "ordered_on": DAY, "amount": 2.5}, {"id": 2, "ordered_on": DAY, "amount": 1}]
    result = run_flow("nightly", stub={"load_orders": rows})
    assert result.succeeded, result
    assert_table(result, "marts.daily", [{"day": DAY, "orders": 2}])
    assert result.states["model.shop.stg_orders"] == result.states["stg_orders"] == "Success"

    result = run_flow(
        "nightly", stub={"load_orders": None, "stg_orders": rows[:1]},
        exclude="resource_type:unit_test",
    )  # fmt: skip
    assert result.succeeded, result
    assert_table(result, "marts.daily", [{"day": DAY, "orders": 1}])

    result = run_flow("nightly", stub={"load_orders": rows, "orders_by_day": OSError("gone")})
    assert result.failed == ["orders_by_day"]
    assert result.states["daily"] == "Skipped"
    now = sorted(path for path in elsewhere.iterdir() if path.name not in ("target", "flows"))
    assert [path.name for path in now] == [path.name for path in before if path.name != "flows"]
    assert [path.name for path in (elsewhere / "target").iterdir()] == ["testing"]


def test_dbts_picture_is_said_in_words() -> None:
    picture = (
        "actual differs from expected:\n\n@@,id,day  \r\n+++,1,a\r\n---,2,b\r\n→,3,x→y\r\n,4,same"
    )
    assert readable(picture).splitlines() == [
        "the result is not as expected: 1 row differs, 1 row missing, 1 row extra",
        "  extra: id=1, day=a",
        "  missing: id=2, day=b",
        "  differs: id=3",
        "    day: expected x, found y",
    ]
    assert readable("Compilation Error\r\n  it is so") == "Compilation Error\n  it is so"
    assert readable("actual differs from expected: somehow").endswith("somehow")
