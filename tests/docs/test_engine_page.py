"""The example of docs/engine.md runs, and stores, caches and says what the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tests.docs import pages

SECTIONS = pages.sections(pages.DOCS / "engine.md")


def test_every_python_block_belongs_to_a_file() -> None:
    found = [block for section in SECTIONS.values() for block in section]
    assert found
    assert all(block.file for block in found if block.language == "python")


def test_the_example_stores_and_caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\n')
    for block in SECTIONS["Results, caching, timeouts, handlers"]:
        path = tmp_path / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    project = Project.find(tmp_path)
    results = [run_flow(project, project.flow("sales"), Request(executor="threads")) for _ in "ab"]
    assert [result.state.type for result in results] == ["Success", "Success"]
    with project.store() as store:
        first, second = ({r.key: r for r in store.task_runs(x.run_id)} for x in results)
        lines = [line.text for line in store.logs(results[0].run_id, "publish")]
    assert first["load"].result["location"].endswith(f"/sales/{results[0].run_id}/load-1.parquet")
    assert first["share"].result["location"].endswith("/share.parquet")
    assert first["publish"].result == {"value": 4}
    assert lines[0].startswith("2 rows for 20")
    assert first["forecast[0]"].detail["cache"] == "no earlier result"
    assert [second[f"forecast[{n}]"].state for n in (0, 1)] == ["Cached", "Cached"]
