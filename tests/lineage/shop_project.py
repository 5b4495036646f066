"""A dbt project with one of everything, as files: the ground of the comparisons with dbt."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "dbt_project.yml": """
name: shop
version: "1.0"
profile: shop
flags: {send_anonymous_usage_stats: false}
on-run-start: ["select 1"]
on-run-end: ["select 2"]
models:
  shop:
    staging: {+materialized: view, +tags: [stg, nightly]}
    marts: {+materialized: table, +meta: {owner: core, areas: [sales, ops]}}
seeds: {shop: {+schema: raw}}
""",
    "profiles.yml": """
shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb, threads: 1}}}
""",
    "seeds/raw_orders.csv": "id,customer\n1,2\n",
    "seeds/raw_customers.csv": "id,name\n2,x\n",
    "seeds/countries.csv": "id,name\n2,x\n",
    "models/staging/sources.yml": """
sources:
  - name: raw
    schema: main_raw
    tables:
      - name: raw_orders
        config: {tags: [landed]}
        columns: [{name: id, data_tests: [not_null]}]
      - name: raw_customers
        columns:
          - name: id
            data_tests:
              - relationships: {arguments: {to: "source('raw', 'raw_orders')", field: id}}
  - name: crm
    tables: [{name: contacts}, {name: unused}]
""",
    "models/staging/stg_orders.sql": "select * from {{ source('raw', 'raw_orders') }}",
    "models/staging/stg_customers.sql": (
        "-- every customer\nselect *\nfrom {{ source('raw', 'raw_customers') }}\n"
    ),
    "models/staging/stg_contacts.sql": "select * from {{ source('crm', 'contacts') }}",
    "models/staging/staging.yml": """
models:
  - name: stg_customers
    columns: [{name: id, data_tests: [unique, not_null]}]
  - name: stg_orders
    columns:
      - name: id
        data_tests:
          - not_null: {config: {severity: warn, tags: [soft]}}
""",
    "models/marts/eph_lines.sql": (
        "{{ config(materialized='ephemeral') }} select * from {{ ref('stg_orders') }}"
    ),
    "models/marts/eph_more.sql": (
        "{{ config(materialized='ephemeral') }}\n"
        "select l.* from {{ ref('eph_lines') }} l, {{ source('crm', 'contacts') }}"
    ),
    "models/marts/orders.sql": (
        "select e.*, c.name\nfrom {{ ref('eph_more') }} e\n"
        "join {{ ref(\n  'stg_customers') }} c on c.id = e.customer\n"
        "join {{ ref('shop', 'countries') }} n on n.id = c.id"
    ),
    "models/marts/facts.sql": (
        "{{ config(materialized='incremental', unique_key='id', tags=['nightly', 'big']) }}\n"
        "select *, {{ function('twice') }}(id) as two from {{ ref('orders') }}"
    ),
    "models/marts/off.sql": "{{ config(enabled=false) }} select * from {{ ref('facts') }}",
    "models/marts/blank.sql": "   \n",
    "models/marts/after_blank.sql": "select 1 as id\n-- depends_on: {{ ref('blank') }}",
    "models/marts/scored.py": (
        'def model(dbt, session):\n    dbt.config(tags=["py"])\n    return dbt.ref("facts").df()\n'
    ),
    "models/marts/contacts.sql": "select * from {{ ref('stg_contacts') }}, {{ ref('countries') }}",
    "models/marts/wide.sql": (
        "{{ config(group='finance', access='private') }}\n"
        "select * from {{ ref('contacts') }}, {{ ref('orders') }}, {{ ref('tool') }}"
    ),
    "models/marts/v_v1.sql": "select 1 as id",
    "models/marts/v_v2.sql": "select * from {{ ref('v', v=1) }}",
    "models/marts/v_v3.sql": "select * from {{ ref('v') }}",
    "models/marts/marts.yml": """
groups: [{name: finance, owner: {name: me}}]
models:
  - name: orders
    columns:
      - name: id
        data_tests:
          - unique
          - not_null
          - relationships: {arguments: {to: ref('stg_orders'), field: id}}
          - relationships:
              name: orders_in_contacts
              arguments: {to: ref('contacts'), field: id}
  - name: eph_lines
    columns: [{name: id, data_tests: [not_null]}]
  - name: contacts
    columns:
      - name: id
        data_tests:
          - relationships: {arguments: {to: ref('stg_customers'), field: id}}
  - name: v
    latest_version: 2
    versions: [{v: 1}, {v: 2}, {v: 3}]
    columns: [{name: id, data_tests: [not_null]}]
unit_tests:
  - name: unit_orders
    model: orders
    given:
      - {input: ref('eph_more'), format: sql, rows: "select 1 as id, 2 as customer"}
      - {input: ref('stg_customers'), rows: [{id: 2, name: x}]}
    expect: {rows: [{id: 1, customer: 2, name: x}]}
    config: {tags: [units]}
  - name: unit_eph
    model: eph_lines
    given: [{input: ref('stg_orders'), rows: [{id: 2}]}]
    expect: {rows: [{id: 2}]}
exposures:
  - name: board
    type: dashboard
    owner: {name: me}
    depends_on: [ref('facts'), "source('crm', 'contacts')"]
""",
    "models/metrics/spine.sql": ("{{ config(materialized='table') }}\nselect current_date as day"),
    "models/metrics/metrics.yml": """
models:
  - name: spine
    columns: [{name: day, granularity: day}]
    time_spine: {standard_granularity_column: day}
semantic_models:
  - name: order_lines
    model: ref('facts')
    defaults: {agg_time_dimension: sold_on}
    entities: [{name: id, type: primary}]
    dimensions: [{name: sold_on, type: time, type_params: {time_granularity: day}}]
    measures: [{name: order_count, agg: count, expr: id}]
metrics:
  - name: how_many
    label: How many
    type: simple
    type_params: {measure: order_count}
saved_queries:
  - name: by_day
    query_params: {metrics: [how_many], group_by: ["TimeDimension('id__sold_on', 'day')"]}
    exports: [{name: by_day, config: {export_as: table}}]
""",
    "tests/no_negative.sql": "select * from {{ ref('orders') }} where id < 0",
    "tests/nothing.sql": "select 1 where false",
    "snapshots/snap.yml": """
snapshots:
  - name: snap
    relation: ref('orders')
    config: {unique_key: id, strategy: check, check_cols: all, schema: snap}
""",
    "analyses/look.sql": "select * from {{ ref('orders') }}",
    "functions/twice.sql": "x * 2",
    "functions/twice.yml": """
functions:
  - name: twice
    arguments: [{name: x, data_type: int}]
    returns: {data_type: int}
""",
    "dbt_packages/util/dbt_project.yml": """
name: util
version: "1.0"
""",
    "dbt_packages/util/models/tool.sql": "select 1 as id",
    "dbt_packages/util/models/sub/tool_more.sql": "select * from {{ ref('tool') }}",
    "dbt_packages/util/models/tool.yml": """
models:
  - name: tool
    columns: [{name: id, data_tests: [not_null]}]
""",
}


def write_project(folder: Path, files: dict[str, str] = FILES) -> Path:
    """Write the files of a project and return the folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
    return folder


#: Arguments of `dbt ls` whose answers ours must equal.
SELECTIONS = [
    "",
    "--select orders",
    "--select +orders",
    "--select orders+",
    "--select 1+orders",
    "--select 2+orders+1",
    "--select 3+facts",
    "--select @stg_contacts",
    "--select @eph_lines",
    "--select eph_lines",
    "--select eph_lines+",
    "--select +eph_more",
    "--select stg_*",
    "--select *rders",
    "--select shop.marts",
    "--select shop.marts.*",
    "--select marts.orders",
    "--select util",
    "--select util.*",
    "--select tool*",
    "--select v",
    "--select v.v1",
    "--select v_v2+",
    "--select shop.marts.v.v3",
    "--select fqn:shop.staging.*",
    "--select tag:nightly",
    "--select tag:night*,tag:big",
    "--select tag:landed+",
    "--select tag:soft",
    "--select tag:units",
    "--select tag:py",
    "--select path:models/staging",
    "--select models/marts/orders.sql",
    "--select path:models/**/o*.sql",
    "--select path:models/marts/marts.yml",
    "--select path:tests",
    "--select path:seeds/*.csv+1",
    "--select path:models/*/sources.yml",
    "--select orders.sql",
    "--select file:stg_*",
    "--select file:scored.py",
    "--select source:raw",
    "--select source:raw+",
    "--select source:raw.raw_orders+2",
    "--select source:*.contacts+",
    "--select source:shop.crm.*+1",
    "--select +source:raw.raw_customers+",
    "--select resource_type:seed",
    "--select resource_type:seed+",
    "--select resource_type:snapshot",
    "--select resource_type:function",
    "--select +resource_type:unit_test",
    "--select config.materialized:table",
    "--select config.materialized:incremental+",
    "--select config.materialized:ephemeral",
    "--select config.materialized:view config.materialized:seed",
    "--select config.severity:warn",
    "--select config.severity:WARN",
    "--select config.meta.owner:core",
    "--select config.meta.areas:ops,tag:big",
    "--select config.tags:nightly",
    "--select config.enabled:true",
    "--select config.unique_key:id",
    "--select package:util",
    "--select package:this,resource_type:model",
    "--select package:u*",
    "--select test_type:generic",
    "--select test_type:singular",
    "--select test_type:data",
    "--select test_type:unit",
    "--select test_name:relationships",
    "--select test_name:not_*,stg_customers",
    "--select test_name:unit_orders",
    "--select unit_test:unit_*",
    "--select +exposure:board",
    "--select +exposure:*",
    "--select 1+exposure:shop.board",
    "--select +metric:how_many",
    "--select +semantic_model:order_lines",
    "--select +saved_query:by_day",
    "--select group:finance",
    "--select access:private",
    "--select version:latest",
    "--select version:old",
    "--select version:prerelease",
    "--select version:none,resource_type:model",
    "--select twice+",
    "--select blank+",
    "--select no_negative",
    "--select not_null_orders_id",
    "--select snap contacts",
    "--select orders,stg_orders+",
    "--exclude orders",
    "--exclude tag:nightly+ source:crm+",
    "--exclude test_type:data",
    "--select +facts --exclude tag:stg",
    "--select orders --exclude test_name:unique",
    "--select orders+ --exclude no_negative snap",
    "--select +wide --exclude +contacts",
    "--select orders --indirect-selection cautious",
    "--select orders stg_orders --indirect-selection cautious",
    "--select orders contacts --indirect-selection cautious",
    "--select tag:stg --exclude stg_orders --indirect-selection cautious",
    "--select orders --indirect-selection buildable",
    "--select contacts --indirect-selection buildable",
    "--select stg_customers --indirect-selection buildable",
    "--select orders+ contacts --exclude facts --indirect-selection buildable",
    "--select orders --indirect-selection empty",
    "--select +wide --indirect-selection empty",
    "--select source:raw+ --indirect-selection cautious",
    "--select source:raw.raw_customers --indirect-selection buildable",
    "--exclude orders --indirect-selection cautious",
]
