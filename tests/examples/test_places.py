"""Where the project, its profile and its database are, seen from where the command runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.dbt.project import write_project
from tests.examples.side_by_side import contents, orchestrator

FILES = {"models/deep/orders.sql": "select 1 as id"}


@pytest.mark.slow
def test_from_a_subfolder_with_an_odd_name(tmp_path: Path) -> None:
    project = write_project(tmp_path / "die schöne Küche", FILES)
    done = orchestrator(project / "models" / "deep", "run", ".")
    assert done.returncode == 0, done.stdout + done.stderr
    assert contents(project / "shop.duckdb")["main.orders"][1] == [(1,)]
    assert (project / ".orchestrator" / "store.db").is_file()
    assert "shop" in orchestrator(project / "models", "runs", "list").stdout


@pytest.mark.parametrize(
    "way", ["flag", *(pytest.param(way, marks=pytest.mark.slow) for way in ("environment", "home"))]
)
def test_from_another_folder(tmp_path: Path, way: str) -> None:
    project = write_project(tmp_path / "project", FILES)
    home = tmp_path / "home"
    folder = home / ".dbt" if way == "home" else tmp_path / "profiles"
    folder.mkdir(parents=True)
    (project / "profiles.yml").rename(folder / "profiles.yml")
    words = ["--profiles-dir", "profiles"] if way == "flag" else []
    environment = {"DBT_PROFILES_DIR": str(folder)} if way == "environment" else {}
    command = "run" if way == "flag" else "plan"
    done = orchestrator(
        tmp_path, command, ".", "--project-dir", "project", *words, HOME=str(home), **environment
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project / "shop.duckdb").exists() is (command == "run"), "beside the project, not here"
    assert not list(tmp_path.glob("*.duckdb"))
