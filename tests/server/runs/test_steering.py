"""Runs that are stopped, finished, steered by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.service.project import Project
from orchestrator.service.running import execute_run
from orchestrator.store.base import RunStore
from orchestrator.store.records import Action, Change, FlowRun, TaskRun
from tests.server.runs.conftest import Api


def driven(store: RunStore, *states: StateType) -> None:
    """A run that somebody drives, with tasks in these states."""
    soon = instants.now() + timedelta(minutes=5)
    tasks = [TaskRun("a1", f"t{n}", f"t{n}") for n in range(len(states))]
    store.create_run(FlowRun("a1", "nightly", "shop", lease_expires=soon), tasks)
    changes = [Change(f"t{n}", to) for n, to in enumerate(states) if to is not StateType.PENDING]
    store.transition("a1", [Change(None, StateType.RUNNING), *changes])


def ran(project: Project) -> list[str]:
    """What ran since it was last asked."""
    file = project.root / "ran.txt"
    said = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return said


# -- stopping --------------------------------------------------------------------------------------


def test_whoever_drives_a_run_is_asked_to_stop_it(api: Api, store: RunStore) -> None:
    driven(store, StateType.RUNNING)
    done = api.post("/runs/a1/cancel", {"reason": "wrong day"})
    assert (done["action"], done["now"]) == ("cancel", True)
    (asked,) = store.asked("a1")
    assert (asked.action, asked.by, asked.data) == (
        Action.CANCEL,
        "local",
        {"reason": "wrong day"},
    )
    assert store.run("a1").state is StateType.RUNNING


def test_a_run_that_nobody_drives_is_cancelled_at_once(api: Api, store: RunStore) -> None:
    run_id = api.post("/runs", {"flow": "nightly"}, 201)["run_id"]
    assert api.post(f"/runs/{run_id}/cancel", {"reason": "wrong day"})["now"] is False
    run = store.run(run_id)
    assert run.state is StateType.CANCELLED
    assert "wrong day" in run.message
    error = api.post(f"/runs/{run_id}/cancel", status=409)["error"]
    assert error["kind"] == "ConflictError"
    assert "ended already" in error["what"]


# -- finishing -------------------------------------------------------------------------------------


def test_a_retry_does_what_failed_and_what_is_below(project: Project) -> None:
    (project.root / "broken").touch()
    with project.store() as store:
        api = Api(project, store)
        run_id = api.post("/runs", {"flow": "nightly"}, 201)["run_id"]
        assert not execute_run(project, run_id).state.is_successful()
        assert ran(project) == ["load", "clean"]
        (project.root / "broken").unlink()
        retry = api.post(f"/runs/{run_id}/retry", status=201)
        assert (retry["retry_of"], retry["state"]) == (run_id, "Pending")
        assert execute_run(project, retry["run_id"]).state.is_successful()
        assert ran(project) == ["clean", "publish"]
        assert api.get(f"/runs/{run_id}")["retried_by"] == [retry["run_id"]]


def test_named_tasks_run_again_although_they_succeeded(project: Project) -> None:
    with project.store() as store:
        api = Api(project, store)
        run_id = api.post("/runs", {"flow": "nightly"}, 201)["run_id"]
        execute_run(project, run_id)
        ran(project)
        assert "nothing to retry" in api.post(f"/runs/{run_id}/retry", status=409)["error"]["what"]
        again = api.post(f"/runs/{run_id}/retry", {"tasks": ["clean"]}, 201)["run_id"]
        assert execute_run(project, again).state.is_successful()
        assert ran(project) == ["clean", "publish"]
        # The run that goes on again does not repeat them once more.
        later = api.post(f"/runs/{again}/retry", {"tasks": ["publish"]}, 201)["run_id"]
        assert execute_run(project, later).state.is_successful()
        assert ran(project) == ["publish"]


def test_what_a_lost_retry_was_to_do_again_is_not_forgotten(project: Project) -> None:
    with project.store() as store:
        api = Api(project, store)
        run_id = api.post("/runs", {"flow": "nightly"}, 201)["run_id"]
        execute_run(project, run_id)
        ran(project)
        lost = api.post(f"/runs/{run_id}/retry", {"tasks": ["clean"]}, 201)["run_id"]
        api.post(f"/runs/{lost}/cancel")
        again = api.post(f"/runs/{lost}/retry", status=201)["run_id"]
        execute_run(project, again)
        assert ran(project) == ["clean", "publish"]


def test_a_run_is_finished_by_one_run_at_a_time(api: Api, store: RunStore) -> None:
    store.create_run(FlowRun("a1", "nightly", "shop"))
    store.transition("a1", [Change(None, StateType.FAILED)])
    first = api.post("/runs/a1/retry", status=201)["run_id"]
    error = api.post("/runs/a1/retry", status=409)["error"]
    assert first in error["where"]
    store.transition(first, [Change(None, StateType.FAILED)])
    assert api.post("/runs/a1/retry", status=201)["run_id"] != first


def test_a_run_that_is_under_way_is_not_finished(api: Api, store: RunStore) -> None:
    driven(store, StateType.RUNNING)
    assert "still running" in api.post("/runs/a1/retry", status=409)["error"]["what"]


def test_a_run_that_has_not_begun_is_not_finished(api: Api) -> None:
    run_id = api.post("/runs", {"flow": "nightly"}, 201)["run_id"]
    assert "not begun" in api.post(f"/runs/{run_id}/retry", status=409)["error"]["what"]


def test_what_people_do_is_kept(api: Api, store: RunStore) -> None:
    driven(store, StateType.PAUSED)
    api.post("/runs/a1/mark", {"key": "t0", "state": "Skipped", "reason": "not today"})
    api.post("/runs/a1/approve", {"key": "t0"})
    api.post("/runs/a1/cancel", {"reason": "wrong day"})
    api.post("/runs/zz/cancel", status=404)
    store.transition("a1", [Change(None, StateType.FAILED)])
    retry = api.post("/runs/a1/retry", status=201)["run_id"]
    made = api.post("/runs", {"flow": "nightly", "idempotency_key": "march"}, 201)["run_id"]
    api.post("/runs", {"flow": "nightly", "idempotency_key": "march"}, 200)
    deeds = [(deed.action, deed.subject, deed.by) for deed in store.deeds()]
    assert deeds[::-1] == [
        ("run.mark", "a1", "local"),
        ("run.approve", "a1", "local"),
        ("run.cancel", "a1", "local"),
        ("run.retry", retry, "local"),
        ("run.create", made, "local"),
    ]


def test_a_task_that_a_run_has_not_cannot_run_again(api: Api, store: RunStore) -> None:
    driven(store, StateType.SUCCESS)
    store.transition("a1", [Change(None, StateType.SUCCESS)])
    error = api.post("/runs/a1/retry", {"tasks": ["t0", "nope"]}, 404)["error"]
    assert "nope" in error["what"]


# -- by hand ---------------------------------------------------------------------------------------


def test_a_mark_is_kept_with_its_reason(api: Api, store: RunStore) -> None:
    driven(store, StateType.PENDING)
    body = {"key": "t0", "state": "Success", "reason": "loaded by hand", "result": [1, 2]}
    done = api.post("/runs/a1/mark", body)
    assert (done["tasks"], done["state"], done["now"]) == (["t0"], "Success", True)
    (asked,) = store.asked("a1")
    assert asked.data == {"state": "success", "reason": "loaded by hand", "result": [1, 2]}
    assert asked.by == "local"


def test_a_task_that_is_marked_is_not_run_again(project: Project) -> None:
    (project.root / "broken").touch()
    with project.store() as store:
        api = Api(project, store)
        run_id = api.post("/runs", {"flow": "nightly"}, 201)["run_id"]
        execute_run(project, run_id)
        ran(project)
        body = {"key": "clean", "state": "Success", "reason": "mended by hand", "result": "x"}
        assert api.post(f"/runs/{run_id}/mark", body)["now"] is False
        retry = api.post(f"/runs/{run_id}/retry", status=201)["run_id"]
        assert execute_run(project, retry).state.is_successful()
        assert ran(project) == ["publish"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"key": "t0", "state": "Success", "reason": "x"}, 409),  # it is at work
        ({"key": "nope", "state": "Success", "reason": "x"}, 404),
        ({"key": "t1", "state": "Failed", "reason": "x", "result": 3}, 400),
        ({"key": "t1", "state": "Running", "reason": "x"}, 422),
        ({"key": "t1", "state": "Failed"}, 422),
        ({"key": "t1", "state": "Failed", "reason": ""}, 422),
    ],
)
def test_marks_that_are_refused(
    api: Api, store: RunStore, body: dict[str, object], status: int
) -> None:
    driven(store, StateType.RUNNING, StateType.PENDING)
    assert api.post("/runs/a1/mark", body, status)["error"]["what"]
    assert store.asked("a1") == ()


@pytest.mark.parametrize("word", ["approve", "resume"])
def test_a_task_that_waits_for_somebody_goes_on(api: Api, store: RunStore, word: str) -> None:
    driven(store, StateType.PAUSED, StateType.RUNNING)
    assert api.post(f"/runs/a1/{word}", {"key": "t0"})["tasks"] == ["t0"]
    (asked,) = store.asked("a1")
    assert (asked.action, asked.key) == (word, "t0")
    assert "waits for nobody" in api.post(f"/runs/a1/{word}", {"key": "t1"}, 409)["error"]["what"]
    api.post(f"/runs/a1/{word}", {"key": "nope"}, 404)
    api.post(f"/runs/a1/{word}", {}, 422)
