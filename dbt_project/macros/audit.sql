{#- audit.dbt_runs keeps one row for each dbt invocation: opened by on-run-start, closed by
    on-run-end. A row without finished_at is a run that was killed. -#}
{% macro audit_start() %}
    create schema if not exists audit;
    create table if not exists audit.dbt_runs (
        invocation_id varchar,
        command varchar,
        target varchar,
        started_at timestamp,
        finished_at timestamp,
        succeeded integer,
        warned integer,
        failed integer,
        skipped integer
    );
    insert into audit.dbt_runs (invocation_id, command, target, started_at)
    values ('{{ invocation_id }}', '{{ flags.WHICH }}', '{{ target.name }}', {{ utc_now() }});
{% endmacro %}

{% macro audit_end(results) %}
    {%- set count = namespace(succeeded=0, warned=0, failed=0, skipped=0) -%}
    {%- for result in results -%}
        {%- set status = result.status | string -%}
        {%- if status in ('success', 'pass') -%}{%- set count.succeeded = count.succeeded + 1 -%}
        {%- elif status == 'warn' -%}{%- set count.warned = count.warned + 1 -%}
        {%- elif status == 'skipped' -%}{%- set count.skipped = count.skipped + 1 -%}
        {#- An exposure is "no-op": neither done nor failed. -#}
        {%- elif status in ('error', 'fail', 'runtime error', 'partial success') -%}
        {%- set count.failed = count.failed + 1 -%}
        {%- endif -%}
    {%- endfor -%}
    update audit.dbt_runs
    set
        finished_at = {{ utc_now() }},
        succeeded = {{ count.succeeded }},
        warned = {{ count.warned }},
        failed = {{ count.failed }},
        skipped = {{ count.skipped }}
    where invocation_id = '{{ invocation_id }}'
{% endmacro %}

