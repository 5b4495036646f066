"""What docs/clusters.md shows is read as it stands, makes executors, and runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator import secrets
from orchestrator.executors import versions
from orchestrator.executors.preset import executor_of
from orchestrator.presets import CLASSES, PRESET_KEYS
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from orchestrator.settings import load_settings
from tests.clusters.stand_ins import CONTRACTS, stand_in
from tests.docs import pages

PAGE = pages.DOCS / "clusters.md"
SECTIONS = pages.sections(PAGE)
PRESETS = [b for found in SECTIONS.values() for b in found if b.language == "toml"]


def test_the_example_runs_on_its_cluster(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", list(sys.path))
    for block in SECTIONS[""]:
        path = in_tmp / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")
    found = Project.find(in_tmp)
    assert run_flow(found, found.flow("forecasts")).state.is_successful()
    with found.store() as store:
        rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    assert rows["train[0]"].result["value"].startswith("model of north")


@pytest.mark.parametrize("block", PRESETS, ids=lambda b: b.text.split("]")[0].strip("["))
def test_each_preset_is_read_and_fits_its_class(
    block: pages.Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "orchestrator.toml").write_text(block.text, encoding="utf-8")
    settings = load_settings(tmp_path, environ={})
    assert settings.clusters
    provider = secrets.EnvironmentSecrets({"ORCHESTRATOR_SECRET_WAREHOUSE_PASSWORD": "s3same-door"})
    for preset in settings.clusters.values():
        kind = preset.cluster_class
        if kind is not None and kind not in CLASSES:
            continue  # a class of one's own: what it takes is not known here
        if kind not in (None, "local", "ssh"):
            stand_in(str(kind), monkeypatch)
        with secrets.provided_by(provider):
            made = executor_of(preset)
        if kind is not None:
            assert set(made.cluster_kwargs) <= set(CONTRACTS[kind]["parameters"])
            assert set(preset.adapt) <= set(CONTRACTS[kind].get("adapt", preset.adapt))


def test_every_key_class_and_package_is_named() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"| `{key}` |" in text for key in PRESET_KEYS)
    assert all(f'class = "{kind}"' in text for kind in CLASSES)
    assert all(f"`{package}`" in text for package in versions.PACKAGES)


def test_the_table_of_the_page_is_that_of_the_code() -> None:
    [block] = SECTIONS["The same software everywhere"]
    places = ("tcp://10.0.0.7:40331", "tcp://10.0.0.9:38127")
    found = [
        versions.Difference("duckdb", "1.4.1", "1.3.2", places),
        versions.Difference("pandas", "2.3.3", None, places),
    ]
    assert block.text.strip() == versions.refusal(found, "big").what
