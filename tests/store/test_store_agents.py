"""Every store gives a run to one agent, in its turn, and knows which agents are there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.errors import NotFoundError
from orchestrator.model.state import StateType as S
from orchestrator.store.agents import AgentRecord
from orchestrator.store.base import RunStore
from orchestrator.store.records import Change, FlowRun
from tests.store.service_rows import NOON

SOON = NOON + timedelta(seconds=30)


def create(store: RunStore, run_id: str, minutes: int = 0, **more: Any) -> None:
    store.create_run(FlowRun(run_id, "nightly", created=NOON - timedelta(minutes=minutes), **more))


def claim(store: RunStore, *labels: str) -> str | None:
    run = store.claim("agent", labels, SOON, now=NOON)
    return run.id if run else None


def test_agents_come_beat_and_go(store: RunStore) -> None:
    packages = {"python": "3.11.7", "dbt-core": "1.11.16"}
    first = AgentRecord("a1", "local", ("gpu",), "laptop", 12, NOON, NOON, "1.0", packages)
    store.enlist(first)
    store.enlist(replace(first, id="a2", heartbeat=SOON))
    assert [agent.id for agent in store.agents()] == ["a1", "a2"]
    assert store.agents()[0] == first
    assert [agent.id for agent in store.lost_agents(SOON)] == ["a1"]
    assert store.beat("a1", SOON)
    assert store.lost_agents(SOON) == ()
    store.enlist(replace(first, pid=13))
    assert [agent.pid for agent in store.agents()] == [13, 12]
    assert store.dismiss("a1")
    assert not store.dismiss("a1")
    assert not store.beat("a1", SOON)


def test_a_claimed_run_is_its_agents(store: RunStore) -> None:
    create(store, "r1")
    run = store.claim("a1", [], SOON, now=NOON)
    assert run == store.run("r1")
    assert (run.agent, run.lease_expires, run.fence, run.state) == ("a1", SOON, 2, S.PENDING)
    assert claim(store) is None
    assert [event.kind for event in store.events("r1")] == ["created", "claimed"]
    assert store.heartbeat("r1", 2, SOON + timedelta(seconds=30))
    assert not store.heartbeat("r1", 1, SOON)
    assert [lost.id for lost in store.expired_runs(SOON + timedelta(minutes=1))] == ["r1"]


def test_the_run_that_is_due_longest_comes_first(store: RunStore) -> None:
    create(store, "late", 1, due=NOON - timedelta(minutes=9))
    create(store, "old", 10)
    create(store, "young", 2)
    create(store, "tomorrow", 20, due=NOON + timedelta(days=1))
    assert [claim(store) for _ in range(4)] == ["old", "late", "young", None]


def test_a_run_that_is_due_at_once_is_so_whatever_its_makers_clock_said(store: RunStore) -> None:
    create(store, "ahead", -60)
    assert claim(store) == "ahead"


def test_labels_of_the_run_must_all_be_the_agents(store: RunStore) -> None:
    create(store, "gpu", 3, labels=("gpu", "big"))
    create(store, "plain", 1)
    assert claim(store, "gpu") == "plain"
    assert claim(store, "gpu") is None
    assert claim(store, "big", "more", "gpu") == "gpu"


def test_of_several_sets_of_labels_the_run_that_is_due_longest_comes_first(store: RunStore) -> None:
    for minutes, labels in enumerate([(), ("big",), ("gpu",), ("gpu", "big"), ("far",)]):
        create(store, "-".join(labels) or "plain", minutes, labels=labels)
        create(store, "-".join(labels) + "2", 10 + minutes, labels=labels)
    turns = [claim(store, "gpu", "big") for _ in range(9)]
    assert turns == ["gpu-big2", "gpu2", "big2", "2", "gpu-big", "gpu", "big", "plain", None]


def test_a_run_waits_for_another_to_finish(store: RunStore) -> None:
    create(store, "first", 2)
    create(store, "second", 1, waits_for="first")
    create(store, "third", 0, waits_for="pruned")
    assert [claim(store) for _ in range(3)] == ["first", "third", None]
    store.transition("first", [Change(None, S.FAILED)])
    assert claim(store) == "second"


def test_runs_that_others_drive_are_not_to_be_had(store: RunStore) -> None:
    create(store, "driven", lease_expires=SOON)
    create(store, "running")
    store.transition("running", [Change(None, S.RUNNING)])
    create(store, "cancelled")
    store.transition("cancelled", [Change(None, S.CANCELLED)])
    assert claim(store) is None


def test_a_claim_is_put_back_once(store: RunStore) -> None:
    create(store, "r1")
    run = store.claim("a1", [], SOON, now=NOON)
    assert run is not None
    assert not store.unclaim("r1", run.fence - 1)
    assert store.unclaim("r1", run.fence)
    assert not store.unclaim("r1", run.fence)
    assert not store.heartbeat("r1", run.fence, SOON), "the old agent is refused"
    again = store.claim("a2", [], SOON, now=NOON)
    assert again is not None
    assert (again.agent, again.fence) == ("a2", run.fence + 2)
    store.transition("r1", [Change(None, S.RUNNING)])
    assert not store.unclaim("r1", again.fence), "it has begun"
    with pytest.raises(NotFoundError):
        store.unclaim("r9", 1)
