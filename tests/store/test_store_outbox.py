"""Every store hands each notification to one sender at a time, until it is sent or given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import StateType as S
from orchestrator.store.base import RunStore
from orchestrator.store.outbox import Delivery, Notification
from orchestrator.store.records import Change, FlowRun
from tests.store.service_rows import NOON

SOON = NOON + timedelta(seconds=30)


def notification(target: str = "team", minutes: int = 0, **more: Any) -> Notification:
    due = NOON - timedelta(minutes=minutes)
    return Notification("slack", target, {"text": "done"}, next_try=due, created=NOON, **more)


def test_taken_tried_sent(store: RunStore) -> None:
    store.create_run(FlowRun("r1", "nightly"))
    [number] = store.put([notification(run_id="r1")])
    [taken] = store.take(NOON, SOON)
    assert (taken.id, taken.attempts, taken.next_try) == (number, 1, SOON)
    assert taken.payload == {"text": "done"}
    assert store.take(NOON, SOON) == ()
    store.sent(number)
    assert store.take(SOON, SOON) == ()
    assert [one.state for one in store.outbox(run_id="r1")] == [Delivery.SENT]


def test_a_sender_that_is_heard_of_no_more(store: RunStore) -> None:
    store.put([notification()])
    store.take(NOON, SOON)
    assert [one.attempts for one in store.take(SOON, SOON)] == [2]


def test_tried_again_given_up_revived(store: RunStore) -> None:
    [number] = store.put([notification()])
    store.take(NOON, SOON)
    store.failed(number, "503", SOON + timedelta(minutes=1))
    assert store.take(SOON, SOON) == ()
    [again] = store.take(SOON + timedelta(minutes=1), SOON)
    assert (again.error, again.attempts) == ("503", 2)
    store.failed(number, "gone", None)
    assert [one.error for one in store.outbox(state=Delivery.DEAD)] == ["gone"]
    store.sent(number)
    assert store.outbox(state=Delivery.SENT) == (), "what was given up stays so"
    assert store.revive(number, NOON)
    assert not store.revive(number, NOON)
    assert len(store.take(NOON, SOON)) == 1


def test_those_due_longest_first_and_few_at_a_time(store: RunStore) -> None:
    store.put([notification("a", 1), notification("b", 3), notification("c", -1)])
    assert [one.target for one in store.take(NOON, SOON, most=1)] == ["b"]
    assert [one.target for one in store.take(NOON, SOON)] == ["a"]
    assert [one.target for one in store.outbox(limit=2)] == ["c", "b"]


def test_one_of_each_key(store: RunStore) -> None:
    assert len(store.put([notification(key="k"), notification(key="k"), notification()])) == 2
    assert len(store.put([notification(key="k"), notification()])) == 1


def test_notifications_go_with_their_run(store: RunStore) -> None:
    store.create_run(FlowRun("r1", "nightly"))
    store.put([notification(run_id="r1"), notification("other")])
    store.transition("r1", [Change(None, S.SUCCESS, at=NOON)])
    store.prune(SOON)
    assert [one.target for one in store.outbox()] == ["other"]


def test_what_cannot_be_put(store: RunStore) -> None:
    with pytest.raises(NotFoundError):
        store.put([notification(), notification(run_id="r9")])
    with pytest.raises(StoreError, match="JSON"):
        store.put([Notification("slack", "team", {"n": {1}})])
    assert store.outbox() == ()
