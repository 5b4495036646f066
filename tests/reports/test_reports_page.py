"""The examples of docs/reports.md: those that need nobody else run, the others can be planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from tests.docs import pages


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with every file that the page has."""
    for found in pages.sections(pages.DOCS / "reports.md").values():
        for block in found:
            if block.file:
                path = tmp_path / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return Project.find(tmp_path)


def test_the_page_and_the_workbook_are_made(project: Project) -> None:
    flow = project.flow("daily")
    assert flow.plan(project=project.root).order()[0] == "days"
    result = run_flow(project, flow, Request())
    assert result.state.is_successful(), result.state.result
    page = (project.root / "out" / "daily.html").read_text(encoding="utf-8")
    assert "7 more rows are not shown, of 14." in page
    assert "<svg " in page
    assert (project.root / "out" / "daily.xlsx").stat().st_size > 1000


@pytest.mark.parametrize("name", ["mailed", "tableau"])
def test_the_others_can_be_planned(project: Project, name: str) -> None:
    assert len(project.flow(name).plan(project=project.root).order()) == 1
