"""``deploy --from-git REF``: what a commit holds is deployed, whatever lies in the folder."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.errors import NotFoundError, ProjectError, UsageError
from orchestrator.service.deploying.deploy import Terms
from orchestrator.service.deploying.from_git import deploy_from_git
from orchestrator.service.project import Project
from tests.deploying.repositories import FILES, NIGHTLY, Repo, shop


def project_of(repo: Repo) -> Project:
    return Project.find(repo.root)


def deployments(repo: Repo) -> tuple[str, ...]:
    with project_of(repo).store() as store:
        return tuple(f"{one.flow} {one.number}" for one in store.deployments())


def test_a_tag_is_deployed_clean_from_a_project_in_a_subfolder(tmp_path: Path) -> None:
    repo = shop(tmp_path / "work", "teams/shop")
    commit = repo.git("rev-parse", "v1")
    # The folder has moved on, and a helper of it would not even load.
    repo.put({"helpers/words.py": "raise SystemExit('the working tree leaked in')\n"})
    repo.put({"flows/nightly.py": NIGHTLY.replace("monday", "friday"), "flows/new.py": "1/0"})
    done = deploy_from_git(project_of(repo), "v1", terms=Terms(to="prod"))
    assert [(one.deployment.flow, one.is_new) for one in done] == [
        ("nightly", True), ("weekly", True),
    ]  # fmt: skip
    kept = done[0].deployment
    assert (kept.commit, kept.number, kept.project) == (commit, 1, "shop")
    assert kept.environment == {
        "kind": "process", "name": "prod", "target": "prod", "ref": "tag v1",
    }  # fmt: skip
    source = Path(kept.source)
    assert source.parent == repo.root / ".orchestrator" / "deployments"
    assert {p.relative_to(source).as_posix() for p in source.rglob("*.*")} == set(FILES)
    assert (source / "flows/nightly.py").read_text() == NIGHTLY
    assert (source / "helpers/words.py").read_text() == FILES["helpers/words.py"]
    assert repo.git("worktree", "list").count("\n") == 0


def test_nothing_is_registered_when_one_flow_fails(tmp_path: Path) -> None:
    repo = shop(tmp_path / "work")
    repo.put({"sql/daily.sql": "create table a as select * from b", "flows/wrong.py": """
from orchestrator import Flow
from tasks import SqlTask

with Flow("wrong") as wrong:
    SqlTask(path="sql/missing.sql")()
"""})  # fmt: skip
    repo.commit("broken")
    with pytest.raises(UsageError, match="flow 'wrong' cannot be planned") as refused:
        deploy_from_git(project_of(repo), "main")
    assert "missing.sql" in str(refused.value)
    assert str(tempfile.gettempdir()) + os.sep + "orchestrator-" not in str(refused.value)
    assert deployments(repo) == ()
    repo.put({"flows/wrong.py": "import nowhere_to_be_found\n"})
    repo.commit("worse")
    with pytest.raises(ProjectError, match=r"wrong\.py cannot be imported") as refused:
        deploy_from_git(project_of(repo), "main")
    assert (refused.value.where or "").startswith("main:flows/wrong.py:1")
    assert deployments(repo) == ()


@pytest.mark.slow
def test_a_policy_of_the_commit_is_enforced(tmp_path: Path) -> None:
    repo = shop(tmp_path / "work")
    repo.put({"policy.toml": "[nonsense]\n"})
    repo.commit("a policy")
    with pytest.raises(UsageError, match="nonsense"):
        deploy_from_git(project_of(repo), "main", ["nightly"])
    assert deployments(repo) == ()


def test_what_git_does_not_know_is_refused(tmp_path: Path) -> None:
    repo = shop(tmp_path / "work")
    with pytest.raises(NotFoundError) as missing:
        deploy_from_git(project_of(repo), "v2")
    assert missing.value.fix == "did you mean v1?"
    with pytest.raises(UsageError, match="in place"):
        deploy_from_git(project_of(repo), "v1", terms=Terms(in_place=True))
    repo.git("mv", "orchestrator.toml", "old.toml")
    repo.commit("none")
    repo.git("mv", "old.toml", "orchestrator.toml")
    with pytest.raises(ProjectError, match="HEAD does not hold the project") as none:
        deploy_from_git(project_of(repo), "HEAD")
    assert none.value.where == "HEAD:orchestrator.toml"
    (tmp_path / "plain").mkdir()
    with pytest.raises(ProjectError, match="in no git repository"):
        deploy_from_git(Project.find(tmp_path / "plain"), "v1")


@pytest.mark.slow
def test_the_command_says_what_it_deployed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    repo = shop(tmp_path / "work")
    monkeypatch.chdir(repo.root)
    monkeypatch.setenv("PYTHONPATH", str(repo.root))
    assert execute(["deploy", "weekly", "--from-git", "v1", "--to", "dev"]) == 0
    said = capsys.readouterr().out
    assert "weekly: deployment 1, version" in said
    assert "from tag v1, in dev" in said
    assert execute(["deployments", "show", "weekly", "--format", "json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["environment"] == {
        "kind": "process", "name": "dev", "target": "dev", "ref": "tag v1",
    }  # fmt: skip
    assert execute(["deploy", "weekly", "--from-git", "v1", "--to", "dev"]) == 0
    assert "nothing has changed since deployment 1" in capsys.readouterr().out
    assert execute(["deploy", "--from-git", "nosuch", "--format", "json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"]["fix"]


@pytest.mark.slow
def test_packages_of_dbt_are_installed_in_the_checkout(tmp_path: Path) -> None:
    repo = Repo(tmp_path / "work", "shop")
    repo.put({
        "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: "
        f"'{tmp_path}/shop.duckdb'}}}}}}\n",
        "packages.yml": "packages: [{local: ../shared}]\n",
        "models/a.sql": "select {{ shared.one() }} as id",
        ".gitignore": "dbt_packages/\ntarget/\nlogs/\n",
        "../shared/dbt_project.yml": "name: shared\nversion: '1.0'\n",
        "../shared/macros/one.sql": "{% macro one() %}1{% endmacro %}",
    })  # fmt: skip
    repo.commit("with a package")
    [done] = deploy_from_git(project_of(repo), "main")
    source = Path(done.deployment.source)
    assert (source / "dbt_packages/shared/macros/one.sql").is_file()
    assert not (repo.root / "dbt_packages").exists()
    repo.put({"packages.yml": "packages: [{local: ../nowhere}]\n"})
    repo.commit("with none")
    with pytest.raises(ProjectError, match="dbt cannot install the packages") as refused:
        deploy_from_git(project_of(repo), "main")
    assert refused.value.where == "main:packages.yml"
