"""A version is the hash of the code, and its snapshot is that code for good."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from orchestrator.errors import ProjectError
from orchestrator.service.deploying import content
from orchestrator.service.deploying.content import code_files, version_of
from orchestrator.service.deploying.snapshot import git_commit, keep_snapshot


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    for name, text in {
        "dbt_project.yml": "name: shop",
        "models/a.sql": "select 1",
        "sql/run.sh": "echo",
        "target/manifest.json": "{}",
        "logs/dbt.log": "x",
        "models/__pycache__/a.pyc": "x",
        "shop.duckdb": "data",
        ".env": "TOKEN=1",
        ".venv/lib.py": "x",
        "state/deployments/old/a.py": "x",
        "dbt_packages/utils/macro.sql": "x",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


CODE = ["dbt_packages/utils/macro.sql", "dbt_project.yml", "models/a.sql", "sql/run.sh"]


def version(root: Path) -> str:
    return version_of(code_files(root, without=root / "state"))


def test_code_is_what_runs_need_and_nothing_else(root: Path) -> None:
    assert [file.name for file in code_files(root, without=root / "state")] == CODE


def test_linked_folders_are_code_and_circles_end(root: Path, tmp_path: Path) -> None:
    (tmp_path / "local").mkdir()
    (tmp_path / "local" / "b.sql").write_text("x")
    (root / "dbt_packages" / "local").symlink_to(tmp_path / "local")
    (root / "models" / "loop").symlink_to(root)
    names = [file.name for file in code_files(root, without=root / "state")]
    assert names == ["dbt_packages/local/b.sql", *CODE]


def test_the_version_changes_with_any_of_it(root: Path) -> None:
    first = version(root)
    seen = {first}
    (root / "models/a.sql").write_text("select 2")
    seen.add(version(root))
    (root / "models/a.sql").rename(root / "models/b.sql")
    seen.add(version(root))
    (root / "sql/run.sh").chmod(0o755)
    seen.add(version(root))
    assert len(seen) == 4
    assert all(len(one) == 12 for one in seen)


def test_the_version_does_not_change_with_what_is_no_code(root: Path) -> None:
    first = version(root)
    (root / "shop.duckdb").write_text("more")
    (root / "target/manifest.json").write_text("{1}")
    os.utime(root / "models/a.sql", (0, 0))
    assert version(root) == first


def test_a_snapshot_holds_the_code_as_it_was(root: Path) -> None:
    first, folder = keep_snapshot(root, root / "state")
    assert folder == root / "state" / "deployments" / first
    assert [file.name for file in code_files(folder)] == CODE
    (root / "models/a.sql").write_text("select 2")
    second, other = keep_snapshot(root, root / "state")
    assert second != first
    assert (folder / "models/a.sql").read_text() == "select 1"
    assert (other / "models/a.sql").read_text() == "select 2"
    assert not (folder / "models/a.sql").stat().st_mode & 0o222, "nobody writes to it"
    assert sorted(os.listdir(folder.parent)) == sorted([first, second, "old"])


def test_the_same_code_is_kept_once(root: Path) -> None:
    first, folder = keep_snapshot(root, root / "state")
    before = folder.stat().st_ino
    assert keep_snapshot(root, root / "state") == (first, folder)
    assert folder.stat().st_ino == before


def test_a_snapshot_that_was_changed_is_noticed(root: Path) -> None:
    _, folder = keep_snapshot(root, root / "state")
    (folder / "models/a.sql").chmod(0o644)
    (folder / "models/a.sql").write_text("select 3")
    with pytest.raises(ProjectError, match="another by now"):
        keep_snapshot(root, root / "state")


def test_data_is_no_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "_LARGEST", 1000)
    (root / "big.csv").write_text("x" * 2000)
    with pytest.raises(ProjectError, match="would be") as error:
        keep_snapshot(root, root / "state")
    assert "big.csv" in (error.value.fix or "")


def test_the_commit_says_whether_something_changed_since(root: Path) -> None:
    assert git_commit(root) is None

    def git(*words: str) -> str:
        who = ("-c", "user.name=ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(
            ["git", *who, *words], cwd=root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    git("init", "-q")
    git("add", "models")
    git("commit", "-qm", "first")
    (root / ".git/info/exclude").write_text("*\n")
    commit = git("rev-parse", "HEAD")
    assert git_commit(root) == commit
    (root / "models/a.sql").write_text("select 2")
    assert git_commit(root) == f"{commit}-dirty"
