"""A project on fakesnow, run from the command line: SQL files, Python, dbt, in threads and on Dask."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tasks import SnowflakeQuery
from tests.snowflake.conftest import made

FLOW = """
from orchestrator import DaskExecutor, Flow, task
from tasks import DbtBuild, SnowflakeQuery, SqlFolder

@task(warehouse="main", reads=["marts.totals"], writes=["marts.best"])
def best(warehouse):
    with warehouse.cursor() as cursor:
        name = cursor.execute("select customer from marts.totals order by total desc").fetchone()
        cursor.execute("create or replace table marts.best as select %s as customer", name)
    return name[0]

with Flow("nightly") as flow:
    SqlFolder("sql")()
    DbtBuild(".")()
    SnowflakeQuery("select count(*) from marts.report", name="count", warehouse="main")()
    best()
"""
SQL = {
    "load.sql": """
        create schema if not exists raw;
        create or replace table raw.orders (id int, customer varchar, amount number(10, 2));
        insert into raw.orders values (1, 'anna', 10.50), (2, 'ben', 3.25), (3, 'anna', 1)
    """,
    "report.sql": """
        -- orchestrator: tags=[core]
        create or replace table marts.report as
        select t.*, 2 * total as more from {{ ref('totals') }} t
    """,
}
MODELS = {
    "stg_orders.sql": "{{ config(materialized='view') }} select * from {{ source('raw', 'orders') }}",
    "totals.sql": "select customer, sum(amount) as total from {{ ref('stg_orders') }} group by 1",
    "grown.sql": "{{ config(materialized='incremental') }} select * from {{ ref('totals') }}",
    "schema.yml": """
sources: [{name: raw, tables: [{name: orders}]}]
models: [{name: totals, columns: [{name: customer, data_tests: [unique, not_null]}]}]
""",
}


@pytest.fixture
def project(in_tmp: Path, snowflake_table: dict[str, Any]) -> Path:
    """The project; its connection comes from dbt's profile."""
    output = {k: v for k, v in snowflake_table.items() if k != "network_timeout"}
    output |= {"schema": "MARTS", "threads": 2, "password": "{{ env_var('SF_PASSWORD') }}"}
    files = {
        "orchestrator.toml": '[warehouses.main]\ntype = "dbt"\n',
        "dbt_project.yml": "name: shop\nprofile: shop\nmodels: {shop: {+materialized: table}}\n",
        "profiles.yml": json.dumps({"shop": {"target": "prod", "outputs": {"prod": output}}}),
        "flows/nightly.py": FLOW,
        **{f"sql/{name}": text for name, text in SQL.items()},
        **{f"models/{name}": text for name, text in MODELS.items()},
    }
    for name, text in files.items():
        (in_tmp / name).parent.mkdir(exist_ok=True)
        (in_tmp / name).write_text(text)
    return in_tmp


def run(*words: str, password: str = "anything") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "orchestrator", *words],
        env={**os.environ, "SF_PASSWORD": password, "DO_NOT_TRACK": "1"},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["threads", "dask"])
def test_a_flow_of_sql_python_and_dbt(
    project: Path, snowflake_table: dict[str, Any], executor: str
) -> None:
    done = run("run", "nightly", "--executor", executor, password="a-secret-password")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a-secret-password" not in done.stdout + done.stderr
    there = made(snowflake_table, project)
    query = "select customer, more from marts.report order by customer"
    rows = SnowflakeQuery(query).run(warehouse=there).value
    assert [(name, float(more)) for name, more in rows] == [("anna", 23.0), ("ben", 6.5)]
    best = SnowflakeQuery("select customer from marts.best").run(warehouse=there).value
    assert best == [("anna",)]
    results = json.loads((project / "target" / "run_results.json").read_text())["results"]
    assert {r["status"] for r in results} == {"success", "pass"}
    assert len(results) == 5


@pytest.mark.slow
def test_two_processes_run_the_nodes_of_one_build(
    project: Path, snowflake_table: dict[str, Any]
) -> None:
    two = 'executor=DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1})'
    flow = project / "flows" / "nightly.py"
    flow.write_text(FLOW.replace('Flow("nightly")', f'Flow("nightly", {two})'))
    for n in range(6):
        model = "select count(*) as n from {{ ref('stg_orders') }}"
        (project / "models" / f"count{n}.sql").write_text(model)
    done = run("run", "nightly")
    assert done.returncode == 0, done.stdout + done.stderr
    results = json.loads((project / "target" / "run_results.json").read_text())["results"]
    assert {r["status"] for r in results} == {"success", "pass"}
    assert len(results) == 11
    there = made(snowflake_table, project)
    assert SnowflakeQuery("select n from marts.count5").run(warehouse=there).value == [(3,)]
    with closing(sqlite3.connect(project / ".orchestrator" / "store.db")) as store:
        ran = store.execute("select worker from attempts where key like 'model.shop.count%'")
        assert len({worker for (worker,) in ran}) == 2


@pytest.mark.slow
def test_the_order_comes_from_the_sql(project: Path) -> None:
    told = run("plan", "nightly", "--format", "json")
    assert told.returncode == 0, told.stderr
    text = told.stdout
    order = [text.index(f'"{name}"') for name in ("load", "report", "count")]
    assert order == sorted(order)


@pytest.mark.slow
def test_a_failure_is_shown_with_its_file_and_line(project: Path) -> None:
    (project / "sql" / "report.sql").write_text(
        "create or replace table marts.report as\nselect nothing_such\nfrom {{ ref('totals') }}"
    )
    done = run("run", "nightly")
    assert done.returncode == 1
    assert "sql/report.sql" in done.stdout + done.stderr
    assert "nothing_such" in (done.stdout + done.stderr).lower()
