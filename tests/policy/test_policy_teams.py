"""Where teams may write, read and drop: told by lineage, with the line and the table."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.policy.shops import look, looked_at, only, told, write

MARKETING = """
    [teams.marketing]
    paths = ["sql/marketing/**"]
    schemas = ["marketing", "lake.tmp_*"]
"""
OWN = "create or replace table marketing.leads as select 1 as id;\n"


def test_a_write_elsewhere_and_its_evidence(tmp_path: Path) -> None:
    script = OWN + "-- insert into sales.orders\n\ninsert into core.orders select 'sales.orders';\n"
    report = looked_at(tmp_path, MARKETING, {"sql/marketing/leads.sql": script})
    breach = only(report)
    assert breach.rule == "teams.marketing.schemas"
    assert breach.set_at == "policy.toml:3"
    assert breach.where == "sql/marketing/leads.sql:4"
    assert breach.what == (
        "leads writes lake.core.orders, and team marketing may write only in marketing, lake.tmp_*"
    )
    assert breach.evidence == (
        "sql/marketing/leads.sql:4 writes lake.core.orders",
        "leads belongs to team marketing: sql/marketing/leads.sql fits 'sql/marketing/**' of its "
        "paths (policy.toml:2)",
    )
    assert "policy.toml:3" in breach.fix
    assert breach.refuses


@pytest.mark.parametrize(
    "script",
    [
        OWN,
        "create table tmp_anna.leads as select 1 as id",
        "create temp table core_orders as select 1 as id; drop table core_orders;" + OWN,
        "CREATE TABLE Marketing.Leads AS SELECT * FROM core.orders",
        "copy (select 1) to 'core/orders.csv'",
    ],
    ids=["own", "by database", "temporary", "other case", "a file"],
)
def test_what_a_team_may_do(tmp_path: Path, script: str) -> None:
    assert not looked_at(tmp_path, MARKETING, {"sql/marketing/leads.sql": script}).breaches


@pytest.mark.parametrize(
    ("script", "line", "verb", "table"),
    [
        ("drop table core.orders", 1, "drops", "lake.core.orders"),
        (OWN + "alter table marketing.leads rename to core.leads", 2, "writes", "lake.core.leads"),
        ("create table core.a as select 1 as x;\ndrop table core.a;", 1, "writes", "lake.core.a"),
        ("delete from other.marketing.x; select 1", None, "writes", "other.marketing.x"),
        ("{% set s = 'core' %}\ntruncate {{ s }}.orders", 2, "writes", "lake.core.orders"),
    ],
    ids=["drop", "rename", "made and gone", "database", "jinja"],
)
def test_what_it_may_not(
    tmp_path: Path, script: str, line: int | None, verb: str, table: str
) -> None:
    policy = MARKETING.replace('"marketing"', '"lake.marketing"')
    breaches = looked_at(tmp_path, policy, {"sql/marketing/leads.sql": script}).breaches
    assert breaches[0].where == f"sql/marketing/leads.sql:{line or 1}"
    assert breaches[0].what.startswith(f"leads {verb} {table}, and team marketing")


def test_warehouses_by_connection_and_by_database(tmp_path: Path) -> None:
    settings = """
        warehouse = "dev"
        [warehouses.dev]
        type = "duckdb"
        path = "dev.duckdb"
        [warehouses.prod]
        type = "duckdb"
        path = "shop.duckdb"
    """
    files = {
        "orchestrator.toml": settings,
        "sql/marketing/here.sql": "create table marketing.a as select 1 as x",
        "sql/marketing/there.sql": "-- orchestrator: warehouse=prod\n"
        "create table marketing.b as select 1 as x",
        "sql/marketing/over.sql": "create table shop.marketing.c as select 1 as x",
    }
    policy = '[teams.m]\npaths = ["sql/**"]\nwarehouses = ["{}"]\n'
    places = {"sql/marketing/there.sql:2", "sql/marketing/over.sql:1"}
    for allowed in ("dev", "d*", "DEV"):
        report = looked_at(tmp_path, policy.format(allowed), files)
        assert {breach.where for breach in report.breaches} == places
        assert {breach.rule for breach in report.breaches} == {"teams.m.warehouses"}
    assert "may write only to DEV, not to prod or shop" in report.breaches[0].what
    for allowed in ("prod", "shop"):
        report = looked_at(tmp_path, policy.format(allowed), files)
        assert [breach.where for breach in report.breaches] == ["sql/marketing/here.sql:1"]


def test_reads(tmp_path: Path) -> None:
    policy = MARKETING + '    reads = ["staging"]\n'
    script = "create table marketing.a as\nselect * from staging.s\njoin hr.salaries using (id)"
    report = looked_at(
        tmp_path, policy, {"sql/marketing/a.sql": script, "sql/other.sql": "select * from hr.x"}
    )
    breach = only(report)
    assert (breach.rule, breach.where) == ("teams.marketing.reads", "sql/marketing/a.sql:3")
    assert breach.what == (
        "a reads lake.hr.salaries, and team marketing may read only staging, marketing, lake.tmp_*"
    )


@pytest.mark.parametrize(
    ("belongs", "says"),
    [
        ('flows = ["night*"]', "flow nightly fits 'night*' of its flows"),
        ('paths = ["sql/*.sql"]', "sql/a.sql fits 'sql/*.sql' of its paths"),
        ('tags = ["Mark*"]', "tag marketing fits 'Mark*' of its tags"),
        ('owners = ["*@shop.example"]', "owner bob@shop.example fits '*@shop.example'"),
    ],
)
def test_what_belongs_to_a_team(tmp_path: Path, belongs: str, says: str) -> None:
    script = "-- orchestrator: tags=marketing, owner=bob@shop.example\ninsert into core.x select 1"
    policy = f"[teams.m]\n{belongs}\nschemas = []\n"
    breach = only(looked_at(tmp_path, policy, {"sql/a.sql": script}))
    assert "may write only in no schema at all" in breach.what
    assert says in breach.evidence[1]


def test_it_is_enough_that_one_team_may(tmp_path: Path) -> None:
    policy = MARKETING + '    [teams.core]\n    tags = ["core"]\n    schemas = ["core"]\n'
    script = "-- orchestrator: tags=core\ninsert into core.x select 1"
    files = {"sql/marketing/a.sql": script, "sql/marketing/b.sql": "insert into core.x select 2"}
    report = looked_at(tmp_path, policy, {"sql/marketing/a.sql": script})
    assert not report.breaches
    files["sql/marketing/b.sql"] = "-- orchestrator: name=b\ninsert into core.y select 2"
    assert told(looked_at(tmp_path, policy, files)) == [
        ("teams.marketing.schemas", "sql/marketing/b.sql:2")
    ]


def test_who_belongs_to_no_team(tmp_path: Path) -> None:
    files = {"sql/stray.sql": "insert into core.x select 1", "sql/looks.sql": "select 1"}
    assert not looked_at(tmp_path, MARKETING, files).breaches
    breach = only(looked_at(tmp_path, MARKETING + "    [required]\n    team = true\n", files))
    assert (breach.rule, breach.where) == ("required.team", "sql/stray.sql:1")
    assert "stray writes lake.core.x and belongs to no team" in breach.what


def test_python_tasks_by_what_they_say_they_write(tmp_path: Path) -> None:
    flow = """
        from orchestrator import Flow, task

        @task(writes=["core.scores"], warehouse="lake", tags=["ml"])
        def score():
            return 1

        with Flow("nightly") as flow:
            score()
    """
    policy = '[teams.science]\ntags = ["ml"]\nschemas = ["science"]\n'
    breach = only(looked_at(tmp_path, policy, {"flows/nightly.py": flow}))
    assert breach.where == "flows/nightly.py:3"
    assert "score writes lake.core.scores" in breach.what


def test_a_warning_refuses_nothing(tmp_path: Path) -> None:
    files = {"sql/marketing/a.sql": "insert into core.x select 1"}
    report = looked_at(tmp_path, MARKETING + '    breach = "warn"\n', files)
    assert not only(report).refuses
    assert not report.refused


def test_only_the_flows_asked_for(tmp_path: Path) -> None:
    other = """
        from orchestrator import Flow
        from tasks import SqlTask

        with Flow("other") as flow:
            SqlTask("insert into core.y select 1", name="direct")()
    """
    policy = '[teams.all]\nflows = ["*"]\nschemas = ["own"]\n'
    files = {"flows/other.py": other, "sql/a.sql": "insert into core.x select 1"}
    write(tmp_path, {"policy.toml": policy, **files})
    assert told(look(tmp_path, "other")) == [("teams.all.schemas", "flows/other.py:5")]
    assert told(look(tmp_path, "nightly")) == [("teams.all.schemas", "sql/a.sql:1")]
    assert len(look(tmp_path).breaches) == 2
