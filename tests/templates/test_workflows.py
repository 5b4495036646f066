"""The shell lines of the templates' workflows, run one after the other as GitHub would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.templates.projects import NAMES, TEMPLATES, THEIRS, commit, git, init, write

pytestmark = pytest.mark.slow

VENV = str(Path(sys.executable).parent)


def pull_request(place: Path, changes: dict[str, str], **given: str) -> Path:
    """A clone of a repository with a template's project as its main, and a branch with a change."""
    words = [word for name, value in given.items() for word in ("--data", f"{name}={value}")]
    assert init("shop", *words) == 0
    commit(place / "shop")
    git(place, "clone", "--quiet", "--bare", "shop", "shop.git")
    git(place, "clone", "--quiet", "shop.git", "clone")
    git(place / "clone", "switch", "--quiet", "--create", "change")
    for name, line in changes.items():
        with (place / "clone" / name).open("a", encoding="utf-8") as file:
            file.write(line)
    git(place / "clone", "commit", "--quiet", "--all", "--allow-empty", "--message", "a change")
    return place / "clone"


def jobs(folder: Path, name: str) -> dict[str, Any]:
    found = yaml.safe_load((folder / ".github" / "workflows" / name).read_text("utf-8"))
    return dict(found["jobs"])


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What the runner sets; there is no index to install from."""
    return {
        **os.environ, "PATH": f"{VENV}{os.pathsep}{os.environ['PATH']}", "CI": "true",
        "GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(folder.parent / "step_summary.md"),
        "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **more,
    }  # fmt: skip


def run_steps(folder: Path, workflow: str, **more: str) -> dict[str, str]:
    """Run each shell step of a workflow's only job; return what each printed."""
    (job,) = jobs(folder, workflow).values()
    printed: dict[str, str] = {}
    for step in job["steps"]:
        if "run" not in step:
            assert step["uses"].startswith("actions/")
            continue
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=folder, env=environment(folder, **more), capture_output=True, text=True,
            timeout=900,
        )  # fmt: skip
        printed[step["name"]] = done.stdout + done.stderr
        assert done.returncode == 0, f"{step['name']}\n{done.stdout}{done.stderr}"
    return printed


@pytest.mark.parametrize("name", NAMES)
def test_workflows_may_read_only_and_end_some_time(name: str) -> None:
    for path in (TEMPLATES / name).glob(".github/workflows/*"):
        found = yaml.safe_load(path.read_text("utf-8"))
        assert found["permissions"] == {"contents": "read"}
        assert all("timeout-minutes" in job for job in found["jobs"].values())


def test_a_pull_request_builds_what_changed(place: Path) -> None:
    clone = pull_request(place, {"models/marts/best_sellers.sql": "-- a better one\n"})
    printed = run_steps(clone, "ci.yml", GITHUB_BASE_REF="main")
    assert "keeps to policy.toml" in printed["Policy"]
    for test in ("an_hour_is_busy", "an_amount_is", "test_the_night_is_green"):
        assert test in printed["Tests"]
    built = printed["Build what changed"]
    assert "model best_sellers" in built
    assert "model stg_orders" in built, "what it needs is built, too: the database is new"
    assert "daily_sales" not in built
    assert "busy_hours" not in built
    summary = (place / "step_summary.md").read_text("utf-8")
    assert "nightly: ok" in summary
    assert "best_sellers" in summary


def test_a_pull_request_of_words_builds_nothing(place: Path) -> None:
    clone = pull_request(place, {"README.md": "\nMore of it.\n"})
    (job,) = jobs(clone, "ci.yml").values()
    job["steps"] = [step for step in job["steps"] if step.get("name", "").startswith("Build")]
    write(clone, {".github/workflows/only.yml": yaml.safe_dump({"jobs": {"build": job}})})
    git(clone, "add", "--all")
    printed = run_steps(clone, "only.yml")
    assert "no tasks" in printed["Build what changed"]


def test_a_broken_model_fails_the_pull_request_and_shows_its_sql(place: Path) -> None:
    clone = pull_request(place, {"models/marts/best_sellers.sql": "having nonsense > 1\n"})
    (job,) = jobs(clone, "ci.yml").values()
    build = next(step["run"] for step in job["steps"] if step.get("name") == "Build what changed")
    done = subprocess.run(
        ["bash", "-ec", build], cwd=clone, env=environment(clone), capture_output=True, text=True,
        timeout=900,
    )  # fmt: skip
    assert done.returncode == 1
    summary = (clone / "summary.md").read_text("utf-8")
    assert "1 failed" in summary
    assert "nonsense" in summary


def test_a_tag_deploys(place: Path) -> None:
    clone = pull_request(place, {}, warehouse="postgres")
    git(clone, "tag", "v1.0.0")
    state = str(place / "state")
    said = {"ORCHESTRATOR_STATE_DIR": state, "ORCHESTRATOR_STORE": f"sqlite:///{place}/store.db"}
    printed = run_steps(clone, "release.yml", GITHUB_REF_NAME="v1.0.0", **said)
    assert "tag v1.0.0" in printed["Deploy"]
    assert "in prod" in printed["Deploy"]
    (secrets,) = [
        step["env"] for step in jobs(clone, "release.yml")["deploy"]["steps"] if "env" in step
    ]
    assert set(secrets) == set(said)
    again = run_steps(clone, "release.yml", GITHUB_REF_NAME="v1.0.0", **said)
    assert "deployment 1" in again["Deploy"]


def test_a_pull_request_of_one_flow_runs_it(place: Path) -> None:
    clone = pull_request(place, {"data/orders.csv": "2026-03-05,chai,1,3.80\n"}, template="flow")
    printed = run_steps(clone, "ci.yml")
    assert "2 passed" in printed["Tests"]
    assert "python write_report" in printed["Run"]
    assert "nightly: ok" in (place / "step_summary.md").read_text("utf-8")


def test_a_pull_request_beside_a_dbt_project_is_planned(place: Path) -> None:
    write(place / "shop", THEIRS)
    clone = pull_request(place, {"models/two.sql": "-- changed\n"}, template="dbt-existing")
    printed = run_steps(clone, "orchestrator.yml", GITHUB_BASE_REF="main")
    assert "two" in printed["What would be built"]
    assert "one" not in printed["What would be built"].split("two")[0].split("\n")[-1]
