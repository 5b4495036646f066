"""Statements that may not stand: found where they do something, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.shops import looked_at, only, told

TEAM = """
    [teams.marketing]
    tags = ["marketing"]
    warehouses = ["lake"]
    schemas = ["marketing"]
"""
OUTSIDE = """
    [statements]
    only_in_own_schemas = ["drop", "truncate", "delete"]
    own_schemas = ["scratch"]
"""


def of_marketing(sql: str) -> dict[str, str]:
    return {"sql/wipe.sql": "-- orchestrator: tags=marketing\n" + sql}


def test_a_drop_outside_own_schemas(tmp_path: Path) -> None:
    report = looked_at(
        tmp_path, TEAM + OUTSIDE, of_marketing("select 1;\n\nDROP TABLE core.orders")
    )
    breach = only(report)
    assert (breach.rule, breach.set_at) == ("statements.only_in_own_schemas", "policy.toml:7")
    assert breach.where == "sql/wipe.sql:4"
    assert breach.what == ("wipe does a DROP outside its own schemas: it concerns lake.core.orders")
    assert breach.evidence[0] == "sql/wipe.sql:4 DROP TABLE core.orders"
    assert breach.evidence[-1] == "the schemas of team marketing are marketing"


@pytest.mark.parametrize(
    "sql",
    [
        "drop table if exists marketing.leads",
        "drop schema marketing cascade",
        "create table marketing.drop_me as select 'drop table core.orders' as text",
        "-- drop table core.orders\nselect 1",
        "/* drop table core.orders */ select 1",
        "create temp table t as select 1; drop table t",
        "{# drop table core.orders #} select 1",
        "{% if false %} drop table core.orders {% endif %} select 1",
        "create or replace table marketing.a as select 1 as x",
    ],
    ids=["own", "own schema", "text", "comment", "block comment", "temporary", "jinja comment",
         "jinja branch", "create"],
)  # fmt: skip
def test_what_is_no_drop_outside(tmp_path: Path, sql: str) -> None:
    assert not looked_at(tmp_path, TEAM + OUTSIDE, of_marketing(sql)).breaches


@pytest.mark.parametrize(
    ("sql", "line", "outside"),
    [
        ("{% macro wipe(t) %}\ndrop table {{ t }};\n{% endmacro %}\n{{ wipe('core.orders') }}", 5,
         "lake.core.orders"),
        ("{% set verb = 'drop' %}{{ verb }} table core.orders", 2, "lake.core.orders"),
        ("set schema = 'core';\ndrop table orders", 3, "lake.core.orders"),
        ("drop schema core", 2, "schema core"),
        ("drop table other.marketing.x", 2, "other.marketing.x"),
        ("truncate core.orders", 2, "lake.core.orders"),
        ("delete from core.orders where id = 3", 2, "lake.core.orders"),
        ("drop function core.f", 2, "function core.f"),
        ("drop tabel core.orders", 2, "something whose schema cannot be told"),
    ],
    ids=["macro", "put together", "session", "schema", "database", "truncate", "delete",
         "function", "unreadable"],
)  # fmt: skip
def test_what_is(tmp_path: Path, sql: str, line: int, outside: str) -> None:
    breach = only(looked_at(tmp_path, TEAM + OUTSIDE, of_marketing(sql)))
    if "set schema" not in sql:
        assert breach.what.endswith(f"it concerns {outside}")
    assert breach.where == f"sql/wipe.sql:{line}"


def test_the_database_of_a_drop_outside_is_told(tmp_path: Path) -> None:
    sql = of_marketing("drop table other.marketing.x")
    breach = only(looked_at(tmp_path, TEAM + OUTSIDE, sql))
    assert breach.evidence[-2:] == (
        "team marketing may write only to lake, not to other",
        "the schemas of team marketing are marketing",
    )
    assert breach.fix == "leave what belongs to others to them; do it only in lake"


@pytest.mark.parametrize("breach", ["refuse", "warn"])
def test_a_team_whose_warehouse_there_is_not(tmp_path: Path, breach: str) -> None:
    """One fault, told once, where the name stands; a rule that refuses what it led to still does."""
    team = TEAM.replace('"lake"', '"lakee"') + f'    breach = "{breach}"\n'
    sql = "drop table if exists marketing.a;\ncreate table marketing.a as select 1 as x;\n"
    files = {**of_marketing(sql + "drop schema marketing;"), "sql/b.sql": "-- orchestrator: "
             "tags=marketing\ncreate table marketing.b as select 1 as x"}  # fmt: skip
    found = only(looked_at(tmp_path, team + OUTSIDE, files))
    assert (found.rule, found.where) == ("teams.marketing.warehouses", "policy.toml:3")
    assert found.what == (
        "team marketing may write only to lakee, and there is no warehouse or database of that "
        "name: it can write nothing"
    )
    assert found.fix == "did you mean 'lake'?"
    assert {reason.split()[0] for reason in found.evidence} == {
        "sql/b.sql:2", "sql/wipe.sql:2", "sql/wipe.sql:3", "sql/wipe.sql:4",
    }  # fmt: skip
    assert found.refuses
    excepted = """
        [[exceptions]]
        rule = "teams.marketing.warehouses"
        for = ["b"]
        reason = "an old one"
    """
    report = looked_at(tmp_path, team + OUTSIDE + excepted, files)
    assert "sql/b.sql:2" not in {reason.split()[0] for reason in only(report).evidence}
    assert len(report.excused) == 1


def test_own_schemas_of_who_has_no_team(tmp_path: Path) -> None:
    files = {"sql/a.sql": "drop table scratch.x", "sql/b.sql": "drop table marketing.x"}
    breach = only(looked_at(tmp_path, TEAM + OUTSIDE, files))
    assert breach.where == "sql/b.sql:1"
    assert breach.evidence[-1] == (
        "b belongs to no team, and own_schemas (policy.toml:8) are scratch"
    )


def test_forbidden_everywhere(tmp_path: Path) -> None:
    policy = TEAM + '    [statements]\n    forbidden = ["grant", "delete_without_where"]\n'
    sql = "delete from marketing.a;\ndelete from marketing.a where id = 3;\ngrant all on a to bob;"
    report = looked_at(tmp_path, policy, of_marketing(sql))
    assert told(report) == [
        ("statements.forbidden", "sql/wipe.sql:2"), ("statements.forbidden", "sql/wipe.sql:4"),
    ]  # fmt: skip
    assert "DELETE without WHERE, on lake.marketing.a" in report.breaches[0].what
    assert "WHERE" in report.breaches[0].fix


def test_one_paragraph_says_it(tmp_path: Path) -> None:
    """What a team may not write, and a statement may not do there, is one breach; the graver stays."""
    files = of_marketing("truncate core.orders;\ninsert into core.customers select 1")
    report = looked_at(tmp_path, TEAM + OUTSIDE, files)
    assert told(report) == [
        ("teams.marketing.schemas", "sql/wipe.sql:3"),
        ("statements.only_in_own_schemas", "sql/wipe.sql:2"),
    ]
    lenient = OUTSIDE + '    breach = "warn"\n'
    for sql, verb in (("truncate core.orders", "writes"), ("drop table core.orders", "drops")):
        report = looked_at(tmp_path, TEAM + lenient, of_marketing(sql))
        [refused] = report.refused
        assert refused.rule == "teams.marketing.schemas"
        assert f"wipe {verb} lake.core.orders" in refused.what
        assert [breach.rule for breach in report.warned] == ["statements.only_in_own_schemas"]


def test_the_text_of_a_task(tmp_path: Path) -> None:
    flow = """
        from orchestrator import Flow
        from tasks import SqlTask

        with Flow("nightly") as flow:
            SqlTask(
                "select 1;\\ndrop table core.orders",
                name="direct",
            )()
    """
    breach = only(looked_at(tmp_path, OUTSIDE, {"flows/nightly.py": flow}))
    assert breach.where == "flows/nightly.py:5"
    assert breach.what.startswith("direct does a DROP outside its own schemas")


@pytest.mark.parametrize("unreadable", ["refuse", "warn", "ignore"])
def test_what_cannot_be_read(tmp_path: Path, unreadable: str) -> None:
    policy = f'[statements]\nforbidden = ["drop"]\nunreadable = "{unreadable}"\n'
    report = looked_at(tmp_path, policy, {"sql/a.sql": "select 1;\nselekt * from core.orders;"})
    if unreadable == "ignore":
        assert not report.breaches
        return
    breach = only(report)
    assert (breach.rule, breach.where) == ("statements.unreadable", "sql/a.sql:2")
    assert breach.breach == unreadable
    assert bool(report.refused) == (unreadable == "refuse")
    assert breach.evidence == ("sql/a.sql:2 selekt * from core.orders",)


def test_nothing_is_said_of_statements(tmp_path: Path) -> None:
    assert not looked_at(tmp_path, TEAM, {"sql/a.sql": "drop table core.x; selekt 1"}).breaches


def test_secrets_stay_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_PASSWORD", "hunter2-hunter2")
    policy = '[statements]\nforbidden = ["attach"]\n'
    sql = "attach 'postgres:password={{ env_var('LAKE_PASSWORD') }}' as x"
    breach = only(looked_at(tmp_path, policy, {"sql/a.sql": sql}))
    assert breach.evidence == ("sql/a.sql:1 attach 'postgres:password=***' as x",)
    assert "hunter2" not in str(breach)
