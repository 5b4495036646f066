"""Writes small dbt projects on DuckDB for the tests."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

PROFILES = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: shop.duckdb, schema: main, threads: 4}
    other: {type: duckdb, path: other.duckdb, schema: main, threads: 2}
"""
PROJECT = """
name: shop
version: "1.0"
profile: shop
flags: {send_anonymous_usage_stats: false}
"""


def write_project(folder: Path, files: dict[str, str]) -> Path:
    """Write files (their text dedented) below a folder, with a project file and profiles."""
    for name, text in {"dbt_project.yml": PROJECT, "profiles.yml": PROFILES, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip())
    return folder


#: Every kind of node that `dbt build` runs, some of which fail, warn and are skipped.
EVERYTHING = {
    "dbt_project.yml": PROJECT
    + """
models: {shop: {+materialized: table}}
on-run-start:
  - create table if not exists audit (what varchar, nodes integer)
  - insert into audit values ('start', {{ selected_resources | length }})
on-run-end:
  - insert into audit values ('end', {{ results | length }})
""",
    "seeds/raw_customers.csv": "id,name\n1,Ann\n2,Bob\n3,Cyd\n",
    "seeds/countries.csv": "code\nNL\nBE\n",
    "models/customers.sql": """
        {{ config(materialized='table') }}
        {{ log('building customers', info=true) }}
        select id, name from {{ ref('raw_customers') }}
        """,
    "models/named.sql": "{{ config(materialized='view') }} select * from {{ ref('customers') }}",
    "models/brief.sql": """
        {{ config(materialized='ephemeral') }} select id from {{ ref('customers') }} where id < 3
        """,
    "models/uses_brief.sql": "select count(*) as n from {{ ref('brief') }}",
    "models/growing.sql": """
        {{ config(materialized='incremental', unique_key='id') }}
        select id, name, {{ 1 if is_incremental() else 0 }} as pass from {{ ref('customers') }}
        """,
    "models/daily.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch',
                  event_time='happened', batch_size='day', begin='2026-01-01') }}
        select * from {{ ref('happenings') }}
        """,
    "models/happenings.sql": """
        select timestamp '2026-01-01' + interval (i) hour as happened, i
        from range(96) as t(i)
        """,
    "models/halves.sql": """
        {{ config(materialized='incremental', incremental_strategy='microbatch',
                  event_time='happened', batch_size='day', begin='2026-01-01') }}
        select happened, case when i between 50 and 60 then error('bad batch') else i end as i
        from {{ ref('happenings') }}
        """,
    "models/python_model.py": """
        def model(dbt, session):
            dbt.config(materialized="table")
            return dbt.ref("customers").filter("id > 1")
        """,
    "models/broken.sql": """
        select id,
               nope as y
        from {{ ref('customers') }}
        """,
    "models/below_broken.sql": "select * from {{ ref('broken') }}",
    "models/below_below_broken.sql": "select * from {{ ref('below_broken') }}",
    "models/uncompilable.sql": "select {{ exceptions.raise_compiler_error('not today') "
    "if execute else 1 }}",
    "models/broken_brief.sql": """
        {{ config(materialized='ephemeral') }}
        select {{ exceptions.raise_compiler_error('no cte') if execute else 1 }}
        """,
    "models/below_broken_brief.sql": "select * from {{ ref('broken_brief') }}",
    "models/doubtful.sql": "select unnest([1, 1, null]) as id",
    "models/below_doubtful.sql": "select * from {{ ref('doubtful') }}",
    "models/tolerated.sql": "select unnest([1, 1]) as id",
    "models/below_tolerated.sql": "select * from {{ ref('tolerated') }}",
    "models/checked.sql": "select id + 1 as id from {{ ref('raw_customers') }}",
    "models/miscounted.sql": "select id + 1 as id from {{ ref('raw_customers') }}",
    "models/switched_off.sql": "{{ config(enabled=false) }} select 1",
    "models/schema.yml": """
        models:
          - name: customers
            columns: [{name: id, data_tests: [unique, not_null]}]
          - name: happenings
            config: {event_time: happened}
          - name: doubtful
            columns:
              - name: id
                data_tests: [unique, {not_null: {config: {store_failures: true}}}]
          - name: tolerated
            columns: [{name: id, data_tests: [{unique: {config: {severity: warn}}}]}]
        unit_tests:
          - name: adds_one
            model: checked
            given: [{input: ref('raw_customers'), rows: [{id: 1}, {id: 2}]}]
            expect: {rows: [{id: 2}, {id: 3}]}
        exposures:
          - name: board
            type: dashboard
            owner: {name: Ann}
            depends_on: [ref('customers')]
        """,
    "models/more.yml": """
        unit_tests:
          - name: adds_two
            model: miscounted
            given: [{input: ref('raw_customers'), rows: [{id: 1}]}]
            expect: {rows: [{id: 3}]}
        """,
    "snapshots/history.yml": """
        snapshots:
          - name: history
            relation: ref('customers')
            config: {unique_key: id, strategy: check, check_cols: [name]}
        """,
    "tests/no_dan.sql": "select * from {{ ref('customers') }} where name = 'Dan'",
}
