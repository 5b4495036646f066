"""Checks in projects, through the command line: dbt, SQL files and Python wait, and say why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.cli.main import execute

FILES = {
    "orchestrator.toml": """
name = "shop"
warehouse = "main"
lineage_check = "strict"
[warehouses.main]
type = "duckdb"
path = "shop.duckdb"
project_dir = "dbt"
""",
    "dbt/dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
    "dbt/profiles.yml": """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: ../shop.duckdb}
""",
    "dbt/models/sources.yml": """
sources:
  - name: raw
    tables: [{name: orders}]
""",
    "dbt/models/daily.sql": "select count(*) as n from {{ source('raw', 'orders') }}",
    "sql/big.sql": """-- orchestrator: materialized=table
select * from raw.orders where amount > {{ parameters.least }}
""",
    "sql/big_is_big.sql": """-- orchestrator: check=no_rows, severity=warn
select * from big where amount > 70
""",
    "sql/some.sql": "-- orchestrator: check=rows>=1, name=some_big\nselect * from big",
    "flows/nightly.py": """
from orchestrator import Flow, Parameter, task
from tasks import DbtBuild, SqlCheck, SqlFolder


@task(warehouse="main", writes=["raw.orders"])
def load(count, warehouse):
    warehouse.execute("create schema if not exists raw")
    warehouse.execute(
        "create or replace table raw.orders as select range % $1 as id, range * 10 as amount"
        " from range(10)", [count]
    )


@task(warehouse="main", reads=["big"])
def report(warehouse):
    return warehouse.execute("select count(*) from big").fetchone()[0]


with Flow("nightly") as flow:
    DbtBuild(project_dir="dbt")()
    report()
    SqlFolder("sql")()
    SqlCheck("raw.orders", unique="id", name="orders_once")()
    load(Parameter("count", default=10))
    flow.add_task(Parameter("least", default=50))
""",
}

Said = Callable[..., tuple[int, str]]


@pytest.fixture
def said(in_tmp: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Said:
    """Runs a command in the project; gives its exit code and what it printed."""
    monkeypatch.setenv("COLUMNS", "200")  # however wide the terminal is, nothing is cut short
    for name, text in FILES.items():
        path = in_tmp / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(*words: str) -> tuple[int, str]:
        code = execute(list(words))
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def test_what_waits_for_a_check_and_why(said: Said) -> None:
    code, text = said("why", "orders_once", "daily")
    assert code == 0
    assert "checks shop.raw.orders" in text
    code, text = said("why", "big")
    assert re.search(r"flows/nightly.py:\d+ checks shop.raw.orders", text)
    assert "sql/big.sql:2 reads shop.raw.orders" in text
    code, text = said("plan", "nightly")
    order = [text.index(word) for word in ("load", "orders_once", " big ", "some_big", "report")]
    assert order == sorted(order)


def test_a_flow_whose_checks_hold(said: Said) -> None:
    code, text = said("run", "nightly")
    assert code == 0, text
    assert "1 warned" in text
    assert "the query gives 2 rows where none should be" in text


def test_a_check_that_fails_stops_what_reads_the_data(said: Said) -> None:
    code, text = said("run", "nightly", "-p", "count=9")
    assert code == 1
    assert "id is not unique: 1 value more than once" in text
    assert "id=0, times=2" in text
    assert "because test orders_once failed" in text
    after = text[text.index("because test orders_once failed") :]
    assert all(word in after for word in ("daily", "big", "some_big", "report"))


def test_a_file_that_checks(said: Said) -> None:
    code, text = said("run", "nightly", "-p", "least=95")
    assert code == 1
    assert "0 rows, expected at least 1" in text
    assert "sql/some.sql" in text
    assert "because test some_big failed" in text
    assert "report" in text[text.index("because test some_big failed") :]


@pytest.mark.parametrize(
    ("front", "what"),
    [
        ("check=norows", "expected no_rows, rows, rows>=1"),
        ("check=no_rows, severity=warning", "did you mean 'warn'?"),
        ("check=no_rows, materialized=table", "does not go with a check"),
        ("chek=no_rows", "did you mean 'check'?"),
    ],
)
def test_wrong_front_matter_of_a_check(said: Said, in_tmp: Path, front: str, what: str) -> None:
    (in_tmp / "sql" / "some.sql").write_text(f"-- orchestrator: {front}\nselect 1")
    code, text = said("plan", "nightly")
    assert code == 2
    assert what in text
    assert "sql/some.sql:1" in text
