"""The example of docs/prefect1.md runs and ends as it would; the names of its table are there."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import orchestrator
import tasks
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tests.docs import pages

PAGE = pages.DOCS / "prefect1.md"


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    blocks = [b for found in pages.sections(PAGE).values() for b in found if b.language == "python"]
    (etl,) = [block for block in blocks if block.file == "flows/etl.py"]
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "etl.py").write_text(etl.text)
    project = Project.find(tmp_path)
    state = run_flow(project, project.flow("etl")).state
    assert state.is_successful(), state.message
    types = {key: found.type.value for key, found in state.result.items()}
    assert (types["load"], types["load-2"], types["clean_up"]) == ("Skipped", "Success", "Success")
    with project.store() as store:
        rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    assert rows["merge"].result == {"value": "open warehouse: 40"}  # (1 + 3) * 10
    assert rows["extract"].attempt == 2


def test_every_name_of_the_table_can_be_imported() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rows = re.findall(r"^\| `from prefect\S* import ([^`]*)`.*\| `?(.*)\|$", text, re.MULTILINE)
    assert len(rows) >= 8
    for left, right in rows:
        home = re.search(r"from ([\w.]+) import ([^`]*)", right)
        assert home is not None
        said = left if home[2].startswith("…") else home[2]
        names = re.findall(r"\b[A-Za-z_]\w+", said)
        module = importlib.import_module(home[1])
        for name in names:
            assert getattr(module, name) is not None
            if module in (orchestrator, tasks) and name != "signals":
                assert name in module.__all__
