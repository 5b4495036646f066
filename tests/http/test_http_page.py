"""The example of docs/http.md can be planned, and its graph is the one that the page names."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.service.project import Project
from tests.docs import pages


def test_the_graph_of_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (block,) = [
        b for found in pages.sections(pages.DOCS / "http.md").values() for b in found if b.file
    ]
    (tmp_path / "flows").mkdir()
    (tmp_path / block.file).write_text(block.text, encoding="utf-8")
    (tmp_path / "orchestrator.toml").write_text(
        'name = "shop"\n[warehouses.main]\ntype = "duckdb"\npath = "shop.duckdb"\n'
    )
    monkeypatch.chdir(tmp_path)
    order = Project.find(tmp_path).flow("rates").plan(project=tmp_path).order()
    assert order.index("ready") < order.index("load rates") < order.index("latest")
    assert len(order) == 4
