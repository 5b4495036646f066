"""Backfills: each occurrence once, so many at a time, and going on where they stopped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest
from scheduler_worlds import World, shape, utc

from orchestrator.errors import UsageError
from orchestrator.model.state import StateType
from orchestrator.schedule import CronClock
from orchestrator.service.scheduler.backfill import Progress, backfill, cancel
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.occurrences import Settled
from orchestrator.store.records import FlowRun

NIGHTLY = CronClock("30 1 * * *", timezone="America/New_York")


@pytest.fixture
def world(store: RunStore) -> World:
    world = World(store, utc(11, 20, 12))
    world.deploy("nightly", shape(NIGHTLY))
    return world


def fill(world: World, first: int, last: int, parallel: int = 1, **more: object) -> Progress:
    deployed: Deployment = world.store.current("shop", "nightly")
    days = date(2026, 11, first), date(2026, 11, last)
    return backfill(
        world.store, deployed, "main", *days, now=world.now, parallel=parallel, **more  # type: ignore[arg-type]
    )  # fmt: skip


def test_each_night_has_one_run_with_its_data(world: World) -> None:
    found = fill(world, 1, 3)
    assert (found.total, found.made, found.waiting) == (3, 3, 3)
    runs = [world.store.run(run_id) for run_id in found.runs]
    # Clocks go back on the 1st: 01:30 EDT is 05:30 UTC, and 01:30 EST on the next days 06:30 UTC.
    assert [run.scheduled for run in runs] == [
        utc(11, 1, 5, 30),
        utc(11, 2, 6, 30),
        utc(11, 3, 6, 30),
    ]
    assert runs[0].interval_start == utc(10, 31, 5, 30)
    assert sorted(run.due for run in runs if run.due) == [run.due for run in runs]
    assert runs[-1].due is not None
    assert runs[-1].due < world.now


def test_asking_again_makes_nothing_and_tells_how_far_it_is(world: World) -> None:
    first = fill(world, 1, 3)
    world.finish(first.runs[0])
    world.finish(first.runs[1], StateType.FAILED)
    again = fill(world, 1, 3)
    assert again == Progress(first.id, 3, 0, first.runs, succeeded=1, failed=1, waiting=1)
    assert len(world.runs()) == 3


def test_another_name_fills_the_same_days_again(world: World) -> None:
    fill(world, 1, 3)
    assert fill(world, 1, 3, called="after-fix").made == 3


def test_more_days_leave_out_what_has_succeeded_or_is_under_way(world: World) -> None:
    first = fill(world, 1, 5)
    world.finish(first.runs[0])
    world.finish(first.runs[1], StateType.FAILED)
    more = fill(world, 1, 7)
    assert (more.made, more.total) == (3, 3)  # the 2nd, which failed, the 6th and the 7th
    assert (more.left_out, more.filled_by) == (4, (first.id,))
    days = [world.store.run(run_id).interval_end for run_id in more.runs]
    assert days == [utc(11, day, 6, 30) for day in (2, 6, 7)]
    assert fill(world, 1, 7) == replace(more, made=0)
    assert len(world.runs()) == 8
    assert fill(world, 1, 7, called="anew").made == 7


def test_what_failed_and_was_finished_by_another_run_is_left_out(world: World) -> None:
    first = fill(world, 1, 2)
    failed = world.store.run(first.runs[0])
    world.finish(failed.id, StateType.FAILED)
    world.store.create_run(
        replace(failed, id="finishes", state=StateType.PENDING, retry_of=failed.id, waits_for=None)
    )
    assert (fill(world, 1, 3).made, fill(world, 1, 3).left_out) == (1, 2)


def test_nights_older_than_what_is_kept_are_known_as_long_as_their_runs(world: World) -> None:
    first = fill(world, 1, 3)
    for run_id in first.runs:
        world.finish(run_id)
    assert world.store.prune(utc(11, 19)) == 0
    assert (fill(world, 1, 3).made, fill(world, 1, 4).left_out) == (0, 3)
    world.store.prune(world.now + timedelta(seconds=1))
    assert fill(world, 1, 3).made == 3


def test_two_who_ask_for_the_same_night_at_once_make_it_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    occur, others = world.store.occur, []

    def late(*args: object, **more: object) -> tuple[str, ...]:
        if not others:  # another one is asked between this one's look and its writing
            others.append(None)
            others[0] = fill(world, 1, 3)
        return occur(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "occur", late)
    found = fill(world, 2, 5)
    assert (others[0].made, found.made, found.left_out) == (3, 2, 2)
    assert len(world.runs()) == 5


def test_asking_again_goes_on_with_what_was_cancelled(world: World) -> None:
    first = fill(world, 1, 3)
    world.finish(first.runs[0])
    deployed = world.store.current("shop", "nightly")
    for time in (1, 2):
        cancel(world.store, deployed, "main", date(2026, 11, 1), date(2026, 11, 3))
        again = fill(world, 1, 3)
        assert (again.id, again.total, again.made) == (first.id, 3, 2)
        assert (again.succeeded, again.waiting, again.left_out) == (1, 2, 0)
        assert len(world.runs()) == 3 + 2 * time
    named = fill(world, 1, 1, called="anew")
    cancel(world.store, deployed, "main", date(2026, 11, 1), date(2026, 11, 1), called="anew")
    assert fill(world, 1, 1, called="anew").made == 1
    assert named.total == 1


def test_what_is_still_being_stopped_is_made_again_when_it_has_ended(world: World) -> None:
    first = fill(world, 1, 3)
    running = world.claim()
    deployed = world.store.current("shop", "nightly")
    cancel(world.store, deployed, "main", date(2026, 11, 1), date(2026, 11, 3))
    again = fill(world, 1, 3)
    assert (again.total, again.made, again.left_out) == (3, 3, 0)
    assert world.store.run(again.runs[0]).waits_for == running == first.runs[0]
    assert world.claim() is None  # one night has one run at a time
    assert fill(world, 1, 3) == replace(again, made=0)
    wider = fill(world, 1, 4)
    assert (wider.made, wider.left_out, wider.filled_by) == (1, 3, (first.id,))
    world.finish(first.runs[0], StateType.CANCELLED)
    assert world.claim() == again.runs[0]


def test_what_an_earlier_version_filled_is_known(world: World) -> None:
    mine, one = "shop/nightly/main", "America/New_York 2026-11-02T01:30:00 0"
    row = Settled(
        mine, f"backfill my own {one}", utc(11, 2, 6, 30), "2026-11-02T01:30:00",
        reason="backfill my own", run_id="old", settled=world.now,
    )  # fmt: skip
    made = world.store.occur(mine, [row], [FlowRun("old", "nightly", "shop")], utc(1, 1))
    assert made == (row.key,)
    found = fill(world, 1, 3)
    assert (found.made, found.left_out, found.filled_by) == (2, 1, ("my own",))


def test_so_many_run_at_a_time_whoever_runs_them(world: World) -> None:
    found = fill(world, 1, 9, parallel=2)
    order, running = [], []
    while len(order) < found.total or running:
        while (run_id := world.claim()) is not None:
            order.append(run_id)
            running.append(run_id)
        assert 0 < len(running) <= 2
        world.finish(running.pop(), StateType.FAILED)  # one that fails holds nothing up
    assert sorted(order) == sorted(found.runs)
    assert order[:2] == list(found.runs[:2])


def test_one_that_stopped_half_way_goes_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.service.scheduler.backfill._AT_ONCE", 2)
    occur, calls = world.store.occur, []

    def failing(*args: object, **more: object) -> tuple[str, ...]:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return occur(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(world.store, "occur", failing)
    with pytest.raises(KeyboardInterrupt):
        fill(world, 1, 7, parallel=3)
    assert len(world.runs()) == 4
    found = fill(world, 1, 7, parallel=3)
    assert (found.total, found.made) == (7, 3)
    waits = [world.store.run(run_id).waits_for for run_id in found.runs]
    assert waits == [None] * 3 + list(found.runs[:4])


def test_the_nightly_run_neither_waits_for_a_backfill_nor_moves_its_mark(world: World) -> None:
    fill(world, 1, 19)
    (state,) = world.store.schedule_states()
    assert state.evaluated == utc(11, 20, 12)
    step = world.tick(utc(11, 21, 6, 30))
    assert (len(step.made), step.held) == (1, {})
    assert world.store.run(step.made[0]).waits_for is None


def test_days_to_come_are_left_out(world: World) -> None:
    assert fill(world, 19, 30).total == 2  # the 19th and the 20th, 06:30 UTC, are past
    with pytest.raises(UsageError, match="names nothing"):
        fill(world, 25, 30)


def test_what_is_left_can_be_cancelled(world: World) -> None:
    found = fill(world, 1, 3)
    world.finish(found.runs[0])
    assert world.claim() == found.runs[1]
    deployed = world.store.current("shop", "nightly")
    left = cancel(world.store, deployed, "main", date(2026, 11, 1), date(2026, 11, 3))
    assert (left.total, left.succeeded, left.cancelled, left.waiting) == (3, 1, 1, 1)
    assert world.store.run(found.runs[2]).state is StateType.CANCELLED
    assert [one.action for one in world.store.asked(found.runs[1])] == ["cancel"]
    with pytest.raises(UsageError, match="no backfill"):
        cancel(world.store, deployed, "main", date(2026, 10, 1), date(2026, 10, 3))


def test_what_nobody_has_begun_is_cancelled_many_at_a_time(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(world, 1, 9)
    call_off, calls = world.store.call_off, []

    def counted(run_ids: Sequence[str], why: str) -> tuple[str, ...]:
        calls.append(len(run_ids))
        return call_off(run_ids, why)

    monkeypatch.setattr("orchestrator.service.scheduler.stopping._AT_ONCE", 5)
    monkeypatch.setattr(world.store, "call_off", counted)
    monkeypatch.delattr(type(world.store), "run")  # none is looked at by itself
    deployed = world.store.current("shop", "nightly")
    found = cancel(world.store, deployed, "main", date(2026, 11, 1), date(2026, 11, 9))
    assert calls == [5, 4]
    assert found.cancelled == 9


def test_cancelling_makes_nothing_of_what_is_not_there_yet(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.service.scheduler.backfill._AT_ONCE", 2)
    occur = world.store.occur
    monkeypatch.setattr(
        world.store, "occur", lambda *given: occur(*given) if not world.runs() else 1 / 0
    )
    with pytest.raises(ZeroDivisionError):
        fill(world, 1, 5)
    monkeypatch.undo()
    deployed = world.store.current("shop", "nightly")
    found = cancel(world.store, deployed, "main", date(2026, 11, 1), date(2026, 11, 5))
    assert (found.total, found.cancelled) == (2, 2)
    assert len(world.runs()) == 2


def test_too_many_are_refused_before_anything_is_made(world: World) -> None:
    world.deploy("nightly", shape(CronClock("* * * * *", timezone="UTC")), version="bb")
    with pytest.raises(UsageError, match="more than 10,000"):
        fill(world, 1, 19)
    assert world.runs() == ()


def test_local_days_count(store: RunStore) -> None:
    world = World(store, utc(3, 20, 12))
    world.deploy("nightly", shape(CronClock("0 6 * * *", timezone="Pacific/Auckland")))
    deployed = world.store.current("shop", "nightly")
    day = date(2026, 3, 10)
    found = backfill(world.store, deployed, "main", day, day, now=world.now)
    # 06:00 on the 10th in Auckland, thirteen hours ahead in March: 17:00 UTC on the 9th.
    assert world.store.run(found.runs[0]).scheduled == utc(3, 9, 17)
