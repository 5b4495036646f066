"""How much travels together: by what was seen, one slow one among many quick ones counting little."""

from __future__ import annotations

import pytest

from orchestrator.engine.driving.batching import QUICK, Batching
from orchestrator.engine.plan import PlannedTask
from orchestrator.engine.units import Unit
from orchestrator.model.facts import TaskFacts
from orchestrator.model.task import Task, task


def unit(key: str, made: Task, element: int | None = None) -> Unit:
    return Unit(key, PlannedTask(key, made, TaskFacts(key, made.name, "python")), element=element)


@task
def load(x: int) -> int:
    return x


class Other(Task):
    def run(self) -> None: ...


def test_nothing_known_starts_small() -> None:
    batching = Batching({})
    assert batching.seconds(unit("a", load)) is None
    assert 0 < batching.guess(unit("a", load), following=True) < batching.guess(unit("a", load))
    assert batching.guess(unit("a", load)) < QUICK


def test_history_then_this_run_then_tasks_like_it() -> None:
    batching = Batching({"a": 2.0})
    assert batching.guess(unit("a", load)) == pytest.approx(2.0, abs=0.01)
    batching.learn(unit("a", load), 0.01)
    assert batching.guess(unit("a", load)) == pytest.approx(0.01, abs=0.001), "what this run saw"
    assert batching.guess(unit("b", load)) == pytest.approx(0.01, abs=0.001), "of the same name"
    assert batching.seconds(unit("c", Other(name="c"))) is None, "of another kind"
    batching.learn(unit("d", Other(name="d")), 0.02)
    assert batching.guess(unit("c", Other(name="c"))) == pytest.approx(0.02, abs=0.001)


def test_one_slow_one_says_little_and_many_say_all() -> None:
    batching = Batching({})
    for _ in range(10):
        batching.learn(unit("a", load), 0.001)
    batching.learn(unit("a", load), 60.0)
    assert batching.guess(unit("a", load)) < QUICK
    for _ in range(10):
        batching.learn(unit("a", load), 60.0)
    assert batching.guess(unit("a", load)) > QUICK


def test_history_of_a_mapped_task_is_not_that_of_its_elements() -> None:
    assert Batching({"a": 100.0}).seconds(unit("a", load, element=1)) is None
