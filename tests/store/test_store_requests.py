"""Requests to runs, and runs that are made only once, on every store."""

from __future__ import annotations

import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import StateType as S
from orchestrator.store.base import FencedError, RunStore
from orchestrator.store.opening import open_store
from orchestrator.store.records import Action, Ask, Change, FlowRun, TaskRun

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def run(store: RunStore) -> RunStore:
    """A run ``r1`` with the task ``load``."""
    store.create_run(FlowRun("r1", "nightly", created=NOON), [TaskRun("r1", "load", "load")])
    return store


def test_requests_come_back_in_the_order_they_were_made(run: RunStore) -> None:
    mark = Ask(
        Action.MARK, "load", {"state": "success", "reason": "by hand", "result": [1]}, "ada", NOON
    )
    first = run.ask("r1", mark)
    second = run.ask("r1", Ask(Action.CANCEL, by="bob", at=NOON + SECOND))
    found = run.asked("r1")
    assert [asked.id for asked in found] == [first, second]
    assert (found[0].action, found[0].key, found[0].data) == (Action.MARK, "load", mark.data)
    assert (found[0].by, found[0].at) == ("ada", NOON)
    assert (found[1].action, found[1].key, found[1].data) == (Action.CANCEL, None, {})
    assert run.asked("r1", after=first) == found[1:]
    assert run.asked("r1", after=second) == ()


def test_each_request_is_an_event(run: RunStore) -> None:
    run.ask("r1", Ask(Action.MARK, "load", {"state": "failed", "reason": "x"}, "ada", NOON))
    event = run.events("r1")[-1]
    assert (event.kind, event.key, event.at) == ("asked", "load", NOON)
    assert event.data == {"action": "mark", "by": "ada", "state": "failed", "reason": "x"}


def test_requests_to_what_is_not_there(run: RunStore) -> None:
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        run.ask("nope", Ask(Action.CANCEL))
    with pytest.raises(NotFoundError, match="run r1 has no task 'lod'"):
        run.ask("r1", Ask(Action.APPROVE, "lod"))
    with pytest.raises(NotFoundError, match="no run 'nope'"):
        run.asked("nope")
    with pytest.raises(StoreError, match="what a request says cannot be kept as JSON"):
        run.ask("r1", Ask(Action.MARK, "load", {"result": {1, 2}}))
    assert run.asked("r1") == ()


def test_a_finished_run_can_be_asked_and_is_pruned_with_its_requests(run: RunStore) -> None:
    run.transition("r1", [Change(None, S.FAILED, at=NOON)])
    run.ask("r1", Ask(Action.MARK, "load", {"state": "success"}))
    assert len(run.asked("r1")) == 1
    assert run.prune(NOON + SECOND) == 1
    run.create_run(FlowRun("r1", "nightly"))
    assert run.asked("r1") == ()


def test_a_paused_task_waits_and_goes_on_with_a_new_attempt(run: RunStore) -> None:
    # Given a task that paused itself in its first attempt
    moves = [
        Change("load", S.RUNNING, at=NOON, attempt=1, token="t1"),
        Change("load", S.PAUSED, at=NOON + SECOND, attempt=1, token="t1", message="look at it"),
    ]
    assert run.transition("r1", moves) == ()
    [row] = run.task_runs("r1")
    assert (row.state, row.message, row.finished) == (S.PAUSED, "look at it", None)
    assert [(a.state, a.finished) for a in run.attempts("r1")] == [(S.PAUSED, NOON + SECOND)]
    # When it is let go on
    again = [
        Change("load", S.RUNNING, attempt=2, token="t2"),
        Change("load", S.SUCCESS, attempt=2, token="t2"),
    ]
    assert run.transition("r1", again) == ()
    # Then both attempts are kept, and a late word of the first would have changed nothing
    assert [(a.number, a.state) for a in run.attempts("r1")] == [(1, S.PAUSED), (2, S.SUCCESS)]


# -- called off ------------------------------------------------------------------------------------


def test_of_many_runs_those_nobody_has_begun_are_called_off(run: RunStore) -> None:
    # Given one that waits with a task that waits and one that was tried, and others that stand
    # otherwise: one that an agent has taken, one under way, one that has ended
    tried = TaskRun("r1", "tried", "tried", state=S.RETRYING)
    run.add_tasks("r1", [tried])
    run.create_run(FlowRun("r0", "nightly", due=NOON - SECOND))
    taken = run.claim("agent", (), NOON + SECOND, now=NOON)
    for run_id, state in (("r2", S.RUNNING), ("r3", S.SUCCESS)):
        run.create_run(FlowRun(run_id, "nightly"))
        run.transition(run_id, [Change(None, state)])
    run.set_limit("tag:heavy", 1)
    run.acquire(["tag:heavy"], "holder", "r1", datetime.now(UTC) + SECOND)
    before = {run_id: run.run(run_id) for run_id in ("r0", "r2", "r3")}
    # When all are called off, and one that is not there
    ended = run.call_off(["r3", "r2", "r1", "r0", "nope", "r1"], "it rains")
    # Then the one that waits is cancelled with its tasks, and the others stand as they stood
    assert taken is not None
    assert taken.id == "r0"
    assert ended == ("r1",)
    found = run.run("r1")
    assert (found.state, found.message) == (S.CANCELLED, "it rains")
    assert found.finished is not None
    assert [(task.key, task.state, task.message) for task in run.task_runs("r1")] == [
        ("load", S.SKIPPED, "never began: it rains"),
        ("tried", S.CANCELLED, "it rains"),
    ]
    assert [(e.key, e.data["state"]) for e in run.events("r1") if e.kind == "state"] == [
        ("load", "Skipped"),
        ("tried", "Cancelled"),
        (None, "Cancelled"),
    ]
    assert run.limits()[0].taken == ()
    assert {run_id: run.run(run_id) for run_id in before} == before
    with pytest.raises(FencedError):
        run.take_over("r1", seen=found.fence)
    assert run.call_off([], "it rains") == run.call_off(["r1"], "again") == ()


def test_a_run_is_either_taken_or_called_off(store: RunStore) -> None:
    ids = [f"r{n:02}" for n in range(40)]
    for run_id in ids:
        store.create_run(FlowRun(run_id, "nightly"))
    taken: list[str] = []

    def take() -> None:
        while (claimed := store.claim("agent", (), datetime.now(UTC) + 9 * SECOND)) is not None:
            taken.append(claimed.id)

    agent = threading.Thread(target=take)
    agent.start()
    ended = [one for n in range(39, -1, -4) for one in store.call_off(ids[n - 3 : n + 1], "why")]
    agent.join()
    assert sorted([*taken, *ended]) == ids
    assert {run.id for run in store.runs(state=S.CANCELLED, limit=99)} == set(ended)


# -- made only once --------------------------------------------------------------------------------


def test_one_key_makes_one_run(store: RunStore) -> None:
    first = FlowRun("a1", "nightly", created=NOON, idempotency_key="2026-03-01")
    assert store.create_run(first, [TaskRun("a1", "load", "load")]) == "a1"
    again = FlowRun("b2", "nightly", idempotency_key="2026-03-01")
    assert store.create_run(again, [TaskRun("b2", "other", "other")]) == "a1"
    assert store.create_run(FlowRun("c3", "nightly", idempotency_key="2026-03-02")) == "c3"
    assert store.create_run(FlowRun("d4", "nightly")) == "d4"
    assert store.create_run(FlowRun("e5", "nightly")) == "e5"
    assert sorted(found.id for found in store.runs()) == ["a1", "c3", "d4", "e5"]
    assert store.run("a1") == first
    assert [task.key for task in store.task_runs("a1")] == ["load"]
    assert [event.kind for event in store.events("a1")] == ["created"]
    # And an id that is there already is still no key
    with pytest.raises(StoreError, match="already"):
        store.create_run(FlowRun("a1", "nightly", idempotency_key="2026-03-03"))


def test_a_key_is_free_again_when_its_run_is_pruned(store: RunStore) -> None:
    old = FlowRun("a1", "nightly", state=S.SUCCESS, finished=NOON, idempotency_key="k")
    store.create_run(old)
    store.prune(NOON + SECOND)
    assert store.create_run(FlowRun("b2", "nightly", idempotency_key="k")) == "b2"


def test_threads_with_one_key_make_one_run(store: RunStore) -> None:
    made: list[str] = []

    def create(own: str) -> None:
        for n in range(20):
            run = FlowRun(f"{own}{n}", "nightly", idempotency_key=f"slot {n}")
            made.append(store.create_run(run, [TaskRun("", "load", "load")]))

    threads = [threading.Thread(target=create, args=(own,)) for own in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 80
    assert set(made) == {run.id for run in store.runs(limit=100)}
    assert len(set(made)) == 20


CREATOR = """
import sys
from orchestrator.store.opening import open_store
from orchestrator.store.records import FlowRun, TaskRun

with open_store(sys.argv[1]) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for n in range(50):
        run = FlowRun(f"{sys.argv[2]}-{n}", "nightly", idempotency_key=f"slot {n}")
        print(store.create_run(run, [TaskRun(run.id, "load", "load")]))
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_processes_with_one_key_make_one_run(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "runs.db")
    if kind == "postgres":
        place = request.getfixturevalue("postgres_url")
    open_store(place).close()
    command = [sys.executable, "-c", CREATOR, place]
    creators = [
        subprocess.Popen([*command, own], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for own in ("one", "two")
    ]
    for creator in creators:
        assert creator.stdout is not None
        assert creator.stdout.readline() == "ready\n"
    for creator in creators:
        assert creator.stdin is not None
        creator.stdin.write("go\n")
        creator.stdin.flush()
    said = [creator.communicate(timeout=120)[0].split() for creator in creators]
    assert [creator.returncode for creator in creators] == [0, 0]
    assert len(said[0]) == 50
    assert said[0] == said[1], "both were told of the same runs"
    with open_store(place) as store:
        assert {run.id for run in store.runs(limit=200)} == set(said[0])
