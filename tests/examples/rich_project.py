"""A dbt project that uses what larger projects use: packages, macros, contracts, versions, metrics."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.dbt.project import PROFILES, PROJECT

_BEGIN = f"{datetime.now(UTC) - timedelta(days=3):%Y-%m-%d}"  # microbatches go on until today
RICH = {
    "dbt_project.yml": PROJECT
    + """
vars:
  floor: 2
  shop: {greeting: hello}
models:
  shop:
    +materialized: table
    staging: {+materialized: view, +schema: staging, +tags: [stg]}
    marts:
      +schema: marts
      +tags: [mart]
      +post-hook: ["insert into main.hooked values ('{{ this.identifier }}')"]
  util: {+schema: util}
seeds:
  shop:
    +schema: raw
    codes: {+column_types: {code: varchar, price: "decimal(10,2)"}}
snapshots: {shop: {+schema: history}}
data_tests: {shop: {+store_failures: true}}
on-run-start:
  - create table if not exists main.hooked (what varchar)
  - create schema if not exists landing
  - "create or replace table landing.codes as from (values ('007', 'north', 1.5), ('010', 'south', 2.25)) t(code, region, price)"
  - "{{ announce('start') }}"
on-run-end:
  - "{% for s in schemas | sort %}insert into main.hooked values ('{{ s }}'); {% endfor %}"
  - "create or replace table main.graph as select {{ graph.nodes | length }} as n"
""",
    "profiles.yml": PROFILES,
    # a package of the repository's own
    "packages.yml": "packages: [{local: packages/util}]\n",
    "packages/util/dbt_project.yml": "name: util\nversion: '1.0'\n",
    "packages/util/macros/cents.sql": "{% macro cents(c) %}({{ c }} * 100)::integer{% endmacro %}",
    "packages/util/macros/tests.sql": """
        {% test at_least(model, column_name, floor) %}
        select {{ column_name }} from {{ model }} where {{ column_name }} < {{ floor }}
        {% endtest %}
        """,
    "packages/util/models/calendar.sql": "select 1 as day union all select 2",
    "packages/util/models/calendar.yml": """
        models: [{name: calendar, columns: [{name: day, data_tests: [unique]}]}]
        """,
    "packages/util/seeds/holidays.csv": "day\n1\n",
    # macros that dbt calls by name
    "macros/names.sql": """
        {% macro generate_schema_name(custom, node) -%}
          {{ (target.schema ~ '_' ~ custom) if custom and target.name == 'dev' else target.schema }}
        {%- endmacro %}
        {% macro generate_alias_name(custom, node) -%}
          {%- if custom -%}{{ custom | trim }}
          {%- elif node.version -%}{{ node.name ~ '_at_' ~ node.version }}
          {%- else -%}{{ node.name }}{%- endif -%}
        {%- endmacro %}
        {% macro generate_database_name(custom, node) -%}{{ custom or target.database }}{%- endmacro %}
        """,
    "macros/announce.sql": """
        {% macro announce(what) %}insert into main.hooked values ('{{ what }}'){% endmacro %}
        """,
    "macros/columns.sql": """
        {% macro regions() %}
          {% if execute %}{{ return(run_query("select distinct region from " ~ ref('codes') ~ " order by 1").columns[0].values()) }}{% else %}{{ return([]) }}{% endif %}
        {% endmacro %}
        """,
    "macros/overridden.sql": """
        {% macro default__test_not_null(model, column_name) %}
        select {{ column_name }} from {{ model }} where {{ column_name }} is null and true
        {% endmacro %}
        """,
    "macros/lonely.sql": "{% macro never_used() %}{{ nothing_of_that_name() }}{% endmacro %}",
    # seeds, sources and what stands between
    "seeds/codes.csv": "code,region,price\n007,north,1.5\n010,south,2.25\n011,south,\n",
    "seeds/numbers.csv": "n\n1\n2\n3\n",
    "seeds/seeds.yml": """
        seeds:
          - name: codes
            description: "{{ doc('codes') }}"
            columns: [{name: code, data_tests: [unique, not_null]}, {name: price, data_tests: [not_null: {config: {severity: warn}}]}]
          - name: numbers
            config: {alias: counted, enabled: true, quote_columns: true}
        """,
    "models/docs.md": "{% docs codes %}What **codes** are{% enddocs %}",
    "models/sources.yml": """
        sources:
          - name: raw
            schema: landing
            loader: hooks
            config:
              freshness: {warn_after: {count: 1, period: day}, error_after: {count: 2, period: day}}
              loaded_at_field: "timestamp '2020-01-01'"
            tables:
              - name: codes
                columns: [{name: region, data_tests: [{accepted_values: {arguments: {values: [north, south]}}}]}]
              - {name: absent, config: {enabled: false}}
        """,
    "models/staging/stg_codes.sql": """
        select code, region, price, {{ util.cents('price') }} as cents from {{ source('raw', 'codes') }}
        where length(code) > {{ var('floor') }}
        """,
    "models/staging/stg_numbers.sql": """
        {{ config(alias='renamed_numbers') }}
        select n, '{{ var("greeting") }}' as greeting from {{ ref('numbers') }}
        """,
    "models/marts/pivoted.sql": """
        select code {% for r in regions() %}, region = '{{ r }}' as is_{{ r }}{% endfor %}
        from {{ ref('stg_codes') }} -- depends_on: {{ ref('codes') }}
        """,
    "models/marts/typed.sql": "select code::varchar as code, cents::integer as cents from {{ ref('stg_codes') }}",
    "models/marts/mistyped.sql": "select code::varchar as code, 'x'::varchar as cents from {{ ref('stg_codes') }}",
    "models/marts/keyed.sql": "select 1::integer as id, null::integer as needed",
    "models/marts/hooked_up.sql": """
        {{ config(pre_hook="insert into main.hooked values ('before')",
                  post_hook=["insert into main.hooked select count(*)::varchar from {{ this }}",
                             {"sql": "insert into main.hooked values ('after')", "transaction": true}]) }}
        select n from {{ ref('stg_numbers') }}
        """,
    "models/marts/broken_hook.sql": """
        {{ config(post_hook="select error('no such hook')") }} select 1 as id
        """,
    "models/marts/off.sql": "{{ config(enabled=var('with_off', false)) }} select 1 as id",
    "models/marts/granted.sql": """
        {{ config(materialized='incremental', unique_key='n', on_schema_change='append_new_columns') }}
        select n, n * 2 as twice from {{ ref('eph_two') }}
        {% if is_incremental() %} where n > (select max(n) from {{ this }}) {% endif %}
        """,
    "models/eph_one.sql": "{{ config(materialized='ephemeral') }} select n from {{ ref('stg_numbers') }}",
    "models/eph_two.sql": "{{ config(materialized='ephemeral') }} select n + 1 as n from {{ ref('eph_one') }}",
    "models/happenings.sql": f"""
        {{{{ config(event_time='happened') }}}}
        select timestamp '{_BEGIN}' + interval (i) hour as happened, i from range(60) as t(i)
        """,
    "models/daily.sql": f"""
        {{{{ config(materialized='incremental', incremental_strategy='microbatch', event_time='happened',
                  batch_size='day', begin='{_BEGIN}', lookback=1) }}}}
        select happened, i from {{{{ ref('happenings') }}}}
        """,
    "models/time_spine.sql": "select cast('2026-01-01' as date) + i::integer as date_day from range(10) as t(i)",
    "models/orders_v1.sql": "select 1 as id, 10 as amount, cast('2026-01-02' as date) as ordered",
    "models/orders_v2.sql": "select 2 as id, 12.5 as amount, cast('2026-01-02' as date) as ordered",
    "models/reads_latest.sql": "select * from {{ ref('orders') }}",
    "models/reads_first.sql": "select * from {{ ref('orders', v=1) }}",
    "models/from_package.sql": "select day from {{ ref('util', 'calendar') }} join {{ ref('holidays') }} using (day)",
    "models/models.yml": """
        groups: [{name: money, owner: {name: Ann, email: ann@example.org}}]
        models:
          - name: orders
            latest_version: 2
            config: {group: money, access: public}
            columns: [{name: id, data_tests: [unique, even]}, {name: amount}]
            versions: [{v: 1, deprecation_date: 2099-01-01}, {v: 2, columns: [{include: all}, {name: ordered}]}]
          - name: typed
            config: {contract: {enforced: true}, group: money, access: private}
            columns: [{name: code, data_type: varchar}, {name: cents, data_type: integer}]
          - name: mistyped
            config: {contract: {enforced: true}}
            columns: [{name: code, data_type: varchar}, {name: cents, data_type: integer}]
          - name: keyed
            config: {contract: {enforced: true}}
            constraints: [{type: primary_key, columns: [id]}]
            columns:
              - {name: id, data_type: integer}
              - {name: needed, data_type: integer, constraints: [{type: not_null}]}
          - name: stg_numbers
            data_tests: [{util.at_least: {arguments: {column_name: n, floor: 2}, config: {severity: warn}}}]
            columns:
              - name: n
                data_tests:
                  - not_null
                  - relationships: {arguments: {to: "ref('numbers')", field: n}}
                  - unique: {config: {where: "n > 1", limit: 5, tags: [slow]}}
                  - util.at_least: {name: guarded, arguments: {floor: 3}, config: {error_if: ">5", warn_if: ">1"}}
          - name: time_spine
            time_spine: {standard_granularity_column: date_day}
            columns: [{name: date_day, granularity: day}]
        unit_tests:
          - name: cents_of_codes
            model: stg_codes
            given:
              - {input: "source('raw', 'codes')", format: csv, fixture: some_codes}
            expect: {format: csv, rows: "code,cents\\n007,150\\n"}
          - name: twice
            model: granted
            overrides: {macros: {is_incremental: false}}
            given: [{input: "ref('eph_two')", format: sql, rows: select 4 as n}]
            expect: {rows: [{n: 4, twice: 8}]}
        exposures:
          - {name: board, type: dashboard, owner: {name: Ann}, depends_on: ["ref('pivoted')", "metric('revenue')"]}
          - {name: sad_board, type: dashboard, owner: {name: Ann}, depends_on: ["ref('mistyped')"]}
        """,
    "models/metrics.yml": """
        semantic_models:
          - name: orders
            model: ref('orders')
            defaults: {agg_time_dimension: ordered}
            entities: [{name: id, type: primary}]
            dimensions: [{name: ordered, type: time, type_params: {time_granularity: day}}]
            measures: [{name: amount, agg: sum}]
        metrics:
          - {name: revenue, label: Revenue, type: simple, type_params: {measure: amount}}
        saved_queries:
          - name: daily_revenue
            query_params: {metrics: [revenue], group_by: ["TimeDimension('id__ordered', 'day')"]}
            exports: [{name: daily_revenue_table, config: {export_as: table}}]
        """,
    "functions/twofold.sql": "x * 2",
    "functions/functions.yml": """
        functions:
          - name: twofold
            arguments: [{name: x, data_type: integer}]
            returns: {data_type: integer}
        """,
    "models/uses_function.sql": "select {{ function('twofold') }}(n::integer) as n from {{ ref('numbers') }}",
    "tests/fixtures/some_codes.csv": "code,region,price\n007,north,1.5\n01,south,2\n",
    "tests/several.sql": """
        {{ config(severity='warn', tags=['slow']) }}
        select a.n from {{ ref('stg_numbers') }} a join {{ ref('hooked_up') }} b using (n)
        left join {{ ref('codes') }} c on c.code = '' where a.n > 1
        """,
    "tests/generic/even.sql": """
        {% test even(model, column_name) %}
        select * from {{ model }} where {{ column_name }} % 2 = 1
        {% endtest %}
        """,
    "analyses/look.sql": "select * from {{ ref('pivoted') }}",
    "snapshots/block.sql": """
        {% snapshot codes_then %}
        {{ config(unique_key='code', strategy='check', check_cols='all') }}
        select code, price from {{ ref('codes') }}
        {% endsnapshot %}
        """,
    "snapshots/numbers_then.yml": """
        snapshots:
          - name: numbers_then
            relation: ref('stg_numbers')
            config: {unique_key: n, strategy: check, check_cols: [greeting], hard_deletes: new_record}
        """,
    "selectors.yml": """
        selectors:
          - name: staging
            definition: {union: [{method: tag, value: stg}, {method: config.materialized, value: seed}, {method: resource_type, value: seed}]}
        """,
}
