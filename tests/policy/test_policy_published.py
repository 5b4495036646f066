"""Published tables say whose they are and are tested; flows say whose they are and what they do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.shops import looked_at, only, told

PUBLISHED = """
    [published]
    schemas = ["marts"]
    tags = ["public"]
"""
REQUIRED = PUBLISHED + '    [required]\n    published = ["owner", "description"]\n'
TESTED = PUBLISHED + '    [tests]\n    required = ["unique", "not_null"]\n'
ORDERS = "create or replace table marts.orders as select 1 as id"


def checked(*checks: str) -> dict[str, str]:
    """A flow that makes a published table, with checks."""
    lines = "".join(f"            {check}\n" for check in checks)
    return {
        "sql/orders.sql": ORDERS,
        "flows/nightly.py": """
        from orchestrator import Flow
        from tasks import SqlCheck, SqlFolder

        with Flow("nightly") as flow:
            SqlFolder("sql")()
"""
        + lines,
    }


def test_a_published_table_says_whose_it_is(tmp_path: Path) -> None:
    report = looked_at(tmp_path, REQUIRED, {"sql/orders.sql": "\n" + ORDERS})
    assert told(report) == [("required.published", "sql/orders.sql:1")] * 2
    owner, description = report.breaches
    assert owner.set_at == "policy.toml:5"
    assert owner.what == "orders publishes lake.marts.orders and names no owner"
    assert owner.evidence[1] == (
        "lake.marts.orders is published: its schema fits 'marts' (policy.toml:2)"
    )
    assert "-- orchestrator: owner=" in owner.fix
    assert "without a description" in description.what


@pytest.mark.parametrize(
    "script",
    [
        '-- orchestrator: owner=anna, description="one row an order, for all"\n' + ORDERS,
        "create table staging.orders as select 1 as id",
        "select * from marts.orders",
    ],
    ids=["said", "not published", "only read"],
)
def test_what_need_not_say_more(tmp_path: Path, script: str) -> None:
    assert not looked_at(tmp_path, REQUIRED, {"sql/orders.sql": script}).breaches


def test_published_by_tag(tmp_path: Path) -> None:
    script = "-- orchestrator: tags=public, owner=anna\ncreate table staging.o as select 1 as id"
    breach = only(looked_at(tmp_path, REQUIRED, {"sql/o.sql": script}))
    assert breach.evidence[1] == "lake.staging.o is published: o has the tag public (policy.toml:3)"


def test_a_python_task_has_its_docstring_and_the_owner_of_its_flow(tmp_path: Path) -> None:
    flow = """
        from orchestrator import Flow, task

        @task(writes=["marts.scores"], warehouse="lake")
        def score():
            {}
            return 1

        with Flow("nightly", owner={}) as flow:
            score()
    """
    said = flow.format('"""One row a customer."""', '"anna"')
    assert not looked_at(tmp_path, REQUIRED, {"flows/nightly.py": said}).breaches
    report = looked_at(tmp_path, REQUIRED, {"flows/nightly.py": flow.format("", "None")})
    assert [breach.fix for breach in report.breaches] == [
        'give the flow its owner: Flow(…, owner="you@example.com")',
        "write a docstring in the task's function",
    ]


def test_a_published_table_without_tests(tmp_path: Path) -> None:
    breach = only(looked_at(tmp_path, TESTED, checked()))
    assert (breach.rule, breach.where) == ("tests.required", "sql/orders.sql:1")
    assert breach.what == "orders publishes lake.marts.orders without a test of unique and not_null"
    assert breach.evidence[-1].startswith("nothing tests it in this flow")
    assert 'SqlCheck("marts.orders", unique="id"' in breach.fix


@pytest.mark.parametrize(
    ("check", "missing"),
    [
        ('SqlCheck("marts.orders", unique="id", not_null="id")()', ""),
        ('SqlCheck("lake.marts.orders", unique="id", not_null="id")()', ""),
        ('SqlCheck(query="select * from marts.orders", unique="id", not_null="id")()', ""),
        ('SqlCheck("marts.orders", unique="id")()', "not_null"),
        ('SqlCheck("marts.orders", rows=(1, None))()', "unique and not_null"),
        ('SqlCheck("marts.others", unique="id", not_null="id")()', "unique and not_null"),
        ('SqlCheck("marts.orders", unique="id", not_null="id", severity="warn")()',
         "unique and not_null"),
        ('SqlCheck("marts.orders", where="id > 3", unique="id", not_null="id")()',
         "unique and not_null"),
    ],
    ids=["both", "full name", "query", "one", "other kind", "other table", "only warns", "partly"],
)  # fmt: skip
def test_what_counts_as_a_test(tmp_path: Path, check: str, missing: str) -> None:
    report = looked_at(tmp_path, TESTED, checked(check))
    assert [breach.what.rpartition(" of ")[2] for breach in report.breaches] == (
        [missing] if missing else []
    )


def test_what_there_is_already_is_told(tmp_path: Path) -> None:
    breach = only(looked_at(tmp_path, TESTED, checked('SqlCheck("marts.orders", unique="id")()')))
    assert breach.evidence[-1] == "what tests it in this flow: unique (check_marts.orders)"


def test_any_test_will_do(tmp_path: Path) -> None:
    policy = TESTED.replace('"unique", "not_null"', '"any"')
    files = checked('SqlCheck("marts.orders", rows=(1, None))()')
    assert not looked_at(tmp_path, policy, files).breaches
    assert only(looked_at(tmp_path, policy, checked())).what.endswith("a test of any kind")


def test_flows_say_whose_they_are_and_what_they_do(tmp_path: Path) -> None:
    policy = '[required]\nflows = ["owner", "description"]\n'
    assert not looked_at(tmp_path, policy, {"sql/a.sql": "select 1"}).breaches
    bare = """
        from orchestrator import Flow
        from tasks import SqlFolder

        with Flow("nightly") as flow:
            SqlFolder("sql")()
    """
    report = looked_at(tmp_path, policy, {"flows/nightly.py": bare})
    assert told(report) == [("required.flows", "flows/nightly.py:4")] * 2
    assert [breach.what for breach in report.breaches] == [
        "flow nightly has no owner", "flow nightly has no description",
    ]  # fmt: skip
    assert "docstring of the flow's file" in report.breaches[1].fix
