"""The examples of docs/files.md run."""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import pytest

from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from tests.docs import pages

PAGE = pages.DOCS / "files.md"


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The page as a project."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for block in pages.blocks(PAGE.read_text(encoding="utf-8")):
        if block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    return Project.find(folder)


def test_the_first_example(project: Project) -> None:
    result = run_flow(project, project.flow("orders"), Request())
    assert result.state.is_successful(), result.state.result
    rows = duckdb.sql(f"from '{project.root}/out/daily.parquet' order by day").fetchall()
    assert [float(amount) for _, amount in rows] == [9.5, 0.75]


def test_the_other_examples(project: Project) -> None:
    (project.root / "in").mkdir()
    rows = "name;zip;share\nKöln;01234;0,5\nBonn;x\n"
    (project.root / "in/branches.txt").write_text(rows, encoding="latin-1")
    result = run_flow(project, project.flow("branches"), Request())
    assert result.state.is_successful(), result.state.result
    with duckdb.connect(str(project.root / "shop.duckdb")) as connection:
        assert connection.execute("from raw.branches").fetchall() == [
            ("Köln", "01234", 0.5, "in/branches.txt")
        ]
    assert project.flow("lake").plan(project=project.root).order() == ["LoadFiles"]


def test_every_python_block_is_run() -> None:
    blocks = pages.blocks(PAGE.read_text(encoding="utf-8"))
    assert all(block.file for block in blocks if block.language == "python")
