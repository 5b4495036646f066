"""Every store settles an occurrence once, with its run and the schedule's mark in one go."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import StateType as S
from orchestrator.store.base import RunStore
from orchestrator.store.occurrences import LastRun, SettledAs, Settling
from orchestrator.store.records import Change, FlowRun
from tests.store.service_rows import NOON, SCHEDULE, deployment, night, of_flow, run_of


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


def several(store: RunStore, *flows: str) -> None:
    """Deploy flows with a schedule each."""
    for flow in flows:
        store.deploy(replace(deployment(f"d-{flow}"), flow=flow))


def settling(flow: str, *numbers: int, prefix: str = "r", **more: Any) -> Settling:
    nights = [of_flow(flow, night(number, f"{prefix}-{flow}{number}")) for number in numbers]
    runs = [replace(run_of(one), schedule_id=one.schedule_id) for one in nights]
    return Settling(f"shop/{flow}/main", nights, runs, nights[-1].instant, **more)


def test_many_schedules_in_one_go(store: RunStore) -> None:
    several(store, "a", "b", "c")
    store.occur_all([settling("b", 1)])
    wanted = [settling("c", 1, 2), settling("a", 1), settling("b", 1, 2, prefix="x")]
    answers = store.occur_all([wanted[0], settling("nobody", 1), *wanted[1:]])
    keys = [one.key for one in wanted[0].settled]
    assert answers == (tuple(keys), None, (keys[0],), (keys[1],))
    assert {run.id for run in store.runs()} == {"r-a1", "r-b1", "r-c1", "r-c2", "x-b2"}
    assert {one.run_id for one in store.occurrences()} == {run.id for run in store.runs()}
    marks = {one.flow: one.evaluated for one in store.schedule_states()}
    first, second = night(1).instant, night(2).instant
    assert marks == {"a": first, "b": second, "c": second, "nightly": NOON}
    assert [event.kind for event in store.events("r-a1")] == ["created"]


def test_of_many_only_those_that_stand_where_they_were_seen(store: RunStore) -> None:
    several(store, "a", "b")
    store.occur_all([settling("a", 1)])
    answers = store.occur_all([settling("a", 2, seen=NOON), settling("b", 2, seen=NOON)])
    assert answers == ((), (night(2).key,))
    assert {run.id for run in store.runs()} == {"r-a1", "r-b2"}
    marks = {one.flow: one.evaluated for one in store.schedule_states()}
    assert marks["a"] == night(1).instant


def test_of_many_all_or_nothing(store: RunStore) -> None:
    several(store, "a", "b")
    store.create_run(FlowRun("r-b1", "other"))
    with pytest.raises(StoreError):
        store.occur_all([settling("a", 1), settling("b", 1)])
    assert store.occurrences() == ()
    assert [run.id for run in store.runs()] == ["r-b1"]
    assert {one.evaluated for one in store.schedule_states()} == {NOON}


def test_what_is_asked_twice_at_once_is_settled_once(store: RunStore) -> None:
    first, again = night(1, "r1"), night(1, "r2")
    keys = store.occur(SCHEDULE, [first, again], [run_of(first), run_of(again)], first.instant)
    assert keys == (first.key,)
    assert [run.id for run in store.runs()] == ["r1"]


def test_the_last_run_of_each_schedule(store: RunStore) -> None:
    several(store, "a", "b", "c")
    store.occur_all([settling("a", 1, 3, 2), settling("b", 1)])
    filled = of_flow("b", night(5, "filled"))  # a backfill: its run is not the schedule's own
    other = replace(run_of(filled), schedule_id="shop/b/main backfill x")
    store.occur(filled.schedule_id, [filled], [other], NOON)
    store.transition("r-b1", [Change(None, S.FAILED, at=night(4).instant)])
    ids = ["shop/a/main", "shop/b/main", "shop/c/main", "shop/nobody/main"]
    assert store.last_runs(ids) == {
        "shop/a/main": LastRun("r-a3", night(3).instant),
        "shop/b/main": LastRun("r-b1", night(1).instant, night(4).instant),
    }
    assert store.last_runs([]) == {}
