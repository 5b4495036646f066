"""orchestrator check, and deploy behind it: what is said, as text and JSON, and the exit codes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import execute
from orchestrator.errors import NotFoundError, PolicyError
from orchestrator.service.deploying.deploy import Terms, deploy
from orchestrator.service.policy.enforcing import check, enforce
from orchestrator.service.project import Project
from tests.policy.shops import write

POLICY = """
    [statements]
    forbidden = ["drop"]

    [required]
    flows = ["owner"]
    breach = "warn"
"""
BAD = {"policy.toml": POLICY, "sql/a.sql": "select 1;\ndrop table core.orders"}
GOOD = {"policy.toml": POLICY, "sql/a.sql": "select 1"}


def run(folder: Path, *args: str) -> int:
    return execute([args[0], "--project-dir", str(folder), *args[1:]])


def test_breaches_as_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write(tmp_path, BAD), "check") == 2
    assert capsys.readouterr().out == (
        "refused  sql/a.sql:2: a has a statement that is forbidden here: DROP, on lake.core.orders\n"
        "         rule:  statements.forbidden, set in policy.toml:2\n"
        "         why:   sql/a.sql:2 drop table core.orders\n"
        "         fix:   do it another way, or ask whoever keeps policy.toml for an exception with "
        "a reason\n"
        "\n"
        "1 refused, 0 warnings: 1 flow, 1 task, 2 statements of SQL, 2 rules\n"
        "rules: required.flows, statements.forbidden\n"
    )


def test_all_is_well(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write(tmp_path, GOOD), "check", "nightly") == 0
    assert capsys.readouterr().out.startswith(
        "everything keeps to policy.toml: 1 flow, 1 task, 1 statement of SQL, 2 rules\n"
    )


def test_a_warning_does_not_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = "from orchestrator import Flow\nwith Flow('nightly') as flow:\n    pass\n"
    assert run(write(tmp_path, {**GOOD, "flows/nightly.py": flow}), "check") == 0
    out = capsys.readouterr().out
    assert out.startswith("warning  flows/nightly.py:2: flow nightly has no owner\n")
    assert "everything keeps to policy.toml, with 1 warning" in out


def test_no_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"sql/a.sql": "drop table core.orders"})
    assert run(tmp_path, "check") == 0
    assert capsys.readouterr().out == "nothing to check: the project has no policy.toml\n"
    assert run(tmp_path, "check", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out) == {"policy": False, "ok": True, "breaches": []}


def test_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    excepted = "\n    [[exceptions]]\n    rule = 'required'\n    for = ['*']\n    reason = 'old'\n"
    flow = "from orchestrator import Flow\nfrom tasks import SqlFolder\n" \
        "with Flow('nightly') as flow:\n    SqlFolder('sql')()\n"  # fmt: skip
    files = {**BAD, "policy.toml": POLICY + excepted, "flows/nightly.py": flow}
    assert run(write(tmp_path, files), "check", "--format", "json") == 2
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert (found["policy"], found["ok"], found["flows"]) == (True, False, ["nightly"])
    [breach] = found["breaches"]
    assert breach["rule"] == "statements.forbidden"
    assert breach["set_at"] == "policy.toml:2"
    assert breach["where"] == "sql/a.sql:2"
    assert breach["evidence"] == ["sql/a.sql:2 drop table core.orders"]
    assert breach["breach"] == "refuse"
    [excused] = found["excused"]
    assert (excused["rule"], excused["reason"]) == ("required.flows", "old")
    assert excused["excused_at"] == "policy.toml:8"


@pytest.mark.parametrize("args", [("check",), ("deploy",)])
def test_a_policy_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], args: tuple[str, ...]
) -> None:
    write(tmp_path, {**GOOD, "policy.toml": "[statement]\n"})
    assert run(tmp_path, *args) == 2
    assert capsys.readouterr().err == (
        "error  unknown table 'statement'\nwhere  policy.toml:1\nfix    did you mean 'statements'?\n"
    )


def test_a_flow_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(write(tmp_path, GOOD), "check", "nigtly") == 2
    assert "did you mean nightly" in capsys.readouterr().err


def test_a_flow_that_cannot_be_planned_does_not_pass(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {**GOOD, "sql/a.sql": "-- orchestrator: retry=3\nselect 1"})
    assert run(tmp_path, "check") == 2
    out = capsys.readouterr().out
    assert out.startswith(
        "refused  sql/a.sql:1: flow nightly cannot be planned, so nothing can be said of it: "
        "a SQL file cannot set 'retry'\n"
    )


def test_a_picture_of_what_cannot_be_planned(tmp_path: Path) -> None:
    """It stands among the reasons, and an exception is not called needless by what was not seen."""
    two = {f"sql/{name}.sql": "create table core.x as select 1" for name in "ab"}
    policy = GOOD["policy.toml"] + (
        "\n[[exceptions]]\nrule = 'statements'\nfor = ['core.x']\nreason = 'old'\n"
    )
    write(tmp_path, {**GOOD, **two, "policy.toml": policy})
    report = check(Project.find(tmp_path))
    assert report is not None
    [breach] = report.breaches
    assert breach.where == "flow nightly"
    assert [line.split(" ")[0] for line in breach.evidence] == ["sql/a.sql", "", "sql/b.sql"]
    lines = str(breach).splitlines()
    assert lines[1] == "  rule:  plan, always set"
    assert all(line.startswith("         - ") for line in lines[-3:])
    assert not report.notes


def test_rules_for_published_tables_where_none_is(tmp_path: Path) -> None:
    write(tmp_path, {**GOOD, "policy.toml": '[tests]\nrequired = ["unique"]\n'})
    report = check(Project.find(tmp_path))
    assert report is not None
    assert report.notes == (
        "tests.required looks at no table: say in [published] which are published",
    )


def test_flows_with_parameters_are_looked_at(tmp_path: Path) -> None:
    flow = """
        from orchestrator import Flow, Parameter
        from tasks import SqlFolder

        with Flow("nightly") as flow:
            Parameter("day")
            SqlFolder("sql")()
    """
    sql = "delete from core.orders where day = {{ parameters.day }};\ndrop table core.orders"
    write(tmp_path, {**BAD, "flows/nightly.py": flow, "sql/a.sql": sql})
    report = check(Project.find(tmp_path))
    assert report is not None
    assert [breach.where for breach in report.refused] == ["sql/a.sql:2"]


def test_deploy_refuses_what_check_refuses(tmp_path: Path) -> None:
    write(tmp_path, BAD)
    project = Project.find(tmp_path)
    with pytest.raises(PolicyError) as raised:
        deploy(project, ["nightly"], Terms(in_place=True))
    error = raised.value
    assert error.what.startswith("1 breach of policy.toml\n\nsql/a.sql:2: a has a statement that")
    assert "rule:  statements.forbidden, set in policy.toml:2" in error.what
    assert error.exit_code == 2
    with project.store() as store:
        assert not store.deployments()
    write(tmp_path, GOOD)
    assert deploy(Project.find(tmp_path), ["nightly"], Terms(in_place=True))


PROFILES = """
    shop:
      target: dev
      outputs:
        dev: {type: duckdb, path: "%s", schema: sandbox}
        prod: {type: duckdb, path: "%s", schema: marts}
"""
LAKE = """
    name = "shop"
    [warehouses.lake]
    type = "dbt"
    [environments.live]
    target = "prod"
"""


def test_the_target_of_an_environment_decides(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is dropped in the sandbox of one target is another's published table."""
    lake = tmp_path / "lake.duckdb"
    files = {
        "policy.toml": '[statements]\nonly_in_own_schemas = ["drop"]\nown_schemas = ["sandbox"]\n',
        "orchestrator.toml": LAKE, "profiles.yml": PROFILES % (lake, lake),
        "dbt_project.yml": "name: shop\nprofile: shop\n", "sql/a.sql": "drop table orders",
    }  # fmt: skip
    write(tmp_path, files)
    assert run(tmp_path, "check") == 0
    assert run(tmp_path, "check", "--target", "prod") == 2
    capsys.readouterr()
    assert run(tmp_path, "check", "--to", "live") == 2
    assert "it concerns lake.marts.orders" in capsys.readouterr().out
    assert run(tmp_path, "check", "--to", "prod") == 2
    assert "there is no environment 'prod'" in capsys.readouterr().err
    with pytest.raises(PolicyError, match=r"lake\.marts\.orders"):
        deploy(Project.find(tmp_path), ["nightly"], Terms(to="live"))
    assert deploy(Project.find(tmp_path), ["nightly"], Terms())


def test_a_team_that_may_write_only_where_another_environment_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its database is there, with another target: no name is wrong."""
    files = {
        "policy.toml": '[teams.core]\nflows = ["nightly"]\nwarehouses = ["live"]\n',
        "orchestrator.toml": LAKE,
        "profiles.yml": PROFILES % (tmp_path / "tried.duckdb", tmp_path / "live.duckdb"),
        "dbt_project.yml": "name: shop\nprofile: shop\n",
        "sql/a.sql": "create table a as select 1 as n",
    }
    write(tmp_path, files)
    assert run(tmp_path, "check", "--to", "live") == 0
    capsys.readouterr()
    assert run(tmp_path, "check") == 2
    told = capsys.readouterr().out
    assert "team core may write only to live, not to lake or tried" in told
    write(tmp_path, {**files, "policy.toml": files["policy.toml"].replace('"live"', '"lives"')})
    assert run(tmp_path, "check") == 2
    told = capsys.readouterr().out
    assert "there is no warehouse or database of that name" in told
    assert "did you mean 'live'?" in told


def test_only_the_flows_that_are_deployed(tmp_path: Path) -> None:
    other = "from orchestrator import Flow\nwith Flow('other', owner='anna') as flow:\n    pass\n"
    project = Project.find(write(tmp_path, {**BAD, "flows/other.py": other}))
    enforce(project, ["other"])
    with pytest.raises(PolicyError):
        enforce(project)
    with pytest.raises(NotFoundError):
        enforce(project, ["third"])


def test_without_a_policy_nothing_is_planned(tmp_path: Path) -> None:
    """A project that has no policy may be deployed though its SQL cannot be planned here."""
    write(tmp_path, {"sql/a.sql": "-- orchestrator: retry=3\nselect 1"})
    enforce(Project.find(tmp_path))
    assert check(Project.find(tmp_path)) is None
