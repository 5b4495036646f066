"""``--select changed:REF`` on real repositories: what the working tree changed is what is planned."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.errors import FlowError, NotFoundError, ProjectError
from orchestrator.service.deploying.changes import FindGitChanges, GitChanges
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from tasks import DbtBuild
from tests.deploying.repositories import Repo

FLOW = """
from orchestrator import Flow, task
from tasks import SqlFolder
from helpers.words import word

@task
def say():
    return word("x")

with Flow("nightly") as nightly:
    say()
    SqlFolder("sql")()
"""
FILES = {
    "orchestrator.toml": 'name = "shop"\n[warehouses.main]\ntype = "duckdb"\npath = "shop.duckdb"\n',
    "flows/nightly.py": FLOW,
    "helpers/__init__.py": "",
    "helpers/words.py": "from .letters import big\n\ndef word(x):\n    return big(x)\n",
    "helpers/letters.py": "def big(x):\n    return x.upper()\n",
    "sql/a.sql": "create or replace table a as select 1 as id",
    "sql/b.sql": "create or replace table b as select * from a",
    "sql/c.sql": "create or replace table c as select 2 as id",
}


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repo]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = Repo(tmp_path / "work", "shop")
    made.put(FILES)
    made.commit("first")
    made.git("checkout", "-q", "-b", "feature")
    yield made
    for name in [n for n in sys.modules if n.partition(".")[0] == "helpers"]:
        del sys.modules[name]


def planned(repo: Repo, *include: str) -> list[str]:
    project = Project.find(repo.root)
    plan = plan_flow(project, project.flow("nightly"), Request(include=include))
    return sorted(task.facts.name for task in plan.tasks.values())


def changes(repo: Repo, ref: str = "main") -> GitChanges:
    project = Project.find(repo.root)
    return FindGitChanges(repo.root, project.settings.flows, project.settings.state_dir)(ref)


def test_committed_staged_unstaged_and_untracked_count(repo: Repo) -> None:
    assert planned(repo, "changed:main") == []
    repo.put({"sql/a.sql": FILES["sql/a.sql"] + " -- committed"})
    repo.commit("mine")
    assert planned(repo, "changed:main") == ["a"]
    assert planned(repo, "changed:HEAD") == []
    repo.put({"sql/c.sql": FILES["sql/c.sql"] + ", 3 as n"})
    assert planned(repo, "changed:main") == ["a", "c"]
    repo.git("add", "-A")
    assert planned(repo, "changed:main+") == ["a", "b", "c"]
    repo.put({"sql/d.sql": "create or replace table d as select * from c"})
    assert planned(repo, "changed:HEAD") == ["c", "d"]
    assert planned(repo, "+changed:HEAD,d") == ["d"]


def test_what_others_did_on_main_meanwhile_does_not_count(repo: Repo) -> None:
    repo.put({"sql/a.sql": "create or replace table a as select 7 as id"})
    repo.commit("mine")
    repo.git("checkout", "-q", "main")
    repo.put({"sql/c.sql": "create or replace table c as select 8 as id"})
    repo.commit("theirs")
    repo.git("checkout", "-q", "feature")
    assert planned(repo, "changed:main") == ["a"]


def test_a_deleted_file_selects_who_reads_its_table(repo: Repo) -> None:
    (repo.root / "sql/a.sql").unlink()
    assert planned(repo, "changed:main") == ["b"]


def test_a_helper_selects_the_task_that_uses_it_however_far(repo: Repo) -> None:
    repo.put({"helpers/letters.py": "def big(x):\n    return x.title()\n"})
    assert changes(repo).importers("helpers/letters.py") == {
        "helpers/words.py", "flows/nightly.py",
    }  # fmt: skip
    assert planned(repo, "changed:main") == ["say"]
    repo.put({"orchestrator.toml": "strict_sql = false\n" + FILES["orchestrator.toml"]})
    assert planned(repo, "changed:main") == ["a", "b", "c", "say"]


def test_what_a_run_leaves_behind_is_no_change(repo: Repo) -> None:
    project = Project.find(repo.root)
    with project.store():  # makes the folder of the project's state
        pass
    repo.put({"shop.duckdb": "data", "helpers/__pycache__/x.pyc": "x", ".user.yml": "id: 1"})
    (repo.top / "README.md").write_text("beside the project")
    (repo.top / "elsewhere.sql").write_text("select 1")
    assert planned(repo, "changed:main") == []


def test_a_linked_package_counts_as_part_of_the_project(repo: Repo) -> None:
    (repo.top / "shared/macros").mkdir(parents=True)
    (repo.top / "shared/macros/m.sql").write_text("{% macro m() %}1{% endmacro %}")
    (repo.root / "dbt_packages").mkdir()
    (repo.root / "dbt_packages/shared").symlink_to("../../shared")
    repo.commit("linked")
    (repo.top / "shared/macros/m.sql").write_text("{% macro m() %}2{% endmacro %}")
    found = changes(repo, "HEAD")
    assert found.files == {"dbt_packages/shared/macros/m.sql": "M"}
    assert found.before("dbt_packages/shared/macros/m.sql") == "{% macro m() %}1{% endmacro %}"


def test_what_git_cannot_tell(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotFoundError, match="'mian'") as missing:
        planned(repo, "changed:mian")
    assert missing.value.fix == "did you mean main?"
    with pytest.raises(NotFoundError, match="origin/main") as missing:
        planned(repo, "+changed:origin/main+")
    assert (missing.value.fix or "").startswith("git fetch origin main")
    copy = repo.root / ".orchestrator" / "deployments" / "copy"
    shutil.copytree(repo.root, copy, ignore=shutil.ignore_patterns(".orchestrator"))
    (repo.root / ".orchestrator/.gitignore").write_text("*\n")
    inside = Project.find(copy)
    with pytest.raises(ProjectError, match="git ignores"):
        plan_flow(inside, inside.flow("nightly"), Request(include=["changed:main"]))
    shutil.rmtree(repo.top / ".git")
    with pytest.raises(ProjectError, match="in no git repository"):
        planned(repo, "changed:main")


def test_a_run_of_nothing_succeeds_and_its_summary_says_so(
    repo: Repo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(repo.root)
    words = ["run", "nightly", "--executor", "inline", "--select", "+changed:main+"]
    assert execute([*words, "--summary", str(repo.top / "s.md")]) == 0
    said = (repo.top / "s.md").read_text()
    assert said.startswith("## nightly: ok\n\n**no tasks** in ")
    capsys.readouterr()


@pytest.mark.slow
def test_the_nodes_of_a_dbt_project(repo: Repo) -> None:
    (repo.root / "flows/nightly.py").unlink()
    repo.put({
        "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
        "profiles.yml": "shop: {target: dev, outputs: {dev: {type: duckdb, path: shop.duckdb}}}\n",
        "flows/nightly.py": "from orchestrator import Flow\nfrom tasks import DbtBuild\n"
        "with Flow('nightly') as nightly:\n    DbtBuild()()\n",
        "models/a.sql": "select {{ cents(1) }} as id", "models/b.sql": "select * from {{ ref('a') }}",
        "models/late.sql": "{% if execute %}select {{ cents(2) }} as id{% else %}select 1{% endif %}",
        "models/eph.sql": "{{ config(materialized='ephemeral') }} select 1 as id",
        "models/c.sql": "select * from {{ ref('eph') }}",
        "models/schema.yml": "models: [{name: b, columns: [{name: id, data_tests: [not_null]}]}]\n",
        "macros/cents.sql": "{% macro cents(x) %}{{ hundred(x) }}{% endmacro %}",
        "macros/hundred.sql": "{% macro hundred(x) %}100 * {{ x }}{% endmacro %}",
        "seeds/s.csv": "id\n1\n", ".gitignore": "target/\nlogs/\n*.duckdb\n.user.yml\n",
    })  # fmt: skip
    repo.commit("a dbt project")
    hooks = {"on-run-start", "on-run-end"}

    def chosen(files: dict[str, str], selector: str = "changed:HEAD") -> set[str]:
        repo.put(files)
        found = set(planned(repo, selector)) - hooks
        repo.git("checkout", "-q", "-f", "HEAD")
        return found

    assert chosen({}) == set()
    assert chosen({"models/a.sql": "select 2 as id"}) == {"a"}
    assert chosen({"models/a.sql": "select 2 as id"}, "changed:HEAD+") == {
        "a",
        "b",
        "not_null_b_id",
    }
    assert chosen({"macros/hundred.sql": "{% macro hundred(x) %}99{% endmacro %}"}) == {"a", "late"}
    assert chosen({"models/eph.sql": "{{ config(materialized='ephemeral') }} select 2 as id"}) == {
        "c"
    }
    assert chosen({"seeds/s.csv": "id\n2\n"}) == {"s"}
    assert chosen({"models/schema.yml": "models: [{name: b}]\n"}) == {"b"}
    everything = {"a", "b", "late", "c", "s", "not_null_b_id"}
    assert chosen({"dbt_project.yml": "name: shop\nversion: '2.0'\nprofile: shop\n"}) == everything


@pytest.mark.parametrize(
    "word", ["changed:main", "+changed:v1+", "tag:a,2+changed:x", "@changed:x"]
)
def test_a_flow_cannot_ask_git_for_dbt_nodes(word: str) -> None:
    with pytest.raises(FlowError, match="dbt does not know changed:") as refused:
        DbtBuild(select=f"orders {word}")
    assert f"orchestrator run FLOW --select {word}" in str(refused.value.fix)
    assert str(refused.value.where).rpartition(":")[0].endswith("test_git_changes.py")
    with pytest.raises(FlowError, match="exclude="):
        DbtBuild(exclude=[word])
    assert DbtBuild(select="changed_orders path:changed/x").options.select
