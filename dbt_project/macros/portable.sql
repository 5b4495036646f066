{#- What DuckDB, Postgres and Snowflake each write in their own way. Whatever all three write alike
    is written out where it is used. -#}

{% macro date_of(year, month, day) %}{{ adapter.dispatch('date_of')(year, month, day) }}{% endmacro %}
{% macro default__date_of(year, month, day) %}make_date({{ year }}, {{ month }}, {{ day }}){% endmacro %}
{% macro postgres__date_of(year, month, day) -%}
    make_date(cast({{ year }} as integer), cast({{ month }} as integer), cast({{ day }} as integer))
{%- endmacro %}
{% macro snowflake__date_of(year, month, day) %}date_from_parts({{ year }}, {{ month }}, {{ day }}){% endmacro %}

{% macro timestamp_of(year, month, day, hour, minute) -%}
    {{ adapter.dispatch('timestamp_of')(year, month, day, hour, minute) }}
{%- endmacro %}
{% macro default__timestamp_of(year, month, day, hour, minute) -%}
    make_timestamp({{ year }}, {{ month }}, {{ day }}, {{ hour }}, {{ minute }}, 0)
{%- endmacro %}
{% macro postgres__timestamp_of(year, month, day, hour, minute) -%}
    make_timestamp(
        cast({{ year }} as integer), cast({{ month }} as integer), cast({{ day }} as integer),
        cast({{ hour }} as integer), cast({{ minute }} as integer), 0
    )
{%- endmacro %}
{% macro snowflake__timestamp_of(year, month, day, hour, minute) -%}
    timestamp_ntz_from_parts({{ year }}, {{ month }}, {{ day }}, {{ hour }}, {{ minute }}, 0)
{%- endmacro %}

{#- The most frequent value. -#}
{% macro most_frequent(expression) %}{{ adapter.dispatch('most_frequent')(expression) }}{% endmacro %}
{% macro default__most_frequent(expression) %}mode({{ expression }}){% endmacro %}
{% macro postgres__most_frequent(expression) %}mode() within group (order by {{ expression }}){% endmacro %}

{#- The value that a share (0 to 1) of the known values does not exceed. -#}
{% macro quantile(expression, share) %}percentile_cont({{ share }}) within group (order by {{ expression }}){% endmacro %}

{#- Rows for which a condition holds. -#}
{% macro count_if(condition) %}count(case when {{ condition }} then 1 end){% endmacro %}

{#- Now, UTC, without a zone: as the loaded_at columns are. -#}
{% macro utc_now() %}{{ adapter.dispatch('utc_now')() }}{% endmacro %}
{% macro default__utc_now() %}cast(current_timestamp at time zone 'UTC' as timestamp){% endmacro %}
{% macro snowflake__utc_now() %}cast(sysdate() as timestamp_ntz){% endmacro %}
