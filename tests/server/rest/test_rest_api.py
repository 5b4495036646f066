"""The home page, the search, and what works beside the runs, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator import instants
from orchestrator.model.state import StateType
from orchestrator.schedule import CronClock, Schedule
from orchestrator.server.app import create_app
from orchestrator.server.rest import models
from orchestrator.server.rest.home import evening_before
from orchestrator.service.project import Project
from orchestrator.store.agents import AgentRecord
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.memory import MemoryStore
from orchestrator.store.outbox import Notification
from orchestrator.store.records import Change, FlowRun, TaskRun
from tests.server.catalogue.shop_project import Asking
from tests.server.flows.conftest import FLOWS

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def store() -> Iterator[RunStore]:
    with MemoryStore() as opened:
        yield opened


@pytest.fixture
def shop(tmp_path: Path, store: RunStore, monkeypatch: pytest.MonkeyPatch) -> Asking:
    monkeypatch.setattr(instants, "now", lambda: NOON)
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\n[limits]\n"tag:heavy" = 2\n')
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "shop.py").write_text(FLOWS)
    return Asking(create_app(Project.find(tmp_path), store))


def _run(store: RunStore, name: str, hours: float, state: StateType, flow: str = "nightly") -> None:
    """A run so many hours before noon, in a state."""
    at = NOON - timedelta(hours=hours)
    store.create_run(FlowRun(name, flow, "shop", created=at), [TaskRun(name, "say", "say")])
    if state is not StateType.PENDING:
        store.transition(name, [Change(None, StateType.RUNNING, at=at)])
    if state not in (StateType.PENDING, StateType.RUNNING):
        store.transition(name, [Change(None, state, at=at + timedelta(minutes=1))])


def test_last_night_at_a_glance(shop: Asking, store: RunStore) -> None:
    _run(store, "a0", 40, StateType.FAILED)  # the night before
    _run(store, "a1", 10, StateType.SUCCESS)
    _run(store, "a2", 9, StateType.FAILED)
    _run(store, "a3", 1, StateType.RUNNING)
    _run(store, "a4", 0.5, StateType.PENDING)
    _run(store, "a5", 0.01, StateType.PENDING)  # made just now
    daily = {**Schedule([CronClock("0 9 * * *", timezone="Asia/Tokyo")]).to_dict(), "name": "main"}
    store.deploy(
        Deployment("d1", "shop", "daily", "aa", "/srv", schedules=(daily,),
                   created=NOON - timedelta(hours=20))
    )  # fmt: skip
    found = shop.get("/home", models.Home)
    assert [run["run_id"] for run in found["failed"]] == ["a2"]
    assert [run["run_id"] for run in found["running"]] == ["a3"]
    assert found["running"][0]["counts"] == {"Pending": 1}
    assert [(one["flow"], one["schedule"], one["due"]) for one in found["late"]] == [
        ("daily", "main", "2026-03-02T00:00:00Z"), ("nightly", None, "2026-03-02T11:30:00Z"),
    ]  # fmt: skip
    [coming] = found["next"]
    assert (coming["instant"], coming["offset"]) == ("2026-03-03T00:00:00Z", 9 * 3600)
    assert coming["local"] == "2026-03-03T09:00:00+09:00"
    [trend] = found["trend"]
    assert [one["run_id"] for one in trend["runs"]] == ["a0", "a1", "a2"]
    assert [one["seconds"] for one in trend["runs"]] == [60.0, 60.0, 60.0]
    night = found["last_night"]
    assert (night["ok"], night["failed"], night["running"], night["late"]) == (1, 1, 1, 2)


def test_a_run_that_a_retry_has_finished_is_not_listed_as_failed(
    shop: Asking, store: RunStore
) -> None:
    for name, earlier, state in (
        ("a1", None, StateType.FAILED), ("a2", "a1", StateType.FAILED),
        ("a3", "a2", StateType.SUCCESS), ("b1", None, StateType.FAILED),
        ("b2", "b1", StateType.FAILED),
    ):  # fmt: skip
        store.create_run(FlowRun(name, "nightly", "shop", retry_of=earlier, created=NOON))
        store.transition(name, [Change(None, StateType.RUNNING), Change(None, state)])
    found = shop.get("/home", models.Home)
    assert {run["run_id"] for run in found["failed"]} == {"b1", "b2"}
    assert (found["last_night"]["ok"], found["last_night"]["failed"]) == (1, 2)


def test_a_project_where_nothing_happened_yet(shop: Asking) -> None:
    found = shop.get("/home", models.Home)
    assert [found[name] for name in ("failed", "late", "running", "next", "trend")] == [[]] * 5


def test_the_evening_is_that_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        # Clocks went forward in the night: 18:00 was still winter time.
        sunday = datetime(2026, 3, 8, 16, tzinfo=UTC)
        assert evening_before(sunday) == datetime(2026, 3, 7, 23, tzinfo=UTC)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_search_finds_each_kind_and_links_to_its_page(shop: Asking, store: RunStore) -> None:
    shop.keeper()
    _run(store, "abcdef0123456789", 2, StateType.RUNNING)
    store.transition("abcdef0123456789", [Change("say", StateType.SUCCESS)])
    daily = {**Schedule([CronClock("0 9 * * *")]).to_dict(), "name": "early"}
    store.deploy(Deployment("d1", "shop", "<script>", "aa", "/srv", schedules=(daily,)))

    def found(q: str) -> list[tuple[str, str, str]]:
        results = shop.get("/search", models.Search, q=q)["results"]
        return [(one["kind"], one["title"], one["link"]) for one in results]

    assert found("NIGHT") == [("flow", "nightly", "/flows/nightly")]
    task = "/runs/abcdef0123456789/task?key=say"
    assert found("say") == [("task", "say", task), ("task", "say", "/flows/needy")]
    assert found("abcdef") == [("run", "abcdef0123456789", "/runs/abcdef0123456789")]
    assert found("<script>") == [
        ("flow", "<script>", "/flows/%3Cscript%3E"),
        ("schedule", "<script>/early", "/flows/%3Cscript%3E"),
    ]
    assert found("nothing of the kind") == []
    assert shop.refused("GET", "/search", q="")[0] == 422


def test_agents_and_whether_they_were_heard_of(shop: Asking, store: RunStore) -> None:
    for name, seconds in (("a", 5), ("b", 300)):
        heard = NOON - timedelta(seconds=seconds)
        store.enlist(AgentRecord(name, name, ("gpu",), started=heard, heartbeat=heard))
    agents = shop.get("/agents", models.Agents)["agents"]
    assert [(one["name"], one["alive"]) for one in agents] == [("a", True), ("b", False)]


def test_a_message_that_was_given_up_is_sent_again(shop: Asking, store: RunStore) -> None:
    _run(store, "a1", 1, StateType.FAILED)
    numbers = store.put([Notification("slack", "team", {"text": "failed"}, "a1", next_try=NOON)])
    path = f"/notifications/{numbers[0]}/retry"
    assert shop.refused("POST", path, {})[0] == 404
    store.take(NOON, NOON + timedelta(minutes=1))
    store.failed(numbers[0], "500", None)
    [dead] = shop.get("/notifications", models.Notifications, state="dead")["notifications"]
    assert (dead["target"], dead["error"], dead["run_id"]) == ("team", "500", "a1")
    shop.send("POST", path, {}, models.Retried)
    assert shop.get("/notifications", state="dead")["notifications"] == []
    assert shop.refused("GET", "/notifications", state="x")[0] == 422


def test_limits_of_the_settings_and_by_hand(shop: Asking) -> None:
    asked = {"name": "flow:nightly", "slots": 1}
    assert shop.send("PUT", "/limits", asked, models.SetLimit) == asked
    limits = shop.get("/limits", models.Limits)["limits"]
    assert [(one["name"], one["slots"]) for one in limits] == [
        ("flow:nightly", 1), ("tag:heavy", 2),
    ]  # fmt: skip
    assert limits[0]["origin"] is None
    assert limits[1]["origin"].startswith("orchestrator.toml")
    shop.send("PUT", "/limits", {"name": "flow:nightly", "slots": None}, models.SetLimit)
    for wrong in ({"name": "tag:heavy", "slots": 1}, {"name": "nightly", "slots": 1},
                  {"name": "flow:nightly", "slots": None}):  # fmt: skip
        assert shop.refused("PUT", "/limits", wrong)[0] == 400
    assert shop.refused("PUT", "/limits", {"name": "flow:nightly", "slots": -1})[0] == 422


def test_who_did_what(shop: Asking) -> None:
    for slots in (1, 2, 3):
        shop.send("PUT", "/limits", {"name": "flow:nightly", "slots": slots})
    entries = shop.get("/audit", models.Audit, limit=2)["entries"]
    assert [(one["by"], one["action"], one["subject"], one["data"]) for one in entries] == [
        ("local", "limit.set", "flow:nightly", {"slots": 3}),
        ("local", "limit.set", "flow:nightly", {"slots": 2}),
    ]
    older = shop.get("/audit", models.Audit, before=entries[-1]["id"])["entries"]
    assert [one["data"] for one in older] == [{"slots": 1}]
