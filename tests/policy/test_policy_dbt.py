"""A dbt project by its manifest: owners, groups, exposures, tests, hooks, macros, what models run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.service.policy.breaches import Report
from tests.policy.shops import look, write

FILES = {
    "orchestrator.toml": 'name = "shop"\n[limits]\n',
    "profiles.yml": """
        shop:
          target: "{{ env_var('SHOP_TARGET', 'dev') }}"
          outputs:
            dev: {type: duckdb, path: shop.duckdb, schema: main, threads: 6}
            prod: {type: duckdb, path: shop.duckdb, schema: main, threads: 6}
    """,
    "dbt_project.yml": """
        name: shop
        version: "1.0"
        profile: shop
        flags: {send_anonymous_usage_stats: false}
        vars: {audit: core}
        models:
          shop:
            marts: {+schema: marts}
            marketing: {+tags: [marketing], +schema: marketing}
        on-run-start:
          - "create table if not exists {{ var('audit') }}.runs (at timestamp)"
        on-run-end:
          - "{{ clean_up(['main_old', 'main_older']) }}"
          - "insert into core.runs values ('{{ run_started_at }}', '{{ flags.WHICH }}')"
          - "{% for schema in schemas if schema != 'main' %}revoke all on schema {{ schema }} from public;{% endfor %}"
          - "{% for result in results if result.status == 'error' %}truncate core.runs;{% endfor %}"
    """,
    "flows/nightly.py": '''
        """Builds the shop."""
        from orchestrator import Flow
        from tasks import DbtBuild

        with Flow("nightly", owner="anna", timeout=60) as flow:
            DbtBuild()()
    ''',
    "macros/clean.sql": """
        {% macro clean_up(schemas) %}
          {% for schema in schemas %}
            {% do run_query('drop schema if exists ' ~ schema ~ ' cascade') %}
          {% endfor %}
          {{ return('') }}
        {% endmacro %}
        {% macro shared(relation) %}{{ adapter.dispatch('shared', 'shop')(relation) }}{% endmacro %}
        {% macro default__shared(relation) %}grant select on {{ relation }} to public{% endmacro %}
        {% macro in_production() %}
          {% if target.name == 'prod' %}drop table core.cache{% endif %}
        {% endmacro %}
        {% macro looked_up() %}
          {% for row in run_query('select name from core.doomed') %}drop table {{ row }};{% endfor %}
        {% endmacro %}
    """,
    "seeds/raw_orders.csv": "id,amount\n1,2\n",
    "models/schema.yml": """
        groups:
          - name: sales
            owner: {name: The Sales Team, email: sales@shop.example}
        models:
          - name: orders
            description: One row an order.
            config: {group: sales}
            columns:
              - name: id
                data_tests:
                  - unique
                  - not_null
          - name: customers
            description: One row a customer.
            config: {meta: {owner: anna@shop.example}}
            columns:
              - name: id
                data_tests:
                  - unique: {config: {severity: warn}}
                  - not_null: {config: {where: id > 3}}
        exposures:
          - name: board
            type: dashboard
            owner: {name: Bob, email: bob@shop.example}
            depends_on: [ref('leads')]
    """,
    "models/marts/orders.sql": """
        {{ config(materialized='table', post_hook="{{ shared(this) }}") }}
        -- drop table core.a
        select *, 'drop table core.b' as text from {{ ref('raw_orders') }}
    """,
    "models/marts/customers.sql": "select 1 as id",
    "models/marts/bare.sql": """
        {{ config(
            access='public',
            pre_hook=["delete from core.log", "truncate {{ this.schema }}.scratch"],
        ) }}
        select 1 as id
    """,
    "models/marketing/leads.sql": """
        {{ config(materialized='table') }}

        {% do run_query("drop table if exists core.secret") %}
        select id from {{ ref('between') }} join {{ ref('customers') }} using (id)
    """,
    "models/marketing/between.sql": """
        {{ config(materialized='ephemeral') }}
        select id from {{ ref('raw_orders') }}
    """,
    "models/marketing/wide.sql": """
        {{ config(materialized='table', schema='core', post_hook=[
            "drop table if exists {{ this.schema }}.wide_old",
            "{{ in_production() }}",
            "{{ looked_up() }}",
        ]) }}
        select 1 as id
    """,
}
POLICY = """
    [teams.marketing]
    tags = ["marketing"]
    warehouses = ["shop"]
    schemas = ["main_marketing"]
    reads = ["main_marts"]

    [teams.sales]
    owners = ["sales@*", "anna@*"]
    schemas = ["main_marts"]

    [published]
    schemas = ["main_marts"]
    access = ["public"]
    exposed = true

    [required]
    flows = ["owner", "description"]
    published = ["owner", "description"]

    [tests]
    required = ["unique", "not_null"]

    [statements]
    forbidden = ["grant", "delete_without_where"]
    only_in_own_schemas = ["drop", "truncate"]
    unreadable = "refuse"

    [limits]
    max_threads = 4
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project, which dbt parses once for all tests here."""
    return write(tmp_path_factory.mktemp("shop"), {**FILES, "policy.toml": POLICY})


@pytest.fixture(scope="module")
def report(shop: Path) -> Iterator[Report]:
    """What looking at it came to."""
    import sys

    before = list(sys.path)
    yield look(shop)
    sys.path[:] = before


def of(report: Report, rule: str) -> dict[str, str]:
    """The sentences of a rule's breaches by their place."""
    return {breach.where: breach.what for breach in report.breaches if breach.rule == rule}


def test_where_models_are_built(report: Report) -> None:
    assert of(report, "teams.marketing.schemas") == {
        "models/marketing/wide.sql": "wide writes shop.main_core.wide, and team marketing may "
        "write only in main_marketing",
    }
    assert not of(report, "teams.marketing.warehouses")
    assert not of(report, "teams.sales.schemas")  # owner by meta, and by the group's owner


def test_what_models_read_of_others(report: Report) -> None:
    """Other nodes of the same project are reads as well, also through an ephemeral model."""
    assert of(report, "teams.marketing.reads") == {
        "models/marketing/leads.sql:4": "leads reads shop.main.raw_orders, and team marketing may "
        "read only main_marts, main_marketing",
    }


def test_owners_and_descriptions(report: Report) -> None:
    assert {(b.where, b.what.rpartition(" ")[2]) for b in report.breaches if b.rule == "required.published"} == {
        ("models/marts/bare.sql", "owner"), ("models/marts/bare.sql", "description"),
        ("models/marketing/leads.sql", "owner"), ("models/marketing/leads.sql", "description"),
    }  # fmt: skip
    whys = {
        breach.where: breach.evidence[1]
        for breach in report.breaches
        if breach.rule == "required.published"
    }
    assert "exposure board uses it (policy.toml:14)" in whys["models/marketing/leads.sql"]
    assert not of(report, "required.flows")


def test_required_tests(report: Report) -> None:
    lacking = of(report, "tests.required")
    assert lacking.keys() == {
        "models/marts/customers.sql", "models/marts/bare.sql", "models/marketing/leads.sql",
    }  # fmt: skip
    # A test that only warns, and one that looks at some rows, hold nobody to anything.
    assert lacking["models/marts/customers.sql"].endswith("without a test of unique and not_null")
    [orders] = [b for b in report.breaches if "customers" in b.where and b.rule == "tests.required"]
    assert orders.fix.startswith(
        "in models/schema.yml, at a column: data_tests: [unique, not_null]"
    )


def test_drops_in_hooks_and_macros(report: Report) -> None:
    outside = of(report, "statements.only_in_own_schemas")
    assert outside["models/marketing/wide.sql:2"] == (
        "the post-hook of wide does a DROP outside its own schemas: it concerns "
        "shop.main_core.wide_old"
    )
    assert outside["models/marketing/leads.sql:3"].startswith("the run_query of leads does a DROP")
    assert outside["models/marts/bare.sql:3"].endswith("it concerns shop.main_marts.scratch")
    assert [b.what for b in report.breaches if b.where == "dbt_project.yml:13"] == [
        f"on-run-end does a DROP outside its own schemas: it concerns schema {name}"
        for name in ("main_old", "main_older")
    ]
    assert outside.keys() == {
        "models/marketing/wide.sql:2", "models/marketing/leads.sql:3", "dbt_project.yml:13",
        "models/marts/bare.sql:3", "dbt_project.yml:16",
    }  # fmt: skip


def test_statements_that_are_forbidden(report: Report) -> None:
    forbidden = of(report, "statements.forbidden")
    assert forbidden == {
        "models/marts/orders.sql:1": "the post-hook of orders has a statement that is forbidden "
        "here: GRANT or REVOKE",
        "models/marts/bare.sql:3": "the pre-hook of bare has a statement that is forbidden here: "
        "DELETE without WHERE, on shop.core.log",
        "dbt_project.yml:15": "on-run-end has a statement that is forbidden here: GRANT or REVOKE",
    }
    times = [breach for breach in report.breaches if breach.where == "dbt_project.yml:15"]
    assert [breach.evidence for breach in times] == [  # once, though the loop has three schemas
        ("dbt_project.yml:15 revoke all on schema main_core from public",)
    ]


def test_hooks_that_only_a_running_dbt_can_tell(report: Report) -> None:
    unread = of(report, "statements.unreadable")
    assert unread["models/marketing/wide.sql:3"].endswith(
        "target.name is known only while dbt runs; say which target: orchestrator check --target NAME"
    )
    assert unread["models/marketing/wide.sql:4"].endswith(
        "the result of run_query is known only while dbt runs"
    )
    assert len(unread) == 2


def test_threads_of_the_profile(report: Report) -> None:
    assert of(report, "limits.max_threads") == {
        "profiles.yml (threads, of dbt)": "flow nightly runs 6 tasks at the same time in one "
        "process, and 4 are allowed",
    }


@pytest.mark.slow
def test_a_target_that_is_said_tells_more(shop: Path) -> None:
    from orchestrator.service.policy.enforcing import check
    from orchestrator.service.project import Project

    report = check(Project.find(shop, {"target": "prod"}))
    assert report is not None
    assert "models/marketing/wide.sql:3" in of(report, "statements.only_in_own_schemas")
    assert of(report, "statements.unreadable").keys() == {"models/marketing/wide.sql:4"}


@pytest.mark.slow
def test_the_dbt_project_as_a_flow_has_no_place_to_say_more(shop: Path, tmp_path: Path) -> None:
    files = {
        name: text for name, text in FILES.items() if name.startswith(("dbt_", "prof", "seeds"))
    }
    files["dbt_project.yml"] = "name: shop\nprofile: shop\n"
    policy = '[required]\nflows = ["owner"]\n[limits]\nmax_runtime = "1h"\n'
    for name, text in {**files, "policy.toml": policy}.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("\n        ", "\n"))
    [breach] = look(tmp_path).breaches
    assert breach.rule == "limits.max_runtime"
    assert "flows/shop.py with Flow(…, timeout=3600)" in breach.fix
