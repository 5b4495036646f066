"""Small projects that the tests of tests are about."""

from __future__ import annotations

from pathlib import Path

TOML = """name = "shop"

[warehouses.local]
type = "duckdb"
path = "shop.duckdb"
"""

#: A flow of Python, SQL and mapped tasks, whose loader must not run in a test.
FLOW = """
from orchestrator import Flow, Parameter, context, task
from tasks import SqlFolder


@task(writes=["raw.orders"], warehouse="local", max_retries=2, retry_delay=3600)
def load_orders(day, warehouse):
    raise RuntimeError("the real thing")


@task
def double(x):
    return 2 * x


@task
def today():
    context.get("logger").info("it is %s", context.get("today"))
    return context.get("today")


with Flow("nightly") as flow:
    load_orders(Parameter("day", default="2026-01-01"))
    SqlFolder("sql")()
    double.map([1, 2, 3])
    today()
"""
BY_DAY = """-- orchestrator: materialized=table, table=marts.orders_by_day
select ordered_on as day, count(*) as orders from raw.orders group by 1
"""

DBT = {
    "dbt_project.yml": 'name: shop\nversion: "1.0"\nprofile: shop\n',
    "profiles.yml": """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: shop.duckdb}
    prod: {type: snowflake, account: "{{ env_var('NOBODY_SETS_THIS') }}", database: ANALYTICS}
""",
    "orchestrator.toml": 'name = "shop"\n[warehouses.dbt]\ntype = "dbt"\n',
    "models/stg_orders.sql": "select id, ordered_on, amount from {{ source('raw', 'orders') }}\n",
    "models/orders_by_day.sql": """{{ config(materialized='table') }}
select ordered_on as day, count(*) as orders from {{ ref('stg_orders') }} group by 1
""",
    "models/schema.yml": """
sources:
  - name: raw
    schema: raw
    tables:
      - name: orders
        columns:
          - {name: id, data_type: integer}
unit_tests:
  - name: counts_orders_of_a_day
    model: orders_by_day
    given:
      - input: ref('stg_orders')
        rows:
          - {id: 1, ordered_on: 2026-03-01}
          - {id: 2, ordered_on: 2026-03-01}
    expect:
      rows:
        - {day: 2026-03-01, orders: 2}
  - name: takes_all_orders
    model: stg_orders
    given:
      - input: source('raw', 'orders')
        rows:
          - {id: 1, ordered_on: 2026-03-01, amount: 2.5}
    expect:
      rows:
        - {id: 1, amount: 2.5}
""",
    "flows/nightly.py": """
from orchestrator import Flow, task
from tasks import DbtBuild, SqlFolder


@task(writes=["raw.orders"], warehouse="dbt")
def load_orders(warehouse):
    raise RuntimeError("the real thing")


with Flow("nightly") as flow:
    load_orders()
    DbtBuild()()
    SqlFolder("sql")()
""",
    "sql/daily.sql": """-- orchestrator: materialized=table, table=marts.daily
select day, orders from {{ ref('orders_by_day') }}
""",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files below a folder, and give the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def shop(folder: Path, **more: str) -> Path:
    """A project with the flow ``nightly`` on DuckDB."""
    files = {"orchestrator.toml": TOML, "flows/nightly.py": FLOW, "sql/orders_by_day.sql": BY_DAY}
    return write(folder, files | more)
