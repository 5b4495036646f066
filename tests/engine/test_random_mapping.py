"""Property: mapped chains with random outcomes, alone and in bundles: order, attempts, retries."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.plan import make_plan
from orchestrator.engine.run import Drive, drive
from orchestrator.engine.telling.recorder import Recorder
from orchestrator.executors.base import Executor
from orchestrator.executors.threads import ThreadsExecutor
from orchestrator.model import context
from orchestrator.model.flow import Flow
from orchestrator.model.planning import Planning
from orchestrator.model.state import FINISHED, SUCCEEDED, State
from orchestrator.model.task import Task
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import FlowRun, TaskRun
from tests.engine.bundling import BundlingExecutor

EXECUTORS: dict[str, Callable[[], Executor]] = {
    "threads": lambda: ThreadsExecutor(3),
    "bundles": lambda: BundlingExecutor(3),
}


@dataclass
class World:
    """How often each run of a step breaks before it succeeds (99: always), and what happened."""

    broken: dict[str, int]
    slow: set[str] = field(default_factory=set)
    notes: list[tuple[str, str, int]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what: str) -> None:
        now = context.current()
        with self.lock:
            self.notes.append((what, now.task, now.attempt))

    def began(self) -> Counter[tuple[str, int]]:
        return Counter((key, number) for what, key, number in self.notes if what == "+")


class Step(Task):
    """Adds one to what it gets; notes that it began and ended."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name=name, max_retries=1)
        self.world = world

    def __getstate__(self) -> dict[str, Any]:
        raise AssertionError("nothing is sent anywhere here")

    def run(self, x: Any = 0, y: Any = 0) -> int:
        now = context.current()
        self.world.note("+")
        try:
            if now.task in self.world.slow:
                time.sleep(0.08)
            if self.world.broken.get(now.task, 0) >= now.attempt:
                raise ValueError(now.task)
            return sum(x) + 1 if isinstance(x, list) else x + 1
        finally:
            self.world.note("-")


@dataclass(frozen=True)
class Shape:
    """A flow: a chain of steps, then a chain of mapped steps over a list, then one over all."""

    before: int
    mapped: int
    width: int

    def keys(self) -> list[str]:
        alone = [f"a{i}" for i in range(self.before)]
        elements = [f"m{j}[{i}]" for j in range(self.mapped) for i in range(self.width)]
        return [*alone, *elements, "end"]

    def pairs(self) -> list[tuple[str, str]]:
        """Which key ends before which begins."""
        found = [(f"a{i}", f"a{i + 1}") for i in range(self.before - 1)]
        for i in range(self.width):
            if self.before and self.mapped:
                found.append((f"a{self.before - 1}", f"m0[{i}]"))
            found += [(f"m{j}[{i}]", f"m{j + 1}[{i}]") for j in range(self.mapped - 1)]
            if self.mapped:
                found.append((f"m{self.mapped - 1}[{i}]", "end"))
        return found

    def flow(self, world: World) -> Flow:
        with Flow("f") as flow:
            last: Any = 0
            for i in range(self.before):
                last = Step(f"a{i}", world)(last)
            over: Any = list(range(self.width))
            first = [last] if self.before else []
            for j in range(self.mapped):
                upstream = first if j == 0 else []
                over = Step(f"m{j}", world).map(over, upstream_tasks=upstream)
            Step("end", world)(over)
        return flow


@st.composite
def cases(draw: st.DrawFn) -> tuple[Shape, dict[str, int], set[str]]:
    shape = Shape(draw(st.integers(0, 4)), draw(st.integers(0, 3)), draw(st.integers(0, 5)))
    keys = st.sampled_from(shape.keys())
    broken = draw(st.dictionaries(keys, st.sampled_from([1, 1, 99]), max_size=3))
    slow = draw(st.sets(keys, max_size=1))
    return shape, broken, slow


def execute(flow: Flow, executor: Executor, done: dict[str, Any]) -> tuple[State, MemoryStore]:
    with tempfile.TemporaryDirectory() as folder:
        plan = make_plan(flow, Planning(Path(folder)), done=done)
        store = MemoryStore()
        with executor.start():
            store.create_run(FlowRun("r1", "f"), [TaskRun("r1", k, k) for k in plan.order()])
            recorder = Recorder(store, "r1")
            state = drive(Drive("r1", plan, executor, recorder, finished=done))
            recorder.close()
    return state, store


def check(world: World, shape: Shape, store: MemoryStore) -> None:
    rows = {row.key: row for row in store.task_runs("r1")}
    assert all(row.state in FINISHED for row in rows.values())
    # Every attempt that began is recorded, ran once, and under its own number.
    recorded = {(a.key, a.number) for a in store.attempts("r1") if a.key not in parents(shape)}
    assert recorded == set(world.began())
    assert set(world.began().values()) <= {1}
    place = {(what, key): i for i, (what, key, _) in enumerate(world.notes)}
    for first, then in shape.pairs():
        if ("+", then) in place and ("-", first) in place:
            begins = next(
                i for i, (what, key, _) in enumerate(world.notes) if (what, key) == ("+", then)
            )
            assert place["-", first] < begins
    for key, row in rows.items():
        if key not in parents(shape) and row.state in SUCCEEDED:
            assert all(
                rows[up].state in SUCCEEDED
                for up, down in shape.pairs()
                if down == key and up in rows
            )


def parents(shape: Shape) -> set[str]:
    return {f"m{j}" for j in range(shape.mapped)}


@pytest.mark.parametrize("place", EXECUTORS)
def test_runs_and_retries(place: str) -> None:
    @settings(max_examples=40, deadline=None)
    @given(cases())
    def holds(case: tuple[Shape, dict[str, int], set[str]]) -> None:
        shape, broken, slow = case
        world = World(broken, slow)
        state, store = execute(shape.flow(world), EXECUTORS[place](), {})
        check(world, shape, store)
        hopeless = {key for key, times in broken.items() if times > 1}
        assert state.is_successful() == (not hopeless & set(shape.keys()))
        if state.is_successful():
            return
        done = {r.key: r.result for r in store.task_runs("r1") if r.state in SUCCEEDED}
        before, world.notes, world.broken = world.began(), [], {}
        again, store = execute(shape.flow(world), EXECUTORS[place](), done)
        assert again.is_successful()
        ran = {key for key, _ in world.began()}
        assert ran == set(shape.keys()) - set(done)
        assert {key for key, _ in before} | ran == set(shape.keys())

    holds()
