"""What the tests of templates share: the command, a git repository, the templates at two versions."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from orchestrator.cli.main import execute
from orchestrator.service.starting import packaged

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
NAMES = ("analytics", "flow", "dbt-existing", "platform")
#: A dbt project that somebody has already, with seeds that its sources read.
THEIRS = {
    "dbt_project.yml": "name: jaffle\nversion: '1.0'\nprofile: jaffle\n",
    "profiles.yml": "jaffle:\n  target: dev\n  outputs:\n"
    "    dev: {type: duckdb, path: jaffle.duckdb, threads: 2}\n",
    "models/one.sql": "select 1 as n",
    "models/two.sql": "select n + 1 as n from {{ ref('one') }}",
}
WHO = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")


def init(*words: object) -> int:
    """Run ``orchestrator init`` in this process; return its exit code."""
    return execute(["init", *map(str, words)])


def asked(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, object]:
    """Run ``orchestrator init --format json`` and return what it says."""
    init(*words, "--format", "json")
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write files by name into a folder."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def content(folder: Path) -> dict[str, bytes]:
    """The files of a folder by name, without git's own."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.relative_to(folder).parts
    }


def git(folder: Path, *words: str) -> str:
    """Run git in a folder."""
    done = subprocess.run(
        ["git", *WHO, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def commit(folder: Path, message: str = "as it is") -> Path:
    """Commit all that is in a folder, which becomes a repository if it is none."""
    if not (folder / ".git").is_dir():
        git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    return folder


def release_script() -> ModuleType:
    """The script that writes the templates' history."""
    spec = importlib.util.spec_from_file_location("release", TEMPLATES / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def copied(folder: Path) -> Path:
    """A copy of the templates that a test may change."""
    shutil.copytree(TEMPLATES, folder, ignore=shutil.ignore_patterns("history.bundle"))
    return folder


def use(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Let the package be one that carries the templates of a folder."""
    monkeypatch.setattr(packaged, "folder", lambda: folder)


def without_git(tmp_path: Path) -> str:
    """A PATH on which there is Python, and no git."""
    folder = tmp_path / "programs"
    folder.mkdir()
    (folder / "python").symlink_to(sys.executable)
    assert shutil.which("git", path=str(folder)) is None
    return str(folder)
