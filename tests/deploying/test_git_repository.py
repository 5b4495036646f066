"""The repository around a folder: what refs name, what differs, and what git is not there for."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import NotFoundError, ProjectError
from orchestrator.process.git import Repository
from tests.deploying.repositories import Repo


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    made = Repo(tmp_path / "work", "shop")
    made.put({"a.sql": "select 1\n", "sub/b.sql": "select 2\n"})
    made.commit("first")
    made.git("tag", "-a", "v1.0", "-m", "one")
    return made


def test_refs_name_commits(repo: Repo) -> None:
    git = Repository.around(repo.root)
    head = repo.git("rev-parse", "HEAD")
    assert (git.top, git.prefix) == (repo.top.resolve(), "shop/")
    assert {git.commit(ref) for ref in ("v1.0", "main", "HEAD", head, head[:9])} == {head}
    assert git.label("v1.0", head) == "tag v1.0"
    assert git.label("main", head) == git.label("HEAD", head) == "branch main"
    assert git.label(head[:9], head) == "tag v1.0"
    repo.commit("second")
    assert git.label("HEAD~0", git.commit("HEAD")) == ""


@pytest.mark.parametrize("ref", ["v1.1", "--help", "", "v1.0\nHEAD", "main:shop/a.sql"])
def test_what_is_no_commit_is_refused(repo: Repo, ref: str) -> None:
    with pytest.raises(NotFoundError, match="knows no commit") as refused:
        Repository.around(repo.root).commit(ref)
    if ref == "v1.1":
        assert refused.value.fix == "did you mean v1.0?"
    assert refused.value.fix


def test_what_differs_is_staged_unstaged_and_untracked(repo: Repo) -> None:
    repo.put({"c.sql": "x", "odd \n| name.sql": "x", "ignored.log": "x", ".gitignore": "*.log"})
    repo.put({"a.sql": "select 3\n"})
    (repo.root / "sub/b.sql").unlink()
    repo.put({"staged.sql": "x"})
    repo.git("add", "shop/staged.sql")
    git = Repository.around(repo.root)
    assert git.changed_since("v1.0") == {
        "shop/.gitignore": "?", "shop/a.sql": "M", "shop/c.sql": "?", "shop/odd \n| name.sql": "?",
        "shop/staged.sql": "A", "shop/sub/b.sql": "D",
    }  # fmt: skip
    assert git.text_at("v1.0", "shop/sub/b.sql") == "select 2"
    assert git.text_at("v1.0", "shop/c.sql") is None


def test_a_change_on_the_other_branch_does_not_count(repo: Repo) -> None:
    repo.git("checkout", "-q", "-b", "feature")
    repo.put({"mine.sql": "x"})
    repo.commit("mine")
    repo.git("checkout", "-q", "main")
    repo.put({"theirs.sql": "x"})
    repo.commit("theirs")
    repo.git("checkout", "-q", "feature")
    git = Repository.around(repo.root)
    assert list(git.changed_since(git.merge_base("main"))) == ["shop/mine.sql"]
    assert git.distance("main") == (1, 1)
    assert git.distance("v1.0") == (0, 1)
    assert git.distance("0" * 40) is None


def test_a_checkout_is_the_commit_and_leaves_the_repository_alone(
    repo: Repo, tmp_path: Path
) -> None:
    repo.put({"a.sql": "changed", "new.sql": "x", "run.sh": "echo"})
    repo.git("add", "shop/a.sql")
    before = repo.git("status", "--porcelain")
    into = tmp_path / "clean"
    into.mkdir()
    git = Repository.around(repo.root)
    git.check_out(git.commit("v1.0"), into)
    found = {p.relative_to(into).as_posix() for p in into.rglob("*") if p.is_file()}
    assert found == {"shop/a.sql", "shop/sub/b.sql"}
    assert (into / "shop/a.sql").read_text() == "select 1\n"
    assert repo.git("status", "--porcelain") == before
    assert repo.git("worktree", "list").count("\n") == 0


def test_a_hook_of_another_repository_does_not_lead_astray(
    repo: Repo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Repo(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.top / ".git"))
    assert Repository.around(repo.root).top == repo.top.resolve()


def test_no_git_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ProjectError, match="in no git repository"):
        Repository.around(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ProjectError, match="git is not installed") as refused:
        Repository.around(tmp_path)
    assert "install git" in (refused.value.fix or "")


def test_a_shallow_clone_says_what_to_fetch(repo: Repo, tmp_path: Path) -> None:
    repo.git("checkout", "-q", "-b", "feature")
    repo.commit("second")
    shallow = Repo(tmp_path / "shallow")
    shallow.git("fetch", "-q", "--depth=1", repo.top.as_uri(), "feature")
    shallow.git("checkout", "-q", "FETCH_HEAD")
    git = Repository.around(shallow.top)
    with pytest.raises(NotFoundError) as missing:
        git.commit("origin/main")
    assert (missing.value.fix or "").startswith("git fetch origin main")
    shallow.git("fetch", "-q", "--depth=1", repo.top.as_uri(), "main:refs/remotes/origin/main")
    with pytest.raises(ProjectError, match="in common") as unrelated:
        git.merge_base("origin/main")
    assert (unrelated.value.fix or "").startswith("git fetch --unshallow origin main")
