"""The examples of docs/writing-flows.md run: each section is a project, and its flows succeed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.model.state import StateType
from orchestrator.service.project import Project
from orchestrator.service.running import Request, RunResult, run_flow
from tests.docs import pages

SECTIONS = pages.sections(pages.DOCS / "writing-flows.md")
CONFIGURATION = next(block for block in SECTIONS[""] if block.language == "toml")
WITH_CODE = [title for title, found in SECTIONS.items() if any(b.file for b in found) and title]


def write(folder: Path, found: list[pages.Block]) -> Path:
    """Write the files of a section into a project of its own."""
    for block in (CONFIGURATION, *found):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder; loading its flows leaves no trace in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def run_all(folder: Path) -> dict[str, RunResult]:
    project = Project.find(folder)
    return {name: run_flow(project, project.flow(name), Request()) for name in project.flow_names()}


@pytest.mark.parametrize("title", WITH_CODE)
def test_a_section_runs(title: str, elsewhere: Path) -> None:
    found = SECTIONS[title]
    write(elsewhere, found)
    if (elsewhere / "flows").is_dir():
        for name, result in run_all(elsewhere).items():
            states = {key: state.message for key, state in result.state.result.items()}
            assert result.state.is_successful(), f"{name}: {result.state.message} {states}"
    for script in elsewhere.glob("*.py"):
        done = subprocess.run(
            [sys.executable, script.name],
            cwd=elsewhere,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr


def test_every_python_block_is_run() -> None:
    loose = [
        f"{title}: {block.text.splitlines()[0]}"
        for title, found in SECTIONS.items()
        for block in found
        if block.language == "python" and not block.file
    ]
    assert not loose, "name the file each example belongs to, so that it is run"


def test_what_the_page_says_of_its_examples_holds(elsewhere: Path) -> None:
    write(elsewhere, SECTIONS["Tables and warehouses"])
    project = Project.find(elsewhere)
    order = project.flow("orders").plan(project=elsewhere).order()
    assert order.index("load_orders") < order.index("big_orders") < order.index("export")
    assert order.index("big_orders") < order.index("largest")
    assert len(order) == 4

    write(elsewhere, SECTIONS["Skip, fail, say more"])
    (elsewhere / "flows" / "orders.py").unlink()
    state = run_all(elsewhere)["signals"].state
    assert state.result["look-2"].type is StateType.SKIPPED
    assert state.result["write"].message == "wrote 3"
