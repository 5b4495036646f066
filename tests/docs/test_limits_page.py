"""The example of docs/limits.md runs, one element after the other."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tests.docs import pages

SECTIONS = pages.sections(pages.DOCS / "limits.md")


@pytest.fixture
def project(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for found in SECTIONS.values():
        for block in (block for block in found if block.file):
            path = in_tmp / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    return in_tmp


def test_the_example_runs_one_after_the_other(project: Path) -> None:
    found = Project.find(project)
    assert run_flow(found, found.flow("nightly")).state.is_successful()
    with found.store() as store:
        rows = store.task_runs(store.run("latest").id)
        limits = {limit.name: limit.slots for limit in store.limits()}
    trained = sorted((r.started, r.finished) for r in rows if r.key.startswith("train["))
    assert len(trained) == 3
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(trained))
    assert limits == {"tag:heavy": 1, "flow:nightly": 1}
