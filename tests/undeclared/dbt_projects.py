"""dbt projects whose nodes do more than their ``ref``s say, and one whose nodes do not."""

from __future__ import annotations

from pathlib import Path

PROFILES = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: shop.duckdb, schema: main, threads: 4}
"""
PROJECT = """
name: shop
version: "1.0"
profile: shop
flags: {send_anonymous_usage_stats: false}
models: {shop: {+materialized: table}}
"""
TOML = """
warehouse = "main"
[warehouses.main]
type = "duckdb"
path = "shop.duckdb"
project_dir = "dbt"
"""


def write_files(folder: Path, files: dict[str, str]) -> None:
    """Write files, by their path below a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.strip() + "\n")


_GROWING = """
{{{{ config(materialized='incremental', incremental_strategy='{strategy}', unique_key={key}) }}}}
select id, name from {{{{ ref('a') }}}}
{{% if is_incremental() %}} where id >= (select max(id) from {{{{ this }}}}) {{% endif %}}
"""
#: Every way in which dbt itself makes and fills tables.
MATERIALISATIONS = {
    "profiles.yml": PROFILES,
    "dbt_project.yml": PROJECT
    + """
data_tests: {+store_failures: true}
seeds: {+persist_docs: {relation: true, columns: true}}
on-run-start: ["create schema if not exists extra"]
on-run-end: ["select 1"]
""",
    "seeds/raw.csv": "id,name\n1,Ann\n2,Bob\n",
    "models/a.sql": "select id, name from {{ ref('raw') }}",
    "models/appended.sql": _GROWING.format(strategy="append", key="none"),
    "models/replaced.sql": _GROWING.format(strategy="delete+insert", key="'id'"),
    "models/merged.sql": _GROWING.format(strategy="merge", key="'id'"),
    "models/brief.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('merged') }}",
    "models/seen.sql": "{{ config(materialized='view') }} select * from {{ ref('appended') }} "
    "join {{ ref('brief') }} using (id)",
    "models/sure.sql": "{{ config(contract={'enforced': true}) }} select id, name from {{ ref('a') }}",
    "models/outside.sql": "{{ config(materialized='external', location='outside.parquet') }} "
    "select * from {{ ref('sure') }}",
    "models/python.py": "def model(dbt, session):\n"
    "    dbt.config(materialized='table')\n    return dbt.ref('a')",
    "snapshots/kept.sql": "{% snapshot kept %}{{ config(unique_key='id', strategy='check', "
    "check_cols='all') }} select * from {{ ref('a') }}{% endsnapshot %}",
    "tests/none.sql": "select * from {{ ref('seen') }} where id > 5",
    "models/schema.yml": """
models:
  - name: a
    description: "it's a table"
    config: {persist_docs: {relation: true, columns: true}}
    columns: [{name: id, description: key, data_tests: [unique, not_null]}]
  - name: sure
    columns:
      - name: id
        data_type: integer
        constraints: [{type: not_null}]
        data_tests: [{relationships: {arguments: {to: ref('a'), field: id}}}]
      - {name: name, data_type: varchar}
unit_tests:
  - name: it_copies
    model: sure
    given: [{input: ref('a'), rows: [{id: 1, name: x}]}]
    expect: {rows: [{id: 1, name: x}]}
""",
}

#: Nodes that read and write through macros and hooks; ``{…}`` is where the remedy goes.
UNSEEN = {
    "orchestrator.toml": TOML,
    "dbt/profiles.yml": PROFILES.replace("shop.duckdb", "../shop.duckdb"),
    "dbt/dbt_project.yml": PROJECT
    + """
on-run-end: ["insert into audit.runs values (1)"]
""",
    "dbt/macros/count_rows.sql": """
{% macro count_rows(name) %}
  {% if execute %}{{ return(run_query('select count(*) from ' ~ name).rows[0][0]) }}{% endif %}
{% endmacro %}
{% test matches_orders(model) %}
  {% set wanted = count_rows('raw.orders') %} select * from {{ model }} where {{ wanted or 0 }} < 0
{% endtest %}
""",
    "dbt/models/plain.sql": "select 1 as id",
    "dbt/models/asks_model.sql": "select {{ count_rows('main.plain') or 0 }} as n",
    "dbt/models/asks_source.sql": "select {{ count_rows('raw.orders') or 0 }} as n",
    "dbt/models/hooked.sql": """
{{ config(pre_hook="insert into audit.log select count(*) from raw.orders",
          post_hook="insert into audit.log select count(*) from {{ this }}") }}
select 1 as id
""",
    "dbt/models/schema.yml": """
models:
  - {name: plain, data_tests: [matches_orders]}
""",
}
