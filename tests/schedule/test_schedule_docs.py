"""The examples of docs/schedules.md: its flows load, its scripts run, and the screen is what is shown."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from tests.docs import pages

PAGE = pages.DOCS / "schedules.md"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with every file of the page."""
    for block in pages.blocks(PAGE.read_text(encoding="utf-8")):
        if block.file:
            path = tmp_path / block.file
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("COLUMNS", "120")
    return tmp_path


def test_every_python_block_is_a_file() -> None:
    found = [b for b in pages.blocks(PAGE.read_text(encoding="utf-8")) if b.language == "python"]
    assert found
    assert all(block.file for block in found)


@pytest.mark.parametrize("flow", ["nightly", "loads", "reports", "closing"])
def test_flows_have_schedules(flow: str, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["schedule", "preview", flow, "--next", "3"]) == 0
    assert capsys.readouterr().out.count("20") >= 3


def test_the_screen_is_what_is_shown(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    (shown,) = [b.text for b in pages.blocks(text) if b.text.startswith("$ orchestrator schedule")]
    command, screen = shown.split("\n", 1)
    assert execute(command.split()[2:]) == 0
    assert capsys.readouterr().out == screen


def test_the_script_runs(project: Path) -> None:
    done = subprocess.run(
        [sys.executable, "intervals.py"], cwd=project, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1].endswith("2026-11-01 02:30:00 1 day, 1:00:00")
