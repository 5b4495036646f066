"""Property: over random graphs with random outcomes, order holds and a retry runs just what is left."""

from __future__ import annotations

import tempfile
import threading
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.engine.plan import make_plan
from orchestrator.engine.run import Drive, drive
from orchestrator.engine.telling.recorder import Recorder
from orchestrator.executors.threads import ThreadsExecutor
from orchestrator.model.flow import Flow
from orchestrator.model.planning import Planning
from orchestrator.model.state import State
from orchestrator.model.task import Task
from orchestrator.store.memory import MemoryStore
from orchestrator.store.records import FlowRun, TaskRun


class Step(Task):
    """Notes that it began and ended, and breaks if it is told to."""

    def __init__(self, name: str, world: World) -> None:
        super().__init__(name=name)
        self.world = world

    def run(self) -> None:
        self.world.note(f"+{self.name}")
        try:
            if self.name in self.world.broken:
                raise ValueError(self.name)
        finally:
            self.world.note(f"-{self.name}")


class World:
    """What happened, in order, and which steps break."""

    def __init__(self, broken: set[str]) -> None:
        self.broken = broken
        self.notes: list[str] = []
        self._lock = threading.Lock()

    def note(self, text: str) -> None:
        with self._lock:
            self.notes.append(text)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[int, list[tuple[int, int]], set[int]]:
    size = draw(st.integers(1, 12))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    edges = [(a, b) for a, b in draw(st.lists(pairs, max_size=25)) if a < b]
    broken = draw(st.sets(st.integers(0, size - 1), max_size=3))
    return size, edges, broken


def execute(flow: Flow, folder: Path, done: dict[str, None]) -> State:
    plan = make_plan(flow, Planning(folder), done=done)
    with MemoryStore() as store, (executor := ThreadsExecutor(3)).start():
        store.create_run(FlowRun("r1", "f"), [TaskRun("r1", k, k) for k in plan.order()])
        recorder = Recorder(store, "r1")
        state = drive(Drive("r1", plan, executor, recorder))
        recorder.close()
        assert {r.key: r.state for r in store.task_runs("r1")} == {
            key: found.type for key, found in state.result.items()
        }
        assert store.run("r1").state is state.type
    return state


@settings(max_examples=60, deadline=None)
@given(worlds())
def test_runs_and_retries(made: tuple[int, list[tuple[int, int]], set[int]]) -> None:
    size, edges, broken = made
    world = World({f"s{i}" for i in broken})
    with Flow("f") as flow:
        steps = [flow.add_task(Step(f"s{i}", world)) for i in range(size)]
        for a, b in edges:
            flow.add_order(steps[a], steps[b])
    with tempfile.TemporaryDirectory() as folder:
        first = execute(flow, Path(folder), {})
        place = {note: i for i, note in enumerate(world.notes)}
        for a, b in edges:
            if f"+s{b}" in place:
                assert place[f"-s{a}"] < place[f"+s{b}"]
        assert len(world.notes) == len(set(world.notes)), "nothing ran twice"
        for state in first.result.values():
            if state.is_skipped():
                assert first.result[state.cause].is_failed()

        ran_before = {note[1:] for note in world.notes}
        good = {key for key, state in first.result.items() if state.is_successful()}
        world.broken, world.notes = set(), []
        if len(good) < size:
            second = execute(flow, Path(folder), dict.fromkeys(good))
            assert second.is_successful()
            assert {note[1:] for note in world.notes} == {f"s{i}" for i in range(size)} - good
            assert ran_before | {note[1:] for note in world.notes} == {f"s{i}" for i in range(size)}
