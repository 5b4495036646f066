"""Planning asks dbt only when something that dbt reads has changed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.cli.main import execute
from tasks.dbt import freshness
from tasks.dbt.options import DbtOptions
from tasks.dbt.session import WarmSession
from tests.dbt.project import PROFILES, PROJECT, write_project

FILES = {
    "dbt_project.yml": PROJECT + 'model-paths: [models, ../shared]\ntarget-path: "out/target"\n',
    "profiles.yml": PROFILES.replace("schema: main, threads: 4", "schema: \"{{ env_var('SHOP_SCHEMA', 'main') }}\", threads: 4"),
    "models/orders.sql": "select {{ one() }} as id",
    "models/logs/target.sql": "select * from {{ ref('orders') }}",
    "models/schema.yml": "models: [{name: orders, description: all}]",
    "macros/one.sql": "{% macro one() %}1{% endmacro %}",
    "../shared/common.sql": "select 1 as id",
}  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    project = write_project(tmp_path / "shop", FILES)
    monkeypatch.chdir(project)
    return project


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one each time dbt parses."""
    parses: list[str] = []
    parse = WarmSession.parse

    def counted(session: WarmSession) -> Any:
        parses.append(session.options.project_dir)
        return parse(session)

    monkeypatch.setattr(WarmSession, "parse", counted)
    return parses


def plan(capsys: pytest.CaptureFixture[str], *words: str) -> set[str]:
    code = execute(["plan", ".", "--format", "json", *words])
    out = capsys.readouterr().out
    assert code == 0, out
    return {task["name"] for task in json.loads(out)["tasks"]}


def test_dbt_parses_once_until_a_run_and_after_it(
    shop: Path, parsed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    first = plan(capsys)
    assert plan(capsys) == first
    assert len(parsed) == 1
    assert execute(["run", ".", "--quiet"]) == 0
    capsys.readouterr()
    assert plan(capsys) == first
    assert len(parsed) == 2, "only the run parsed, though dbt wrote its artifacts anew"

    (shop / "models" / "new.sql").write_text("select 1 as id")
    assert plan(capsys) == first | {"new"}
    assert len(parsed) == 3
    assert plan(capsys, "--target", "other") == first | {"new"}
    assert plan(capsys) == first | {"new"}
    assert len(parsed) == 4, "another target has a manifest of its own"


def _edit(name: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    def edit(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        file = shop / name
        file.write_text(file.read_text() + "\n" if file.exists() else "")

    return edit


def _setenv(name: str) -> Callable[[Path, pytest.MonkeyPatch], None]:
    return lambda shop, monkeypatch: monkeypatch.setenv(name, "other")


CHANGES = {
    "model": _edit("models/orders.sql"),
    "model in a folder named as one of dbt's own": _edit("models/logs/target.sql"),
    "model outside the project": _edit("../shared/common.sql"),
    "properties": _edit("models/schema.yml"),
    "macro": _edit("macros/one.sql"),
    "project": _edit("dbt_project.yml"),
    "profile": _edit("profiles.yml"),
    "new file": _edit("seeds/codes.csv"),
    "package": _edit("dbt_packages/util/macros/x.sql"),
    "variable of the profile": _setenv("SHOP_SCHEMA"),
    "variable of dbt": _setenv("DBT_TARGET"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_makes_a_manifest_stale(
    shop: Path, change: Callable[[Path, pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("seeds", "dbt_packages/util/macros", "out/target"):
        (shop / folder).mkdir(parents=True)
    options, state = DbtOptions(str(shop)), shop / ".orchestrator"
    manifest = shop / "out" / "target" / "manifest.json"
    manifest.write_text("{}")
    kept = freshness.stamp(options, str(manifest), state)
    assert freshness.fresh_manifest(options, state) == kept
    change(shop, monkeypatch)
    assert freshness.fresh_manifest(options, state) is None


def test_what_does_not(shop: Path) -> None:
    (shop / "models" / "loop").symlink_to(shop / "models")
    options, state = DbtOptions(str(shop)), shop / ".orchestrator"
    manifest = shop / "out" / "target" / "manifest.json"
    manifest.parent.mkdir(parents=True)
    manifest.write_text("{}")
    kept = freshness.stamp(options, str(manifest), state)
    manifest.write_text("of another command")
    for name in ("out/target/run_results.json", "logs/dbt.log", ".venv/x.py", "notes.txt"):
        (shop / name).parent.mkdir(exist_ok=True, parents=True)
        (shop / name).write_text("x")
    assert freshness.fresh_manifest(options, state) == kept
    assert freshness.fresh_manifest(DbtOptions(str(shop), vars="{a: 1}"), state) is None

    Path(kept).write_text("cut short")
    assert freshness.fresh_manifest(options, state) is None


def test_only_so_many_are_kept(shop: Path) -> None:
    manifest = shop / "manifest.txt"
    manifest.write_text("{}")
    for number in range(30):
        freshness.stamp(DbtOptions(str(shop), vars=f"{{n: {number}}}"), str(manifest), shop / "s")
    kept = os.listdir(shop / "s" / "manifests")
    assert 1 < len(kept) < 30
    last = DbtOptions(str(shop), vars="{n: 29}")
    assert freshness.fresh_manifest(last, shop / "s") is not None


def test_a_folder_that_cannot_be_written_to_costs_only_the_next_parse(shop: Path) -> None:
    (shop / "file").write_text("")
    manifest = shop / "manifest.txt"
    manifest.write_text("{}")
    options = DbtOptions(str(shop))
    assert freshness.stamp(options, str(manifest), shop / "file") == str(manifest)
    assert freshness.fresh_manifest(options, shop / "file") is None
