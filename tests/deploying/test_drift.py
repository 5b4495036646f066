"""Drift: each way in which the repository and the service come apart, and back together."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.service.deploying.deploy import Terms, deploy
from orchestrator.service.deploying.drift import Drift, FlowDrift, Standing, drift
from orchestrator.service.deploying.rescheduling import CronWanted, reschedule
from orchestrator.service.project import Project
from tests.deploying.repositories import NIGHTLY, TOML, WEEKLY, Repo, shop


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield shop(tmp_path / "work", "shop")
    for name in [n for n in sys.modules if n.partition(".")[0] == "helpers"]:
        del sys.modules[name]


def look(repo: Repo) -> Drift:
    return drift(Project.find(repo.root))


def one(repo: Repo, flow: str = "nightly") -> FlowDrift:
    return next(found for found in look(repo).flows if found.flow == flow)


def standings(found: Drift) -> dict[str, str]:
    return {flow.flow: str(flow.standing) for flow in found.flows}


def test_what_is_the_same_and_what_was_never_deployed(repo: Repo) -> None:
    deploy(Project.find(repo.root), ["nightly"], Terms(to="prod"))
    found = look(repo)
    assert standings(found) == {"nightly": "same", "weekly": "not deployed"}
    assert (found.commit, found.branch, found.dirty) == (repo.git("rev-parse", "v1"), "main", False)
    same = found.flows[0]
    assert (same.behind, same.ahead, same.files, same.environment) == (0, 0, (), "prod")
    assert found.is_any  # a flow that is not deployed is drift, too
    deploy(Project.find(repo.root), ["weekly"], Terms(to="prod"))
    assert not look(repo).is_any


def test_code_that_moved_on(repo: Repo) -> None:
    deploy(Project.find(repo.root))
    repo.put({"flows/weekly.py": WEEKLY.replace("return 1", "return 2"), "sql/new.sql": "select 1"})
    repo.commit("two")
    repo.commit("three")
    (repo.root / "helpers/words.py").write_text("def word(day):\n    return day\n")
    found = one(repo)
    assert found.standing is Standing.DIFFERS
    assert (found.behind, found.ahead) == (2, 0)
    assert [(f.path, f.change) for f in found.files or ()] == [
        ("flows/weekly.py", "changed"), ("helpers/words.py", "changed"), ("sql/new.sql", "added"),
    ]  # fmt: skip
    assert look(repo).dirty
    repo.git("checkout", "-q", "-f", "v1")
    found = one(repo)
    assert (found.standing, found.behind, found.files) == (Standing.SAME, 0, ())


def test_a_deployment_that_is_ahead(repo: Repo) -> None:
    repo.put({"sql/new.sql": "select 1"})
    repo.commit("two")
    deploy(Project.find(repo.root))
    repo.git("checkout", "-q", "v1")
    found = look(repo)
    assert found.branch is None
    assert (found.flows[0].behind, found.flows[0].ahead) == (0, 1)
    assert [f.change for f in found.flows[0].files or ()] == ["removed"]


def test_commits_beside_the_project_are_no_drift(repo: Repo) -> None:
    deploy(Project.find(repo.root))
    (repo.top / "other.txt").write_text("x")
    repo.commit("elsewhere")
    found = one(repo)
    assert (found.standing, found.behind) == (Standing.SAME, 1)


def test_schedules_and_terms(repo: Repo) -> None:
    deploy(Project.find(repo.root), [], Terms(to="prod", policies={"overlap": "skip"}))
    assert not look(repo).is_any, "policies are no part of the flow's code"
    repo.put({"orchestrator.toml": TOML.replace('"prod"', '"live"').replace("sunday", "friday")})
    found = one(repo)
    assert [(c.name, c.a, c.b) for c in found.terms] == [
        ("target", "prod", "live"), ("parameter day", "sunday", "friday"),
    ]  # fmt: skip
    assert one(repo, "weekly").terms[0].name == "target"
    repo.put({"orchestrator.toml": 'name = "shop"\n'})
    assert [(c.name, c.a, c.b) for c in one(repo).terms] == [("environment", "prod", None)]
    repo.put({"orchestrator.toml": TOML, "flows/nightly.py": NIGHTLY.replace("30 2", "30 4")})
    [schedule] = one(repo).schedules
    assert schedule.name == "main"
    assert "2:30" in str(schedule.a) or "30 2" in str(schedule.a)
    repo.put({"flows/nightly.py": NIGHTLY.replace('Parameter("day", default="monday")', '"x"')})
    assert [c.name for c in one(repo).terms] == ["parameter day"]


def test_a_schedule_given_by_hand(repo: Repo) -> None:
    project = Project.find(repo.root)
    deploy(project)
    with project.store() as store:
        reschedule(store, "shop", "weekly", [CronWanted("0 5 * * *", "UTC")], by="ada")
    found = one(repo, "weekly")
    assert (found.standing, found.by_hand) == (Standing.DIFFERS, "ada")
    assert found.schedules[0].b is None


def test_flows_that_are_gone_and_modules_that_cannot_be_read(repo: Repo) -> None:
    deploy(Project.find(repo.root))
    (repo.root / "flows/weekly.py").unlink()
    assert standings(look(repo)) == {"nightly": "differs", "weekly": "gone"}
    repo.put({"flows/weekly.py": "import nowhere_to_be_found\n"})
    found = look(repo)
    assert standings(found) == {"nightly": "differs", "weekly": "unreadable"}
    assert list(found.errors) == ["flows/weekly.py"]


def test_without_git_without_the_copy_and_in_place(repo: Repo) -> None:
    shutil.rmtree(repo.top / ".git")
    project = Project.find(repo.root)
    [nightly, _] = deploy(project)
    found = look(repo)
    assert (found.commit, found.branch, found.dirty) == (None, None, False)
    assert (found.flows[0].standing, found.flows[0].behind) == (Standing.SAME, None)
    repo.put({"sql/new.sql": "select 1"})
    shutil.move(nightly.deployment.source, repo.top / "away")
    assert one(repo).files is None
    deploy(project, [], Terms(in_place=True))
    repo.put({"sql/more.sql": "select 1"})
    assert (one(repo).standing, one(repo).in_place) == (Standing.SAME, True)


def test_the_command(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.root)
    monkeypatch.setenv("COLUMNS", "120")
    deploy(Project.find(repo.root), [], Terms(to="prod"))
    assert execute(["deployments", "drift", "--check"]) == 0
    capsys.readouterr()
    repo.put({"orchestrator.toml": TOML.replace('"warehouse"', '"big"')})
    repo.commit("other labels")
    assert execute(["deployments", "drift"]) == 0
    said = capsys.readouterr().out
    assert "in prod, 1 commit behind" in said
    assert "~ orchestrator.toml" in said
    assert "labels: ['warehouse'] → ['big']" in said
    assert execute(["deployments", "drift", "--check", "--format", "json"]) == 1
    shape = json.loads(capsys.readouterr().out)
    assert shape["drift"] is True
    assert {one["flow"]: (one["standing"], one["behind"]) for one in shape["flows"]} == {
        "nightly": ("differs", 1), "weekly": ("differs", 1),
    }  # fmt: skip
    assert shape["flows"][0]["files"] == [{"path": "orchestrator.toml", "change": "changed"}]
