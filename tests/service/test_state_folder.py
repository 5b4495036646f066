"""The folder for what is kept between runs: private, and never committed by chance."""

from __future__ import annotations

import subprocess
from pathlib import Path

from orchestrator.service.project import Project


def opened(root: Path) -> None:
    (root / "orchestrator.toml").touch()
    with Project.find(root).store():
        pass


def test_git_does_not_see_it(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    opened(tmp_path)
    (tmp_path / ".orchestrator" / "secrets.toml").touch()
    assert (tmp_path / ".orchestrator").stat().st_mode & 0o077 == 0
    git = ["git", "-C", str(tmp_path), "status", "--short"]
    seen = subprocess.run(git, capture_output=True, text=True, check=True).stdout
    assert seen.split() == ["??", "orchestrator.toml"]


def test_what_somebody_made_himself_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / ".orchestrator").mkdir()
    opened(tmp_path)
    assert not (tmp_path / ".orchestrator" / ".gitignore").exists()
