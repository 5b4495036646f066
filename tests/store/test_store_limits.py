"""Limits on every store: slots as leases, all or none, in the order that runs came."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from orchestrator import instants
from orchestrator.errors import NotFoundError
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, Limit

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HEAVY, PROD = "tag:heavy", "warehouse:prod"


class Clock:
    """Seconds after noon, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(instants, "_source", made)
    return made


class Runs:
    """Three runs, a, b and c, that take slots for 30 seconds."""

    def __init__(self, store: RunStore, clock: Clock) -> None:
        self.store, self.clock, self.numbers = store, clock, itertools.count()
        for run_id in "abc":
            store.create_run(FlowRun(run_id, "nightly", created=NOON))

    def take(self, run_id: str, *names: str, holder: str = "") -> tuple[str, ...]:
        self.clock.seconds += 0.001
        until = self.clock() + 30 * SECOND
        return self.store.acquire(names, holder or f"{run_id}{next(self.numbers)}", run_id, until)

    def taken(self, name: str = HEAVY) -> list[str]:
        return [
            lease.holder
            for each in self.store.limits()
            if each.name == name
            for lease in each.taken
        ]


@pytest.fixture
def runs(store: RunStore, clock: Clock) -> Runs:
    store.set_limit(HEAVY, 2)
    return Runs(store, clock)


def test_limits_are_set_changed_and_taken_away(store: RunStore) -> None:
    assert store.limits() == ()
    store.set_limit(PROD, 4)
    store.set_limit(HEAVY, 2)
    store.set_limit(PROD, 3)
    assert store.limits() == (Limit(HEAVY, 2), Limit(PROD, 3))
    store.set_limit(HEAVY, None)
    store.set_limit("tag:never", None)
    assert store.limits() == (Limit(PROD, 3),)


def test_so_many_and_no_more(runs: Runs) -> None:
    assert runs.take("a", HEAVY, holder="h1") == ()
    assert runs.take("b", HEAVY, holder="h2") == ()
    assert runs.take("a", HEAVY, holder="h3") == (HEAVY,)
    assert runs.taken() == ["h1", "h2"]
    assert [lease.run_id for lease in runs.store.limits()[0].taken] == ["a", "b"]
    runs.store.release("h2")
    runs.store.release("nobody")
    assert runs.take("a", HEAVY, holder="h3") == ()
    assert runs.taken() == ["h1", "h3"]


def test_what_has_no_limit_is_free(runs: Runs) -> None:
    assert all(runs.take("a", "tag:light", PROD) == () for _ in range(5))
    assert runs.take("a") == ()
    assert [each.name for each in runs.store.limits()] == [HEAVY]
    assert runs.taken() == []


def test_all_or_none(runs: Runs) -> None:
    runs.store.set_limit(PROD, 1)
    assert runs.take("a", PROD, holder="h1") == ()
    assert runs.take("b", HEAVY, PROD, holder="h2") == (PROD,)
    assert runs.taken(HEAVY) == []
    runs.store.release("h1")
    assert runs.take("b", HEAVY, PROD, holder="h2") == ()
    assert (runs.taken(HEAVY), runs.taken(PROD)) == (["h2"], ["h2"])
    runs.store.release("h2")
    assert (runs.taken(HEAVY), runs.taken(PROD)) == ([], [])


def test_a_lease_that_is_not_renewed_runs_out(runs: Runs) -> None:
    assert runs.take("a", HEAVY, holder="dead") == ()
    assert runs.take("b", HEAVY, holder="alive") == ()
    runs.clock.seconds = 25
    assert runs.store.heartbeat("b", 1, NOON + 55 * SECOND)
    assert runs.take("c", HEAVY, holder="next") == (HEAVY,)
    runs.clock.seconds = 31
    assert runs.taken() == ["alive"]
    assert runs.take("c", HEAVY, holder="next") == ()
    # And the dead one, should it wake, gets nothing back: its slot is another's now
    assert runs.store.heartbeat("a", 1, NOON + 60 * SECOND)
    assert runs.taken() == ["alive", "next"]
    assert runs.take("a", HEAVY, holder="dead") == (HEAVY,)


def test_a_driver_that_was_replaced_holds_and_renews_nothing(runs: Runs) -> None:
    assert runs.take("a", HEAVY, holder="old") == ()
    assert runs.store.take_over("a", until=NOON + 30 * SECOND) == 2
    assert runs.taken() == []
    assert runs.take("a", HEAVY, holder="new") == ()
    assert not runs.store.heartbeat("a", 1, NOON + 90 * SECOND)
    assert runs.store.limits()[0].taken[0].expires < NOON + 31 * SECOND


def test_asking_again_changes_nothing_but_the_time(runs: Runs) -> None:
    assert [runs.take("a", HEAVY, holder="h") for _ in range(3)] == [(), (), ()]
    assert runs.taken() == ["h"]


def test_a_limit_of_nothing_lets_nothing_begin(runs: Runs) -> None:
    runs.store.set_limit(HEAVY, 0)
    assert runs.take("a", HEAVY, holder="h") == (HEAVY,)
    runs.store.set_limit(HEAVY, 1)
    assert runs.take("a", HEAVY, holder="h") == ()


def test_a_limit_made_smaller_lets_what_runs_end(runs: Runs) -> None:
    assert runs.take("a", HEAVY, holder="h1") == ()
    assert runs.take("a", HEAVY, holder="h2") == ()
    runs.store.set_limit(HEAVY, 1)
    assert runs.taken() == ["h1", "h2"]
    runs.store.release("h1")
    assert runs.take("a", HEAVY, holder="h3") == (HEAVY,)
    runs.store.release("h2")
    assert runs.take("a", HEAVY, holder="h3") == ()


def test_who_came_first_is_served_first_however_busy_the_others_are(runs: Runs) -> None:
    runs.store.set_limit(HEAVY, 1)
    # Given a run that has much to do, and another that waits
    assert runs.take("a", HEAVY, holder="a1") == ()
    assert runs.take("b", HEAVY) == (HEAVY,)
    # When the busy one gives its slot back and asks for it again at once
    runs.store.release("a1")
    assert runs.take("a", HEAVY) == (HEAVY,)
    # Then it is the other's turn, and after it the busy one's again
    assert runs.take("b", HEAVY, holder="b1") == ()
    runs.store.release("b1")
    assert runs.take("b", HEAVY) == (HEAVY,)
    assert runs.take("a", HEAVY) == ()


def test_a_free_slot_is_kept_for_each_run_that_came_earlier_and_no_more(runs: Runs) -> None:
    assert runs.take("a", HEAVY, holder="a1") == ()
    assert runs.take("a", HEAVY, holder="a2") == ()
    assert runs.take("b", HEAVY) == (HEAVY,)
    runs.store.release("a1")
    runs.store.release("a2")
    assert runs.take("c", HEAVY) == ()  # two are free, one of them is b's
    assert runs.take("c", HEAVY) == (HEAVY,)
    assert runs.take("b", HEAVY) == ()


def test_who_no_longer_asks_loses_the_place_in_line(runs: Runs) -> None:
    runs.store.set_limit(HEAVY, 1)
    assert runs.take("a", HEAVY, holder="a1") == ()
    assert runs.take("b", HEAVY) == (HEAVY,)
    runs.store.release("a1")
    assert runs.take("c", HEAVY) == (HEAVY,)
    runs.clock.seconds += 8
    assert runs.take("c", HEAVY) == (HEAVY,)
    runs.clock.seconds += 3  # eleven since b was heard of
    assert runs.take("c", HEAVY) == ()


def test_who_leaves_gives_everything_back(runs: Runs) -> None:
    runs.store.set_limit(HEAVY, 1)
    assert runs.take("a", HEAVY) == ()
    assert runs.take("b", HEAVY) == (HEAVY,)
    runs.store.leave("a")
    assert runs.take("c", HEAVY) == (HEAVY,)
    runs.store.leave("b")
    assert runs.take("c", HEAVY) == ()


def test_runs_that_need_two_limits_do_not_wait_in_a_circle(runs: Runs) -> None:
    runs.store.set_limit(HEAVY, 1)
    runs.store.set_limit(PROD, 1)
    assert runs.take("c", HEAVY, holder="c1") == ()
    assert runs.take("a", HEAVY, PROD) == (HEAVY,)
    assert runs.take("c", PROD, holder="c2") == ()
    assert runs.take("b", PROD, HEAVY) == (HEAVY, PROD)
    runs.store.release("c1")
    assert runs.take("b", HEAVY, PROD) == (HEAVY, PROD)
    assert runs.take("a", HEAVY, PROD) == (PROD,)
    runs.store.release("c2")
    assert runs.take("b", HEAVY, PROD) == (HEAVY, PROD)
    assert runs.take("a", HEAVY, PROD, holder="a1") == ()
    runs.store.release("a1")
    assert runs.take("b", HEAVY, PROD) == ()


def test_a_pruned_run_holds_nothing(runs: Runs) -> None:
    from orchestrator.model.state import StateType
    from orchestrator.store.records import Change

    assert runs.take("a", HEAVY) == ()
    runs.store.transition("a", [Change(None, StateType.FAILED, at=NOON)])
    assert runs.store.prune(NOON + SECOND) == 1
    assert runs.taken() == []


def test_a_run_that_is_not_there(runs: Runs) -> None:
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        runs.take("nope", HEAVY)
