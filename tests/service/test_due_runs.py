"""A run that was due at some instant tells its tasks so, and so does the one that finishes it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator.model.state import StateType
from orchestrator.service.project import Project
from orchestrator.service.running import execute_run, retry_run, run_flow
from orchestrator.store.records import FlowRun

FLOW = """
from pathlib import Path
from orchestrator import Flow, context, task

@task
def window():
    here = context.current()
    if Path("broken").exists():
        raise ValueError("not tonight")
    interval = here.data_interval and [at.isoformat() for at in here.data_interval]
    names = [str(context.get(name)) for name in ("data_interval_start", "data_interval_end")]
    return [here.scheduled_time.isoformat(), interval, names, context.get("today")]

with Flow("nightly") as flow:
    window()
"""
NIGHT = datetime(2026, 3, 1, 1, 30, tzinfo=UTC)
DAY = (datetime(2026, 2, 28, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC))
TOLD = [
    NIGHT.isoformat(), [at.isoformat() for at in DAY], [str(at) for at in DAY], "2026-03-01",
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    (tmp_path / "orchestrator.toml").touch()
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "nightly.py").write_text(FLOW)
    monkeypatch.chdir(tmp_path)
    return Project.find(tmp_path)


def written_down(project: Project) -> str:
    run = FlowRun("n1", "nightly", project.name, scheduled=NIGHT, interval_start=DAY[0],
                  interval_end=DAY[1])  # fmt: skip
    with project.store() as store:
        return store.create_run(run, ())


def told(project: Project, run_id: str) -> list[object]:
    with project.store() as store:
        (found,) = store.task_runs(run_id)
    assert found.result is not None
    return list(found.result["value"])


def test_a_task_knows_when_its_run_was_due_and_which_data_it_is_for(project: Project) -> None:
    assert execute_run(project, written_down(project)).state.is_successful()
    assert told(project, "n1") == TOLD


def test_a_run_that_is_finished_later_is_still_of_its_own_night(project: Project) -> None:
    Path("broken").touch()
    assert execute_run(project, written_down(project)).state.type is StateType.FAILED
    Path("broken").unlink()
    again = retry_run(project, "n1")
    assert told(project, again.run_id) == TOLD
    with project.store() as store:
        kept = store.run(again.run_id)
    assert (kept.scheduled, kept.data_interval) == (NIGHT, DAY)


def test_a_run_by_hand_has_no_data_interval(project: Project) -> None:
    _, interval, names, _ = told(project, run_flow(project, project.flow("nightly")).run_id)
    assert (interval, names) == (None, ["None", "None"])
