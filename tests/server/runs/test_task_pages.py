"""All that is known of one task: why it failed, why it ran, what it waits for, how it was before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.server.runs.failing import failure_of
from orchestrator.server.runs.reasons import why
from orchestrator.service.project import Project
from orchestrator.service.running import execute_run
from orchestrator.store.base import RunStore
from orchestrator.store.records import Action, Ask, Change, FlowRun, TaskRun
from tests.server.runs.conftest import Api
from tests.server.runs.test_timeline import filled


def failed(message: str = "", file: str | None = None, **detail: Any) -> TaskRun:
    return TaskRun(
        "a1", "load", "load", state=StateType.FAILED, message=message, path=file, detail=detail
    )


def test_a_failure_in_a_real_run_is_told_with_its_place(project: Project) -> None:
    (project.root / "broken").touch()
    with project.store() as store:
        api = Api(project, store)
        run_id = api.post("/runs", {"flow": "nightly"}, 201)["run_id"]
        execute_run(project, run_id)
        page = api.get(f"/runs/{run_id}/task", key="clean")
        skipped = api.get(f"/runs/{run_id}/task", key="publish")
    failure = page["failure"]
    assert "no rows on 2026-03-01" in failure["message"]
    assert "Traceback" in failure["traceback"]
    line = (project.root / "flows" / "nightly.py").read_text().splitlines()[failure["line"] - 1]
    assert "raise ValueError" in line
    assert failure["file"] == "flows/nightly.py"
    assert (failure["sql"], failure["sql_line"]) == (None, None)
    assert [each["state"] for each in page["attempts"]] == ["Failed"]
    assert page["history"][-1]["state"] == "Failed"
    assert page["why"].startswith("It ran because the whole flow ran")
    assert skipped["failure"] is None
    assert "skipped because of clean" in skipped["why"]


def test_edges_are_told_with_the_state_at_their_other_end(api: Api, store: RunStore) -> None:
    filled(store)
    page = api.get("/runs/a1/task", key="clean")
    assert [(edge["upstream"], edge["state"]) for edge in page["upstream"]] == [("load", "Success")]
    assert [(edge["downstream"], edge["state"]) for edge in page["downstream"]] == [
        ("publish", "Running")
    ]


def test_an_element_has_the_edges_of_its_task(api: Api, store: RunStore) -> None:
    filled(store)
    store.add_tasks("a1", [TaskRun("a1", "clean[3]", "clean[3]")])
    page = api.get("/runs/a1/task", key="clean[3]")
    assert [edge["upstream"] for edge in page["upstream"]] == ["load"]


def test_requests_of_a_task_are_told(api: Api, store: RunStore) -> None:
    filled(store)
    store.ask("a1", Ask(Action.MARK, "mail", {"state": "failed", "reason": "nobody got it"}, "ada"))
    page = api.get("/runs/a1/task", key="mail")
    assert [each["action"] for each in page["requests"]] == ["mark"]
    assert "ada marked it failed: nobody got it." in page["why"]
    assert api.get("/runs/a1/task", key="load")["requests"] == []


def test_a_task_that_is_not_there(api: Api, store: RunStore) -> None:
    filled(store)
    assert "'nope'" in api.get("/runs/a1/task", 404, key="nope")["error"]["what"]
    api.get("/runs/a1/task", 422)


def test_keys_hold_any_character(api: Api, store: RunStore) -> None:
    key = "<script>alert('/?&=#%00')</script> ü 猫"
    store.create_run(FlowRun("a1", "nightly", "shop"), [TaskRun("a1", key, key)])
    assert api.get("/runs/a1/task", key=key)["task"]["key"] == key
    body = {"key": key, "state": "Skipped", "reason": key}
    assert api.post("/runs/a1/mark", body)["tasks"] == [key]


# -- why it failed ---------------------------------------------------------------------------------

SQL = "select\n  order_id,\n  nope\nfrom orders"


@pytest.mark.parametrize(
    ("detail", "line"),
    [
        ({"compiled_code": SQL, "error_line": 3}, 3),
        ({"sql": SQL, "error_line": 12, "start_line": 10}, 3),
        ({"sql": SQL, "error": 'Binder Error: no column "nope"'}, 3),
        ({"sql": SQL, "error_line": 99}, None),
        ({"sql": SQL, "error": 'no column "order_id" or "order_id"'}, 2),
        ({"sql": SQL}, None),
    ],
)
def test_the_failing_line_of_the_sql(detail: dict[str, Any], line: int | None) -> None:
    failure = failure_of(failed("it failed", **detail))
    assert failure is not None
    assert (failure["sql"], failure["sql_line"]) == (SQL, line)


def test_the_message_says_no_more_than_it_must() -> None:
    said = failure_of(failed("Binder Error", error="Binder Error\n  column nope"))
    assert said is not None
    assert said["message"] == "Binder Error\n  column nope"
    both = failure_of(failed("one thing", error="another"))
    assert both is not None
    assert both["message"] == "one thing\nanother"


def test_the_place_in_a_file() -> None:
    root = Path("/srv/shop")
    script = failure_of(failed("x", "sql/a.sql", path="/srv/shop/sql/a.sql:12"), root)
    assert script is not None
    assert (script["file"], script["line"]) == ("sql/a.sql", 12)
    model = failure_of(failed("x", "models/orders.sql", compiled_code=SQL), root)
    assert model is not None
    assert (model["file"], model["line"]) == ("models/orders.sql", None)
    trace = (
        'Traceback (most recent call last):\n  File "/srv/shop/flows/a.py", line 7, in load\n'
        '  File "/usr/lib/python3.11/site-packages/pandas/frame.py", line 9, in merge\nKeyError: 1'
    )
    python = failure_of(failed("KeyError: 1", traceback=trace), root)
    assert python is not None
    assert (python["file"], python["line"]) == ("flows/a.py", 7)


def test_what_did_not_fail_has_no_failure() -> None:
    assert failure_of(TaskRun("a1", "load", "load", state=StateType.SUCCESS)) is None


# -- why it ran ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "run", "said"),
    [
        ({"state": "Success"}, {}, "It ran because the whole flow ran."),
        ({"state": "Running", "attempt": 1}, {}, "It runs because the whole flow ran."),
        (
            {"state": "Success"}, {"options": {"include": ["+orders"], "exclude": ["tag:slow"]}},
            "It ran because it was selected by +orders, without tag:slow.",
        ),
        (
            {"state": "Success"}, {"retry_of": "z1"},
            "It ran because it was left to do in run z1, which this run finishes.",
        ),
        (
            {"state": "Cached", "message": "the inputs are the same"}, {},
            "It did not run: an earlier result holds: the inputs are the same.",
        ),
        (
            {"state": "Success", "detail": {"cache": "input x changed"}}, {},
            "It ran because the whole flow ran. No earlier result could be used: input x changed.",
        ),
        ({"state": "Skipped", "cause": "raw", "message": "upstream failed"}, {},
         "It was skipped because of Raw data: upstream failed."),
        ({"state": "Pending"}, {"state": StateType.FAILED, "message": "1 failed"},
         "It never began: the run ended before: 1 failed."),
        ({"state": "Paused"}, {}, "It waits until somebody lets it go on."),
        ({"state": "Cancelled"}, {}, "It never began: the run was cancelled."),
    ],
)  # fmt: skip
def test_why_it_stands_so(task: dict[str, Any], run: dict[str, Any], said: str) -> None:
    shown = TaskRun("a1", "load", "load", **{**task, "state": StateType(task["state"])})
    assert why(shown, FlowRun("a1", "nightly", **run), (), {"raw": "Raw data"}) == said


# -- how it was before -----------------------------------------------------------------------------


def test_the_past_of_a_task(api: Api, store: RunStore) -> None:
    begin = instants.now()
    for number in range(4):
        run_id, made = f"r{number}", begin + timedelta(seconds=number)
        store.create_run(
            FlowRun(run_id, "nightly", "shop", created=made), [TaskRun(run_id, "load", "load")]
        )
        store.transition(run_id, [
            Change("load", StateType.RUNNING, at=made, token=run_id),
            Change("load", StateType.SUCCESS, at=made + timedelta(seconds=2), token=run_id,
                   rows=number),
        ])  # fmt: skip
    store.create_run(FlowRun("x1", "hourly", "shop"), [TaskRun("x1", "load", "load")])
    found = api.get("/tasks/history", flow="nightly", key="load", last=3)["history"]
    assert [(run["run_id"], run["rows"], run["seconds"]) for run in found] == [
        ("r3", 3, 2.0),
        ("r2", 2, 2.0),
        ("r1", 1, 2.0),
    ]
    assert api.get("/tasks/history", flow="nope", key="load") == {"history": []}
