"""GitClone, with the real git on repositories of this machine: by path, and over HTTP with a token."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator import Flow, InlineExecutor, task
from orchestrator.errors import ConfigurationError, FlowError, NotFoundError
from orchestrator.log import capture
from orchestrator.model import context
from orchestrator.process.result import CommandCancelled, CommandFailed
from orchestrator.secrets import EnvironmentSecrets, Secret, provided_by
from orchestrator.service.project import Project
from tasks import GitClone
from tasks.git import GitUnreachable
from tests.git.servers import serving

TOKEN = "canary-token-3f9c"


def git(folder: Path, *words: str) -> str:
    author = {"GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b", "GIT_COMMITTER_NAME": "a"}
    env = {**os.environ, **author, "GIT_COMMITTER_EMAIL": "a@b", "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(["git", *words], cwd=folder, env=env, capture_output=True, check=True)
    return done.stdout.decode().strip()


class Repository:
    """A bare repository, and a checkout that pushes to it."""

    def __init__(self, folder: Path) -> None:
        self.bare, self.work = folder / "shop.git", folder / "work"
        git(folder, "init", "--bare", "--quiet", "--initial-branch=main", str(self.bare))
        git(folder, "init", "--quiet", "--initial-branch=main", str(self.work))
        git(self.work, "remote", "add", "origin", str(self.bare))

    def commit(self, text: str) -> str:
        (self.work / "model.sql").write_text(text)
        git(self.work, "add", ".")
        git(self.work, "commit", "--quiet", "-m", text)
        self.push("HEAD")
        return git(self.work, "rev-parse", "HEAD")

    def push(self, *refs: str) -> None:
        git(self.work, "push", "--quiet", "--force", "origin", *refs)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def server(repository: Repository) -> Iterator[str]:
    with serving(repository.bare.parent, "x-access-token", TOKEN) as url:
        yield f"{url}/shop.git"


def inode(path: str) -> int:
    return os.stat(path).st_ino


def test_branches_tags_commits_and_the_default(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit("select 1")
    git(repository.work, "tag", "-a", "v1", "-m", "annotated")
    repository.push("v1")
    second = repository.commit("select 2")
    git(repository.work, "checkout", "--quiet", "-b", "feature/new")
    third = repository.commit("select 3")
    for ref, commit in {
        None: second, "main": second, "v1": first, "refs/tags/v1": first,
        "feature/new": third, first: first,
    }.items():  # fmt: skip
        found = GitClone(str(repository.bare), tmp_path / "into" / "shop", ref).run()
        path = tmp_path / "into" / "shop"
        assert found == {"path": str(path), "commit": commit}, ref
        number = {first: 1, second: 2, third: 3}[commit]
        assert (path / "model.sql").read_text() == f"select {number}"
        assert git(path, "rev-list", "--count", "HEAD") == "1"
    assert sorted(os.listdir(tmp_path / "into")) == [".shop.lock", "shop"]


def test_history_comes_if_asked_for(repository: Repository, tmp_path: Path) -> None:
    repository.commit("select 1")
    repository.commit("select 2")
    path = GitClone(str(repository.bare), tmp_path / "deep", depth=None).run()["path"]
    assert git(Path(path), "rev-list", "--count", "HEAD") == "2"


def test_what_is_there_is_used_again_unless_it_changed(
    repository: Repository, tmp_path: Path
) -> None:
    repository.commit("select 1")
    clone = GitClone(str(repository.bare), tmp_path / "shop", "main")
    path = Path(clone.run()["path"])
    before = inode(str(path))
    clone.run()
    assert inode(str(path)) == before
    (path / "left.sql").write_text("over")
    clone.run()
    assert not (path / "left.sql").exists()
    (path / "model.sql").write_text("edited")
    clone.run()
    assert (path / "model.sql").read_text() == "select 1"
    commit = repository.commit("select 2")
    assert clone.run()["commit"] == commit
    assert (path / "model.sql").read_text() == "select 2"


def test_what_somebody_else_made_is_left_alone(repository: Repository, tmp_path: Path) -> None:
    repository.commit("select 1")
    mine = tmp_path / "mine"
    mine.mkdir()
    GitClone(str(repository.bare), mine).run()  # an empty folder is nobody's
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "file").write_text("precious")
    for folder in (tmp_path / "theirs", repository.work):
        with pytest.raises(ConfigurationError, match="something else stands"):
            GitClone(str(repository.bare), folder).run()
    assert (tmp_path / "theirs" / "file").read_text() == "precious"


def test_a_clone_that_fails_leaves_what_was_there(repository: Repository, tmp_path: Path) -> None:
    repository.commit("select 1")
    path = tmp_path / "into" / "shop"
    GitClone(str(repository.bare), path).run()
    with pytest.raises(NotFoundError, match="no commit 0123456789"):
        GitClone(str(repository.bare), path, "0123456789" * 4).run()
    with pytest.raises(NotFoundError, match="no such branch or tag: nowhere"):
        GitClone(str(repository.bare), path, "nowhere").run()
    with pytest.raises(CommandFailed, match="does not appear to be a git repository"):
        GitClone(str(tmp_path / "none.git"), path).run()
    assert (path / "model.sql").read_text() == "select 1"
    assert sorted(os.listdir(path.parent)) == [".shop.lock", "shop"]


def test_a_name_that_means_two_things_is_asked_about(
    repository: Repository, tmp_path: Path
) -> None:
    first = repository.commit("select 1")
    git(repository.work, "tag", "main", first)
    repository.push("refs/tags/main")
    GitClone(str(repository.bare), tmp_path / "same", "main").run()  # both are one commit
    (repository.work / "model.sql").write_text("select 2")
    git(repository.work, "commit", "--quiet", "-am", "two")
    repository.push("HEAD:refs/heads/main")
    with pytest.raises(NotFoundError, match="a branch and a tag") as caught:
        GitClone(str(repository.bare), tmp_path / "two", "main").run()
    assert "refs/tags/" in str(caught.value.fix)
    assert GitClone(str(repository.bare), tmp_path / "t", "refs/tags/main").run()["commit"] == first


def test_a_token_opens_the_server_and_is_echoed_nowhere(
    repository: Repository, server: str, tmp_path: Path
) -> None:
    commit = repository.commit("select 1")
    said: list[str] = []
    given = EnvironmentSecrets({"ORCHESTRATOR_SECRET_GIT": TOKEN})
    with provided_by(given), capture(lambda _, text: said.append(text)):
        for number, token in enumerate(("secret:GIT", Secret("GIT"))):
            clone = GitClone(server, tmp_path / str(number), "main", token=token)
            assert clone.run()["commit"] == commit
            assert TOKEN not in repr(vars(clone))
    for file in (tmp_path / "0").rglob("*"):
        assert not file.is_file() or TOKEN.encode() not in file.read_bytes()
    assert TOKEN not in "\n".join(said)


def test_a_wrong_token_is_refused_and_not_shown(server: str, tmp_path: Path) -> None:
    given = EnvironmentSecrets({"ORCHESTRATOR_SECRET_GIT": "canary-wrong-55"})
    with provided_by(given), pytest.raises(CommandFailed, match="Authentication failed") as caught:
        GitClone(server, tmp_path / "a", token="secret:GIT").run()
    assert "canary" not in str(caught.value)
    with pytest.raises(CommandFailed, match="could not read Username"):
        GitClone(server, tmp_path / "a").run()
    with pytest.raises(ConfigurationError, match="secret 'NONE' is not set"):
        GitClone(server, tmp_path / "a", token="secret:NONE").run()


def test_a_server_that_is_away_is_tried_again_and_then_named(in_tmp: Path) -> None:
    clone = GitClone("http://127.0.0.1:9/shop.git", "a", name="clone", retry_delay=0)
    with pytest.raises(GitUnreachable, match=r"http://127\.0\.0\.1:9/shop\.git") as caught:
        clone.run()
    assert "can be reached" in str(caught.value.fix)
    with Flow("cloned") as flow:
        clone()
    assert flow.run(executor=InlineExecutor(), project=in_tmp).is_failed()
    with Project.find(in_tmp).store() as store:
        assert len(list(store.attempts(store.run("latest").id))) == 3


def test_what_a_killed_process_left_is_cleared_away(repository: Repository, tmp_path: Path) -> None:
    repository.commit("select 1")
    folder = tmp_path / "into"
    (folder / ".shop.clone-abc" / "new").mkdir(parents=True)
    (folder / ".shop-mine").mkdir()
    GitClone(str(repository.bare), folder / "shop").run()
    assert sorted(os.listdir(folder)) == [".shop-mine", ".shop.lock", "shop"]


def test_waiting_for_the_folder_ends_when_cancelled(repository: Repository, tmp_path: Path) -> None:
    running = context.RunContext("run", "flow", "clone")
    running.cancelled.set()
    with open(tmp_path / ".shop.lock", "w") as held, context.entered(running):
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CommandCancelled, match="another task had the folder"):
            GitClone(str(repository.bare), tmp_path / "shop").run()


@pytest.mark.parametrize(
    ("url", "ref", "what"),
    [
        ("--upload-pack=touch made", None, "cannot take"),
        ("repo.git", "--help", "cannot take"),
        ("repo.git\n", None, "cannot take"),
        (None, None, "no repository"),
    ],
)
def test_words_that_git_would_misread_are_refused(
    url: str | None, ref: str | None, what: str, in_tmp: Path
) -> None:
    with pytest.raises(FlowError, match=what):
        GitClone(url, "a", ref).run()
    assert list(in_tmp.iterdir()) == []


def test_a_password_in_the_url_is_refused_and_not_repeated(in_tmp: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds a password") as caught:
        GitClone("https://me:canary-pw@example.org/a.git", "a").run()
    assert "canary" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="https URL only"):
        GitClone("git@example.org:a.git", "a", token="env:HOME").run()
    with pytest.raises(FlowError, match="no folder"):
        GitClone("https://example.org/a.git").run()
    with pytest.raises(FlowError, match="depth=0"):
        GitClone("https://example.org/a.git", depth=0)


def test_tasks_that_want_one_folder_take_turns(repository: Repository, tmp_path: Path) -> None:
    first = repository.commit("select 1")
    second = repository.commit("select 2")
    with ThreadPoolExecutor(4) as pool:
        clones = [GitClone(str(repository.bare), tmp_path / "one", c) for c in (first, second) * 2]
        ends = [end["commit"] for end in pool.map(GitClone.run, clones)]
    assert ends == [first, second] * 2
    assert git(tmp_path / "one", "rev-parse", "HEAD") in (first, second)
    assert git(tmp_path / "one", "status", "--porcelain") == ""


def test_in_a_flow_the_next_task_works_in_the_clone(repository: Repository, in_tmp: Path) -> None:
    repository.commit("select 1")

    @task
    def read(clone: dict[str, str]) -> str:
        return (Path(clone["path"]) / "model.sql").read_text()

    with Flow("cloned") as flow:
        read(GitClone(str(repository.bare), "shop", "main", name="clone")())
    state = flow.run(executor=InlineExecutor(), project=in_tmp)
    assert state.is_successful(), state.result
    with Project.find(in_tmp).store() as store:
        rows = {row.key: row.result["value"] for row in store.task_runs(store.run("latest").id)}
    assert rows["read"] == "select 1"
    assert rows["clone"]["path"] == str(in_tmp / "shop")
