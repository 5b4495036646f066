"""Every store settles an occurrence once, with its run and the schedule's mark in one go."""

from __future__ import annotations

from datetime import timedelta

import pytest

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import StateType as S
from orchestrator.store.base import RunStore
from orchestrator.store.occurrences import SettledAs
from orchestrator.store.records import Change, FlowRun
from tests.store.service_rows import NOON, SCHEDULE, deployment, night, run_of


@pytest.fixture(autouse=True)
def deployed(store: RunStore) -> None:
    store.deploy(deployment())


def test_an_occurrence_and_its_run(store: RunStore) -> None:
    first = night(1, "r1")
    run = run_of(first, deployment_id="d1", version="aa", waits_for="r0", labels=("gpu",))
    assert store.occur(SCHEDULE, [first], [run], first.instant) == (first.key,)
    assert store.occurrences() == (first,)
    assert store.run("r1") == run
    assert store.run("r1").lease_expires is None
    assert [event.kind for event in store.events("r1")] == ["created"]
    assert [one.evaluated for one in store.schedule_states()] == [first.instant]


def test_an_occurrence_is_settled_once_whatever_the_clock_says(store: RunStore) -> None:
    first, again = night(1, "r1"), night(1, "r2")
    store.occur(SCHEDULE, [first], [run_of(first)], first.instant)
    assert store.occur(SCHEDULE, [again], [run_of(again)], NOON) == ()
    assert [run.id for run in store.runs()] == ["r1"]
    assert store.occurrences() == (first,)
    [state] = store.schedule_states()
    assert state.evaluated == first.instant, "the mark does not move back"


def test_only_what_is_new_of_several_is_settled(store: RunStore) -> None:
    nights = [night(number, f"r{number}") for number in (1, 2, 3)]
    store.occur(SCHEDULE, nights[:2], [run_of(one) for one in nights[:2]], nights[1].instant)
    others = [night(number, f"x{number}") for number in (1, 2, 3)]
    new = store.occur(SCHEDULE, others, [run_of(one) for one in others], others[2].instant)
    assert new == (others[2].key,)
    assert {run.id for run in store.runs()} == {"r1", "r2", "x3"}


def test_nights_without_a_run_are_kept_with_their_reason(store: RunStore) -> None:
    widened = night(1, "r2", outcome=SettledAs.WIDENED, reason="nobody was there")
    missed = night(0, outcome=SettledAs.MISSED, reason="older than 24 hours")
    ran = night(2, "r2")
    run = run_of(ran)
    store.occur(SCHEDULE, [missed, widened, ran], [run], ran.instant)
    assert [run.id for run in store.runs()] == ["r2"]
    assert store.occurrences(SCHEDULE) == (ran, widened, missed)
    assert store.occurrences(outcome=SettledAs.MISSED) == (missed,)
    assert store.occurrences(limit=1) == (ran,)
    assert store.occurrences("shop/nightly/other") == ()


def test_who_reckoned_from_another_mark_does_nothing(store: RunStore) -> None:
    first, second = night(1, "r1"), night(2, "r2")
    assert store.occur(SCHEDULE, [first], [run_of(first)], first.instant, seen=NOON)
    assert store.occur(SCHEDULE, [second], [run_of(second)], second.instant, seen=NOON) == ()
    assert [run.id for run in store.runs()] == ["r1"]
    assert store.occur(
        SCHEDULE, [second], [run_of(second)], second.instant, seen=first.instant
    )  # fmt: skip


def test_all_or_nothing(store: RunStore) -> None:
    store.create_run(FlowRun("r2", "other"))
    nights = [night(1, "r1"), night(2, "r2")]
    with pytest.raises(StoreError):
        store.occur(SCHEDULE, nights, [run_of(one) for one in nights], nights[1].instant)
    assert store.occurrences() == ()
    assert [run.id for run in store.runs()] == ["r2"]
    assert [one.evaluated for one in store.schedule_states()] == [NOON]


def test_a_run_that_is_there_under_its_key_is_the_occurrences_run(store: RunStore) -> None:
    store.create_run(FlowRun("byhand", "nightly", idempotency_key="2026-03-02"))
    first = night(1, "r1")
    store.occur(SCHEDULE, [first], [run_of(first, idempotency_key="2026-03-02")], first.instant)
    assert [one.run_id for one in store.occurrences()] == ["byhand"]
    assert [run.id for run in store.runs()] == ["byhand"]


def test_an_unknown_schedule(store: RunStore) -> None:
    with pytest.raises(NotFoundError, match="no schedule 'shop/nightly/x'"):
        store.occur("shop/nightly/x", [], [], NOON)


def test_pruning_by_age_and_by_count(store: RunStore) -> None:
    nights = [night(number, f"r{number}") for number in range(1, 7)]
    store.occur(SCHEDULE, nights, [run_of(one) for one in nights], nights[-1].instant)
    store.create_run(FlowRun("other", "weekly", "shop", created=NOON))
    for one in nights[:5]:
        store.transition(one.run_id or "", [Change(None, S.SUCCESS, at=one.instant)])
    store.transition("other", [Change(None, S.SUCCESS, at=NOON + timedelta(days=30))])
    assert store.prune(nights[1].instant) == 1
    assert [one.run_id for one in reversed(store.occurrences())] == ["r2", "r3", "r4", "r5", "r6"]
    assert store.prune(most=2) == 2
    assert {run.id for run in store.runs()} == {"r4", "r5", "r6", "other"}
    assert store.prune(most=2) == 0
    assert store.prune() == 0
