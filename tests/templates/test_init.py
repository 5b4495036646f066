"""`orchestrator init` renders each template: offline, without git, asking nothing where nobody answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from tests.templates.projects import (
    NAMES,
    ROOT,
    THEIRS,
    asked,
    content,
    copied,
    init,
    use,
    without_git,
    write,
)

CHECKOUT = Path(__file__).resolve().parents[2]


def no_network(*_: Any, **__: Any) -> None:
    raise AssertionError("something went to the network")


def run(folder: Path, flow: str = "nightly") -> dict[str, str]:
    """Run a flow and return its tasks' states by name."""
    project = Project.find(folder)
    result = run_flow(project, project.flow(flow), Request())
    assert result.state.is_successful(), {k: s.message for k, s in result.state.result.items()}
    return {name: state.type.value for name, state in result.state.result.items()}


def test_the_analytics_template_is_green_offline(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(socket.socket, "connect", no_network)
    assert init("demo") == 0
    assert "cd demo && orchestrator run nightly" in capsys.readouterr().out
    states = run(place / "demo")
    assert len(states) > 20
    project = Project.find(place / "demo")
    order = project.flow("nightly").plan(project=project.root).order()
    names = [name.rpartition(".")[2] for name in order]
    (sql,) = [i for i, name in enumerate(order) if "busy_hours" in name and "test" not in name]
    assert names.index("stg_orders") < sql < names.index("daily_sales"), "it stands between two"


def test_what_an_installer_compiled_stays_where_it_is(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    templates = copied(place / "templates")
    for name in ("flow/flows/__pycache__/nightly.pyc", "flow/tests/flows/__pycache__/test.pyc"):
        write(templates, {name: "compiled"})
    use(monkeypatch, templates)
    assert init("one", "--template", "flow") == 0
    assert list((place / "one").rglob("*pyc*")) == []


def test_no_git_is_needed(place: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator", "init", "demo"], cwd=place, capture_output=True,
        text=True, timeout=120, env={**os.environ, "PATH": without_git(place), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (place / "demo/flows/nightly.py").is_file()


def test_the_flow_template_is_green(place: Path) -> None:
    assert init("one", "--template", "flow", "--data", "timezone=Asia/Tokyo") == 0
    assert len(run(place / "one")) == 3
    assert (place / "one/reports/revenue.csv").read_text().startswith("day,revenue\n")
    assert Project.find(place / "one").flow("nightly").schedule is not None
    assert "Asia/Tokyo" in (place / "one/flows/nightly.py").read_text()


def test_the_platform_template_is_green(place: Path) -> None:
    assert init("ours", "--template", "platform") == 0
    run(place / "ours", "heartbeat")


def test_a_dbt_project_gets_a_flow_and_keeps_its_files(place: Path) -> None:
    before = content(write(place / "theirs", THEIRS))
    assert init("theirs", "--template", "dbt-existing") == 0
    after = content(place / "theirs")
    assert {name: after[name] for name in before} == before
    assert set(after) - set(before) == {
        ".copier-answers.yml", ".github/workflows/orchestrator.yml", "flows/nightly.py",
        "orchestrator.toml",
    }  # fmt: skip
    assert len(run(place / "theirs")) == 4  # two models between on-run-start and on-run-end
    assert Project.find(place / "theirs").name == "jaffle"


def test_in_a_dbt_project_its_template_is_taken_by_itself(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(place, THEIRS)
    said = asked(capsys, ".")
    assert said["template"] == "dbt-existing"
    assert said["answers"] == {
        "template": "dbt-existing", "project_name": "jaffle", "timezone": "UTC"
    }  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_answers_are_kept_and_name_no_machine(place: Path, name: str) -> None:
    write(place / "it", THEIRS if name == "dbt-existing" else {})
    assert init("it", "--template", name) == 0
    text = (place / "it/.copier-answers.yml").read_text()
    assert yaml.safe_load(text)["template"] == name
    assert yaml.safe_load(text)["_commit"].startswith("v")
    for path, data in content(place / "it").items():
        assert str(place).encode() not in data, path
        assert str(CHECKOUT).encode() not in data, path


@pytest.mark.parametrize("name", NAMES)
def test_a_template_asks_at_most_four_questions_and_has_a_default_for_each(
    place: Path, name: str
) -> None:
    write(place / "it", THEIRS if name == "dbt-existing" else {})
    assert init("it", "--template", name, "--defaults") == 0
    kept = yaml.safe_load((place / "it/.copier-answers.yml").read_text())
    assert len([key for key in kept if not key.startswith("_")]) <= 4


@pytest.mark.parametrize(
    ("folder", "name"),
    [("Coffee-Shop", "coffee_shop"), ("2026 sales", "project_2026_sales"), ("dbt", "project_dbt"), ("ñ", "project")],
)  # fmt: skip
def test_a_folders_name_becomes_one_that_dbt_takes(
    place: Path, capsys: pytest.CaptureFixture[str], folder: str, name: str
) -> None:
    said = asked(capsys, folder)
    assert isinstance(said["answers"], dict)
    assert said["answers"]["project_name"] == name


@pytest.mark.slow
def test_a_folder_called_dbt_is_a_project(place: Path) -> None:
    assert init("dbt") == 0
    run(place / "dbt")


def test_production_is_the_warehouse_that_was_named(place: Path) -> None:
    init("shop", "--data", "warehouse=postgres")
    profile = yaml.safe_load((place / "shop/profiles.yml").read_text())["shop"]
    assert {name: one["type"] for name, one in profile["outputs"].items()} == {
        "dev": "duckdb", "prod": "postgres"
    }  # fmt: skip
    assert "[test,postgres]" in (place / "shop/requirements.txt").read_text()


def test_inside_a_dbt_project_it_says_how_that_is_adopted(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(write(place / "theirs", THEIRS))
    assert init("demo", "--defaults") == 0
    assert "orchestrator init . adopts it as it is" in capsys.readouterr().err
    assert init(".", "--defaults") == 0
    assert "adopts" not in capsys.readouterr().err


def test_what_was_done_is_said_to_programs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = asked(capsys, "one", "--template", "flow")
    assert said["folder"] == str(place / "one")
    assert said["version"] is not None
    assert said["written"] == sorted(content(place / "one"))
