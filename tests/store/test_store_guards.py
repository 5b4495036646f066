"""The tests of races can fail: with a guard taken out of the store, each of them finds what it let in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import bindparam, literal_column, select, update

from orchestrator import instants
from orchestrator.errors import StoreError
from orchestrator.model.state import FINISHED
from orchestrator.model.state import StateType as S
from orchestrator.store import moves, sql, statements
from orchestrator.store.base import RunStore
from orchestrator.store.insql import agents, occurrences
from orchestrator.store.insql.shared import SqlRuns
from orchestrator.store.opening import open_store
from orchestrator.store.records import Change, FlowRun, TaskRun
from orchestrator.store.tables import flow_runs
from tests.store import test_limit_races, test_occurrence_races
from tests.store.service_rows import NOON, SCHEDULE, deployment, night, run_of

NIGHTS = 12
SOON = NOON + timedelta(days=1)


@dataclass(frozen=True)
class Guard:
    """Something that keeps a race from doing harm.

    Args:
        name: What it is.
        take_out: Makes a store do without it.
        race: What the racers do, and the check of the race that nothing bad came of it.
    """

    name: str
    take_out: Callable[[RunStore, pytest.MonkeyPatch], None]
    race: Callable[[RunStore], None]

    def __str__(self) -> str:
        return self.name


# -- the unique key of occurrences ------------------------------------------------------------


def drop_the_unique_key(store: RunStore, patch: pytest.MonkeyPatch) -> None:
    assert isinstance(store, SqlRuns)
    with store._engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE keyless AS SELECT * FROM occurrences")
        connection.exec_driver_sql("DROP TABLE occurrences")
        connection.exec_driver_sql("ALTER TABLE keyless RENAME TO occurrences")


def two_schedulers(store: RunStore) -> None:
    """Both settle every night, the second with a clock that was set back."""
    store.deploy(deployment())
    for name in ("p0", "p1"):
        for number in range(NIGHTS):
            one = night(number, f"{name}-{number}")
            store.occur(SCHEDULE, [one], [run_of(one)], one.instant)
    test_occurrence_races.check(store, NIGHTS)


# -- the mark that a scheduler reckoned from --------------------------------------------------


def forget_the_mark(store: RunStore, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(occurrences, "_stands", lambda wanted, mark: mark is not None)


def two_schedulers_that_decide_apart(store: RunStore) -> None:
    """The second has seen less: it gives a run to a night that the first let a later one cover."""
    store.deploy(deployment())
    last = night(NIGHTS - 1, "all")
    store.occur(SCHEDULE, [last], [run_of(last)], last.instant, seen=NOON)
    some = [night(number, f"r{number}") for number in range(NIGHTS - 1)]
    runs = [run_of(one) for one in some]
    store.occur(SCHEDULE, some, runs, some[-1].instant, seen=NOON)
    assert [run.id for run in store.runs()] == ["all"], "the data of a night is built twice"


# -- the lease of a claimed run ---------------------------------------------------------------


def forget_the_lease(store: RunStore, patch: pytest.MonkeyPatch) -> None:
    run = flow_runs.c
    patch.setattr(agents, "UNCLAIMED", run.state == literal_column("'Pending'"))
    patch.setattr(agents, "_TURN", agents._first_free(select(run.turn, run.created, run.id)))
    patch.setattr(agents, "_NEXT", agents._first_free(select(flow_runs)))
    # Without the lease the labels of what is to be had are those of all that is pending.
    labels = select(run.labels).where(run.state == literal_column("'Pending'")).distinct()
    patch.setattr(agents, "_LABELS", labels)


def two_agents(store: RunStore) -> None:
    store.deploy(deployment())
    nights = [night(number, f"r{number}") for number in range(NIGHTS)]
    store.occur(SCHEDULE, nights, [run_of(one) for one in nights], nights[-1].instant)
    far = NOON + timedelta(days=9000)
    got: list[list[str]] = [[], []]
    for turn in range(NIGHTS):
        run = store.claim(f"agent{turn % 2}", [], far, now=far)
        if run is not None:
            got[turn % 2].append(run.id)
    test_occurrence_races.check_claims(store, got)


# -- the fence of a driver --------------------------------------------------------------------


def forget_the_fence(store: RunStore, patch: pytest.MonkeyPatch) -> None:
    for module in (moves, sql):
        patch.setattr(module, "fencing", lambda held, given: None)


def two_drivers(store: RunStore) -> None:
    """The old one was believed dead, and goes on when the new one drives."""
    store.create_run(FlowRun("r1", "nightly"), [TaskRun("r1", "load", "load")])
    new = store.take_over("r1", seen=1)
    store.transition("r1", [Change("load", S.RUNNING, token="new")], fence=new)
    store.transition("r1", [Change("load", S.FAILED), Change(None, S.FAILED)], fence=new - 1)
    store.transition("r1", [Change("load", S.SUCCESS, token="new")], fence=new)
    store.transition("r1", [Change(None, S.SUCCESS)], fence=new)
    states = [store.run("r1").state, *(task.state for task in store.task_runs("r1"))]
    assert states == [S.SUCCESS, S.SUCCESS], "the old driver was heard"


def two_who_take_over(store: RunStore) -> None:
    """Both saw a run whose lease has run out; one of them drives it from now on."""
    store.create_run(FlowRun("r1", "nightly"))
    took = 0
    for _ in range(2):
        try:
            store.take_over("r1", seen=1, until=SOON)
            took += 1
        except StoreError:
            pass
    assert took == 1, "both drive it"


def forget_the_fence_of_beats(store: RunStore, patch: pytest.MonkeyPatch) -> None:
    beat = update(flow_runs).where(flow_runs.c.id == bindparam("b_run"))
    fenceless = beat.values(lease_expires=bindparam("b_until"))
    patch.setattr(statements, "HEARTBEAT", fenceless)


def a_beat_of_the_old_driver(store: RunStore) -> None:
    store.create_run(FlowRun("r1", "nightly"))
    store.take_over("r1", seen=1, until=NOON)
    assert not store.heartbeat("r1", 1, SOON), "a dead driver keeps its run alive"
    assert [run.id for run in store.expired_runs(SOON)] == ["r1"]


# -- final states, and limits -----------------------------------------------------------------


def forget_that_states_are_final(store: RunStore, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(moves, "refusal", lambda *given, **named: None)


def a_late_word(store: RunStore) -> None:
    store.create_run(FlowRun("r1", "nightly"), [TaskRun("r1", "load", "load")])
    store.transition("r1", [Change("load", S.RUNNING, token="t1")])
    store.transition("r1", [Change("load", S.FAILED, token="t1")])
    store.transition("r1", [Change("load", S.SUCCESS, token="t1")])
    last = [event.data["state"] for event in store.events("r1") if event.key == "load"]
    assert [state for state in last if S(state) in FINISHED] == ["Failed"], "it ended twice"


def forget_who_holds_slots(store: RunStore, patch: pytest.MonkeyPatch) -> None:
    patch.setattr("orchestrator.store.slots.refusing", lambda *given: ())


def racers_for_slots(store: RunStore) -> None:
    store.set_limit("tag:heavy", test_limit_races.SLOTS)
    names, noted = ["r0", "r1", "r2"], list[list[str]]()
    until = instants.now() + timedelta(minutes=5)
    for name in names:
        store.create_run(FlowRun(name, "nightly"))
        if not store.acquire(["tag:heavy"], name, name, until):
            noted.append(["+", name])
    noted += [["-", name] for sign, name in noted if sign == "+"]
    if len(noted) < 2 * len(names):  # whoever was refused has its turn when a slot is free
        store.release("r0")
        assert store.acquire(["tag:heavy"], "r2", "r2", until) == ()
        noted += [["+", "r2"], ["-", "r2"]]
    test_limit_races.check(noted, names, 1)


GUARDS = (
    Guard("the unique key", drop_the_unique_key, two_schedulers),
    Guard("the mark", forget_the_mark, two_schedulers_that_decide_apart),
    Guard("the lease of a claim", forget_the_lease, two_agents),
    Guard("the fence", forget_the_fence, two_drivers),
    Guard("the fence of a take-over", forget_the_fence, two_who_take_over),
    Guard("the fence of a beat", forget_the_fence_of_beats, a_beat_of_the_old_driver),
    Guard("final states", forget_that_states_are_final, a_late_word),
    Guard("the slots", forget_who_holds_slots, racers_for_slots),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with open_store(tmp_path / "runs.db") as opened:
        yield opened


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_with_the_guard_nothing_is_found(guard: Guard, store: RunStore) -> None:
    guard.race(store)


@pytest.mark.parametrize("guard", GUARDS, ids=str)
def test_without_the_guard_it_is_found(
    guard: Guard, store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard.take_out(store, monkeypatch)
    with pytest.raises(AssertionError):
        guard.race(store)
