"""Lists of runs, and one run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.store.base import RunStore
from orchestrator.store.records import Action, Ask, Change, FlowRun, TaskRun
from tests.server.runs.conftest import Api

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def kept(store: RunStore, number: int, flow: str = "nightly", project: str = "shop") -> str:
    run_id = f"r{number:03}"
    made = BEGIN + timedelta(hours=number)
    return store.create_run(FlowRun(run_id, flow, project, created=made))


def test_a_run_says_why_it_has_not_begun(api: Api, store: RunStore) -> None:
    first = kept(store, 1)
    store.create_run(FlowRun("second", "nightly", "shop", waits_for=first))
    assert api.get(f"/runs/{first}")["waiting"] == "no agent is there"
    assert api.get("/runs/second")["waiting"] == f"waits for run {first}"
    store.transition(first, [Change(None, StateType.CANCELLED)])
    assert api.get(f"/runs/{first}")["waiting"] is None


def ids(found: object) -> list[str]:
    assert isinstance(found, dict)
    return [run["run_id"] for run in found["runs"]]


def test_pages_lead_through_all_runs_once(api: Api, store: RunStore) -> None:
    wanted = [kept(store, number) for number in range(7)][::-1]
    seen, cursor = [], None
    while True:
        page = api.get("/runs", limit=3, **({"before": cursor} if cursor else {}))
        seen += ids(page)
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == wanted


def test_a_last_page_that_is_full_has_no_cursor(api: Api, store: RunStore) -> None:
    for number in range(3):
        kept(store, number)
    assert api.get("/runs", limit=3)["next"] is None
    assert api.get("/runs", limit=2)["next"] == "r001"


def test_runs_are_filtered(api: Api, store: RunStore) -> None:
    for number in range(4):
        kept(store, number, flow="hourly" if number % 2 else "nightly")
    kept(store, 9, project="another")
    store.transition("r001", [Change(None, StateType.FAILED)])
    store.transition("r002", [Change(None, StateType.SUCCESS)])
    assert ids(api.get("/runs")) == ["r003", "r002", "r001", "r000"]
    assert ids(api.get("/runs", flow="hourly")) == ["r003", "r001"]
    assert ids(api.get("/runs", state=["Failed", "Success"])) == ["r002", "r001"]
    assert ids(api.get("/runs", state="Failed", flow="nightly")) == []
    since, until = (BEGIN + timedelta(hours=hour) for hour in (1, 3))
    assert ids(api.get("/runs", since=since.isoformat(), until=until.isoformat())) == [
        "r002",
        "r001",
    ]


def test_a_run_tells_how_far_it_is(api: Api, store: RunStore) -> None:
    tasks = [TaskRun("a1", key, key) for key in ("load", "clean", "publish", "mail")]
    now = instants.now()
    store.create_run(
        FlowRun("a1", "nightly", "shop", lease_expires=now + timedelta(minutes=5)), tasks
    )
    store.transition("a1", [Change(None, StateType.RUNNING), Change("load", StateType.SUCCESS)])
    (run,) = api.get("/runs")["runs"]
    assert run["counts"] == {"Success": 1, "Pending": 3}
    assert (run["progress"], run["live"], run["late"]) == (0.25, True, False)
    assert run["seconds"] >= 0
    store.transition("a1", [Change(None, StateType.FAILED)])
    (run,) = api.get("/runs")["runs"]
    assert (run["progress"], run["live"], run["state"]) == (1.0, False, "Failed")


def test_a_run_that_nobody_takes_is_late(api: Api, store: RunStore) -> None:
    long_ago = instants.now() - timedelta(hours=1)
    store.create_run(FlowRun("a1", "nightly", "shop", created=long_ago))
    store.create_run(FlowRun("b1", "nightly", "shop"))
    soon = instants.now() + timedelta(hours=1)
    store.create_run(FlowRun("c1", "nightly", "shop", created=long_ago, due=soon))
    late = {run["run_id"]: run["late"] for run in api.get("/runs")["runs"]}
    assert late == {"a1": True, "b1": False, "c1": False}


def test_one_run_has_tasks_without_long_texts(api: Api, store: RunStore) -> None:
    store.create_run(FlowRun("a1", "nightly", "shop"), [TaskRun("a1", "load", "load")])
    detail = {"error": "x" * 10_000, "error_line": 3, "relation": "shop.orders"}
    store.transition("a1", [Change("load", StateType.FAILED, detail=detail)])
    store.ask("a1", Ask(Action.MARK, "load", {"state": "success", "reason": "fine"}, "ada"))
    run = api.get("/runs/a1")
    assert run["tasks"][0]["detail"] == {"error_line": 3, "relation": "shop.orders"}
    assert [each["by"] for each in run["requests"]] == ["ada"]
    assert run["retried_by"] == []
    assert run["graph"] is None
    assert api.get("/runs/a1", tasks="false")["tasks"] == []
    assert api.get("/runs/latest")["run_id"] == "a1"


def test_a_run_names_those_that_finish_it(api: Api, store: RunStore) -> None:
    kept(store, 1)
    store.create_run(FlowRun("b1", "nightly", "shop", retry_of="r001"))
    assert api.get("/runs/r001")["retried_by"] == ["b1"]


def test_events_go_on_from_a_number(api: Api, store: RunStore) -> None:
    store.create_run(FlowRun("a1", "nightly", "shop"), [TaskRun("a1", "load", "load")])
    store.transition("a1", [Change("load", StateType.RUNNING), Change("load", StateType.SUCCESS)])
    first = api.get("/runs/a1/events", limit=2)
    rest = api.get("/runs/a1/events", after=first["last"])
    kinds = [each["data"].get("state") for each in first["events"] + rest["events"]]
    assert kinds == [None, "Running", "Success"]
    assert api.get("/runs/a1/events", after=rest["last"]) == {"events": [], "last": rest["last"]}


@pytest.mark.parametrize(
    "path",
    ["/runs/zz", "/runs/zz/graph", "/runs/zz/timeline", "/runs/zz/events", "/runs/zz/logs",
     "/runs/zz/logs/download", "/runs/zz/compare/zz", "/runs/zz/task?key=load"],
)  # fmt: skip
def test_a_run_that_is_not_there(api: Api, path: str) -> None:
    error = api.get(path, 404)["error"]
    assert error["kind"] == "NotFoundError"
    assert "zz" in error["what"]
    assert error["fix"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", "a'--", "%00", "x" * 65])
def test_an_id_that_can_be_none(api: Api, name: str) -> None:
    answer = api.http.get(f"/api/v1/runs/{quote(name, safe='')}")
    assert answer.status_code in (404, 422)
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "query",
    [{"limit": 0}, {"limit": 501}, {"state": "Green"}, {"since": "yesterday"}, {"before": "a b"},
     {"flow": ""}],
)  # fmt: skip
def test_a_filter_that_does_not_fit(api: Api, query: dict[str, str]) -> None:
    assert api.get("/runs", 422, **query)["error"]["what"]
