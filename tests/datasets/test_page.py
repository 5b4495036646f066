"""The examples of docs/python-tasks.md run, and say what the page says."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tasks.duckdb.instances import release_all
from tests.docs import pages

SECTIONS = pages.sections(pages.DOCS / "python-tasks.md")


@pytest.fixture
def project(in_tmp: Path) -> Iterator[Path]:
    """The page's project with all its flows."""
    for block in (block for found in SECTIONS.values() for block in found if block.file):
        path = in_tmp / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)
    yield in_tmp
    release_all()


@pytest.mark.parametrize(
    ("name", "task", "value"),
    [("scores", "best", 4), ("large", "only_even", None), ("queries", "wet", ["Mon"])],
)
def test_its_flows(project: Path, name: str, task: str, value: object) -> None:
    found = Project.find(project)
    result = run_flow(found, found.flow(name), Request())
    assert result.state.is_successful(), result.state
    with found.store() as store:
        tasks = {task.key: task for task in store.task_runs(result.run_id)}
    assert tasks[task].result == {"value": value}
    if name == "large":
        assert tasks[task].rows == 500_000


def test_its_script_and_its_picture(project: Path) -> None:
    done = subprocess.run([sys.executable, "test_scores.py"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    why = [sys.executable, "-m", "orchestrator", "why", "orders", "score", "--flow", "scores"]
    done = subprocess.run(why, capture_output=True, text=True)
    shown = next(b.text for b in SECTIONS["Tables in and out"] if b.language == "text")
    assert [line.rstrip() for line in done.stdout.splitlines() if line.strip()] == [
        line for line in shown.splitlines() if line.strip()
    ], done.stderr
