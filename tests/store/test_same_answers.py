"""Random moves: memory and SQLite answer alike, and what must always hold, holds."""

from __future__ import annotations

import contextlib
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from orchestrator import instants
from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import FINISHED, StateType
from orchestrator.store.base import RunStore
from orchestrator.store.memory import MemoryStore
from orchestrator.store.opening import open_store
from orchestrator.store.records import (
    Action,
    Ask,
    Change,
    Event,
    FlowRun,
    LogLine,
    TaskRun,
    new_run_id,
)

KEYS = ("a", "b", "c[0]")
START = datetime(2026, 3, 29, tzinfo=UTC)

STATES = st.sampled_from(list(StateType))
# Mostly moves that may well be made: a purely random walk ends at once.
FORWARD = st.sampled_from(
    [StateType.SUBMITTED, StateType.RUNNING, StateType.RETRYING, StateType.RUNNING]
)
VALUES = st.none() | st.integers(-1, 9) | st.text(max_size=3) | st.just({1, 2})
CHANGES = st.builds(
    Change,
    key=st.sampled_from([*KEYS, *KEYS, None, "nobody"]),
    to=FORWARD | STATES,
    expected=st.just(()) | st.lists(STATES, max_size=3),
    message=st.text(max_size=3),
    cause=st.none() | st.just("a"),
    status=st.none() | st.just("warn"),
    attempt=st.none() | st.integers(1, 4),
    token=st.none() | st.sampled_from(["t1", "t2", "t3"]),
    rows=st.none() | st.integers(0, 3),
    detail=st.none() | st.dictionaries(st.text(max_size=2), st.integers(0, 3), max_size=2),
    result=VALUES,
    worker=st.none() | st.just("w"),
)


class Stores(RuleBasedStateMachine):
    """One run in two stores; each rule is done to both."""

    sqlite: RunStore

    def __init__(self) -> None:
        super().__init__()
        self.memory = MemoryStore()
        self.run_id, self.other = new_run_id(), new_run_id()
        self.tick = 0
        self.most: dict[str, int] = {}
        self.final: dict[str | None, object] = {}

    def both(self, method: str, *values: object, **named: object) -> object:
        """Call both stores at one instant; their answers must be one."""
        self.tick += 1
        answers: list[object] = []
        for store in (self.memory, self.sqlite):
            with instants.fixed(START + timedelta(seconds=self.tick)):
                try:
                    answers.append(getattr(store, method)(*values, **named))
                except StoreError as error:
                    answers.append((type(error), error.what))
        assert answers[0] == answers[1]
        return answers[0]

    @initialize()
    def create(self) -> None:
        tasks = [TaskRun(self.run_id, key, key) for key in KEYS[:2]]
        run = FlowRun(self.run_id, "nightly", self.run_id, created=START)
        self.both("create_run", run, tasks)
        self.both("create_run", FlowRun(self.other, "nightly", self.run_id, created=START))

    def limit(self, letter: str) -> str:
        """A name of this example's own: the SQLite store has seen others."""
        return f"tag:{letter}-{self.run_id}"

    @rule(letter=st.sampled_from("xy"), slots=st.sampled_from([None, 0, 1, 1, 2]))
    def set_limit(self, letter: str, slots: int | None) -> None:
        self.both("set_limit", self.limit(letter), slots)

    @rule(
        letters=st.sets(st.sampled_from("xyz")),
        holder=st.sampled_from("12345"),
        other=st.booleans(),
        seconds=st.integers(0, 30),
    )
    def acquire(self, letters: set[str], holder: str, other: bool, seconds: int) -> None:
        run_id = self.other if other else self.run_id
        names = sorted(map(self.limit, letters))
        until = START + timedelta(seconds=self.tick + seconds)
        before = self.taken()
        refused = self.both("acquire", names, f"{run_id}:{holder}", run_id, until)
        if refused:
            assert self.taken().items() <= before.items(), "all or none"

    @rule(holder=st.sampled_from("12345"), other=st.booleans())
    def release(self, holder: str, other: bool) -> None:
        self.both("release", f"{self.other if other else self.run_id}:{holder}")

    @rule(other=st.booleans())
    def leave(self, other: bool) -> None:
        self.both("leave", self.other if other else self.run_id)

    @rule(key=st.sampled_from([None, *KEYS]), action=st.sampled_from(list(Action)))
    def ask(self, key: str | None, action: Action) -> None:
        for store in self.stores():
            with contextlib.suppress(NotFoundError):
                store.ask(self.run_id, Ask(action, key, {"n": self.tick}, "ada", START))
        found = [
            [(one.action, one.key, one.data, one.by, one.at) for one in store.asked(self.run_id)]
            for store in self.stores()
        ]
        assert found[0] == found[1]

    def taken(self) -> dict[tuple[str, str], datetime]:
        """Who has which slot until when."""
        with instants.fixed(START + timedelta(seconds=self.tick)):
            return {
                (lease.limit, lease.holder): lease.expires
                for each in self.memory.limits()
                for lease in each.taken
            }

    @invariant()
    def limits_are_alike(self) -> None:
        now = START + timedelta(seconds=self.tick)
        with instants.fixed(now):
            kept = [[one for one in s.limits() if self.run_id in one.name] for s in self.stores()]
        assert kept[0] == kept[1]
        for each in kept[0]:
            self.most[each.name] = max(self.most.get(each.name, 0), each.slots)
            assert len(each.taken) <= self.most[each.name]
            assert all(lease.expires >= now for lease in each.taken)

    @rule(changes=st.lists(CHANGES, max_size=6), fence=st.sampled_from([None, None, 1, 2]))
    def transition(self, changes: list[Change], fence: int | None) -> None:
        self.both("transition", self.run_id, changes, fence=fence)

    @rule(fence=st.sampled_from([None, 1, 2]))
    def add_tasks(self, fence: int | None) -> None:
        self.both("add_tasks", self.run_id, [TaskRun("", key, key) for key in KEYS], fence=fence)

    @rule(seen=st.sampled_from([None, 1, 2]))
    def take_over(self, seen: int | None) -> None:
        self.both("take_over", self.run_id, seen=seen, pid=1, host="h", until=START)

    @rule(fence=st.integers(1, 3), seconds=st.integers(-9, 99))
    def heartbeat(self, fence: int, seconds: int) -> None:
        self.both("heartbeat", self.run_id, fence, START + timedelta(seconds=seconds))

    @rule(text=st.text(max_size=4), key=st.sampled_from([None, *KEYS]))
    def log(self, text: str, key: str | None) -> None:
        self.both("append_logs", self.run_id, [LogLine(text, key=key, at=START)])

    @invariant()
    def all_can_be_read_alike(self) -> None:
        self.both("run", self.run_id)
        self.both("task_runs", self.run_id)
        self.both("attempts", self.run_id)
        self.both("durations", None, KEYS, project=self.run_id, last=2)
        self.both("runs", project=self.run_id, state=FINISHED)
        for read in ("events", "logs"):
            found = [self.numberless(getattr(s, read)(self.run_id)) for s in self.stores()]
            assert found[0] == found[1]

    def stores(self) -> tuple[RunStore, RunStore]:
        return self.memory, self.sqlite

    @staticmethod
    def numberless(found: tuple[Event | LogLine, ...]) -> list[object]:
        """Without their numbers, which the SQLite store has given to earlier runs too."""
        return [
            (one.key, one.at, one.kind, one.data) if isinstance(one, Event) else (one.key, one.text)
            for one in found
        ]

    @invariant()
    def a_row_is_its_last_event_and_a_finished_one_stays(self) -> None:
        last = {e.key: e for e in self.sqlite.events(self.run_id) if e.kind == "state"}
        for row in (self.sqlite.run(self.run_id), *self.sqlite.task_runs(self.run_id)):
            key = getattr(row, "key", None)
            event = last.get(key)
            assert row.state == (event.data["state"] if event else "Pending")
            assert row.message == (event.data.get("message", "") if event else "")
            if isinstance(row, TaskRun) and event:
                assert row.attempt == event.data["attempt"]
                assert row.status == event.data.get("status")
            assert self.final.setdefault(key, row) == row
            if row.state not in FINISHED:
                del self.final[key]

    @invariant()
    def at_most_one_attempt_lives(self) -> None:
        for row in self.sqlite.task_runs(self.run_id):
            of_task = self.sqlite.attempts(self.run_id, row.key)
            live = [one.number for one in of_task if one.finished is None]
            assert live == ([row.attempt] if row.state is StateType.RUNNING else [])
            numbers = [one.number for one in of_task]
            assert numbers == sorted(set(numbers))


@pytest.mark.slow
def test_memory_and_sqlite_answer_alike() -> None:
    with tempfile.TemporaryDirectory() as folder, open_store(Path(folder) / "runs.db") as store:
        Stores.sqlite = store
        run_state_machine_as_test(
            Stores,
            settings=settings(
                max_examples=60,
                stateful_step_count=15,
                deadline=None,
                database=None,
                # Shrinking a run of many steps takes minutes; the failing steps are printed anyway.
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            ),
        )
