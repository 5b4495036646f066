"""Mapping on every executor: element for element, depth first, flattened, retried, beside slow ones."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator import SKIP, DaskExecutor, Flow, InlineExecutor, ThreadsExecutor, task, unmapped
from orchestrator.executors.base import Executor
from orchestrator.model.binding import flatten
from orchestrator.model.policy import Trigger
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore

MAKERS: dict[str, Callable[[], Executor]] = {
    "inline": InlineExecutor,
    "threads": lambda: ThreadsExecutor(4),
    "dask": lambda: DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1}),
}


@pytest.fixture(params=MAKERS)
def executor(request: pytest.FixtureRequest) -> Executor:
    return MAKERS[request.param]()


@pytest.fixture
def store(in_tmp: Path) -> Iterator[RunStore]:
    with Project.find(in_tmp).store() as opened:
        yield opened


def rows(store: RunStore) -> dict[str, Any]:
    return {row.key: row for row in store.task_runs(store.run("latest").id)}


@task
def numbers(n: int) -> list[int]:
    return list(range(n))


@task
def inverse(x: int) -> float:
    return 1 / x


@task
def times(x: float, k: float) -> float:
    return x * k


@task
def total(xs: list[float]) -> float:
    return sum(xs)


@task
def even(x: int) -> int:
    if x % 2:
        raise SKIP("odd")
    return x


def test_each_element_hangs_on_its_own(executor: Executor, in_tmp: Path, store: RunStore) -> None:
    with Flow("f") as flow:
        found = times.map(inverse.map(numbers(4)), unmapped(12))
        total(found)
    state = flow.run(executor=executor, project=in_tmp)
    assert state.is_failed()
    kept = rows(store)
    assert [kept[f"times[{i}]"].state.value for i in range(4)] == ["Skipped"] + ["Success"] * 3
    assert [kept[f"times[{i}]"].result for i in range(1, 4)] == [
        {"value": v} for v in (12.0, 6.0, 4.0)
    ]
    assert kept["times[0]"].cause == "inverse[0]"
    # Something is missing in it, so what takes it whole is left out, and blames the task.
    assert (kept["times"].state.value, kept["times"].cause) == ("Skipped", "inverse")
    assert (kept["total"].state.value, kept["total"].cause) == ("Skipped", "inverse")


def test_elements_left_out_on_purpose_do_no_harm(
    executor: Executor, in_tmp: Path, store: RunStore
) -> None:
    with Flow("f") as flow:
        times.map(even.map(numbers(4)), unmapped(10))
    assert flow.run(executor=executor, project=in_tmp).is_successful()
    kept = rows(store)
    found = [kept[f"times[{i}]"].state.value for i in range(4)]
    assert found == ["Success", "Skipped", "Success", "Skipped"]


def test_a_trigger_looks_at_the_element(executor: Executor, in_tmp: Path, store: RunStore) -> None:
    @task(trigger=Trigger.ANY_FAILED)
    def mourn(x: Any) -> str:
        return "failed"

    with Flow("f") as flow:
        mourn.map(inverse.map(numbers(3)))
    flow.run(executor=executor, project=in_tmp)
    kept = rows(store)
    assert [kept[f"mourn[{i}]"].state.value for i in range(3)] == ["Success", "Skipped", "Skipped"]


def test_lists_of_lists_are_flattened(executor: Executor, in_tmp: Path, store: RunStore) -> None:
    @task
    def nested(n: int) -> list[list[int]]:
        return [list(range(i)) for i in range(n)]

    with Flow("f") as flow:
        total(times.map(flatten(numbers.map([1, 0, 3])), unmapped(1)))
        total(times.map(flatten(nested(4)), [1, 10, 100, 1000, 10000, 100000]))
        total(flatten(nested(4)))
    assert flow.run(executor=executor, project=in_tmp).is_successful()
    kept = rows(store)
    assert kept["total"].result == {"value": 3}  # [0], [], [0, 1, 2]
    # [], [0], [0, 1], [0, 1, 2]: 0, 0, 1 * 100, 0, 1 * 10,000, 2 * 100,000
    assert kept["total-2"].result == {"value": 210100}
    assert kept["total-3"].result == {"value": 4}


def test_a_third_mapped_task_over_two_mapped_ones(
    executor: Executor, in_tmp: Path, store: RunStore
) -> None:
    with Flow("f") as flow:
        first = times.map(numbers(5), unmapped(2))
        second = times.map(numbers(5), unmapped(3))
        total(times.map(first, second))
    assert flow.run(executor=executor, project=in_tmp).is_successful()
    assert rows(store)["total"].result == {"value": 6 * (1 + 4 + 9 + 16)}


def test_what_is_left_out_as_a_whole_is_left_out_below(
    executor: Executor, in_tmp: Path, store: RunStore
) -> None:
    @task
    def boom() -> list[int]:
        raise ValueError("no list")

    with Flow("f") as flow:
        times.map(inverse.map(boom()), unmapped(1))
    flow.run(executor=executor, project=in_tmp)
    kept = rows(store)
    assert {key: row.state.value for key, row in kept.items()} == {
        "boom": "Failed", "inverse": "Skipped", "times": "Skipped",
    }  # fmt: skip
    assert kept["times"].cause == "boom"


def test_an_element_is_tried_again_and_its_chain_goes_on(
    executor: Executor, in_tmp: Path, store: RunStore
) -> None:
    @task(max_retries=1, retry_delay=0.01)
    def flaky(folder: str, x: int) -> int:
        mark = os.path.join(folder, f"tried-{x}")
        if x % 2 and not os.path.exists(mark):
            open(mark, "w").close()
            raise OSError("not yet")
        return x

    with Flow("f") as flow:
        total(times.map(flaky.map(unmapped(str(in_tmp)), numbers(6)), unmapped(2)))
    assert flow.run(executor=executor, project=in_tmp).is_successful()
    assert rows(store)["total"].result == {"value": 30}
    attempts = store.attempts(store.run("latest").id)
    tried = {(a.key, a.number): a.state.value for a in attempts}
    assert [tried[f"flaky[{i}]", 1] for i in range(6)] == ["Success", "Failed"] * 3
    assert [tried[f"flaky[{i}]", 2] for i in (1, 3, 5)] == ["Success"] * 3
    assert len([a for a in attempts if "[" in a.key]) == 6 + 3 + 6


def test_depth_first(in_tmp: Path) -> None:
    order: list[str] = []

    @task
    def load(x: int) -> int:
        order.append(f"load {x}")
        return x

    @task
    def check(x: int) -> int:
        order.append(f"check {x}")
        return x

    with Flow("f") as flow:
        check.map(load.map([1, 2, 3]))
    flow.run(executor=InlineExecutor(), project=in_tmp)
    assert order == ["load 1", "check 1", "load 2", "check 2", "load 3", "check 3"]


@task
def quick_or_slow(x: int, slow: list[int], folder: str) -> float:
    """A slow one waits until every quick one has left its mark."""
    if x not in slow:
        open(os.path.join(folder, str(x)), "w").close()
        return x
    deadline = time.monotonic() + 60
    while len(os.listdir(folder)) < 300 - len(slow):
        if time.monotonic() > deadline:
            raise TimeoutError("a quick one waits for this slow one")
        time.sleep(0.01)
    return x


def test_nothing_quick_waits_for_a_slow_one(in_tmp: Path, store: RunStore) -> None:
    # Each of two workers has one thread; a slow element ends only when all quick ones have ended,
    # so the run can end only if what was to run after it is taken elsewhere.
    (in_tmp / "marks").mkdir()
    with Flow("f") as flow:
        done = quick_or_slow.map(list(range(300)), unmapped([150]), unmapped(str(in_tmp / "marks")))
        total(times.map(done, unmapped(2)))
    made = DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1})
    assert flow.run(executor=made, project=in_tmp).is_successful()
    assert rows(store)["total"].result == {"value": 2 * sum(range(300))}
    assert {a.number for a in store.attempts(store.run("latest").id)} == {1}


@task
def first() -> int:
    return 1


@task
def slow_follower(x: int, folder: str) -> int:
    deadline = time.monotonic() + 60
    while not os.path.exists(os.path.join(folder, "other")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert os.path.exists(os.path.join(folder, "other")), "the other follower waits for this one"
    return x


@task
def other_follower(x: int, folder: str) -> int:
    open(os.path.join(folder, "other"), "w").close()
    return x


def test_a_result_can_be_had_while_its_bundle_goes_on(in_tmp: Path) -> None:
    # `first` and one follower travel together; the other needs the result while that one runs.
    with Flow("f") as flow:
        made = first()
        slow_follower(made, str(in_tmp))
        other_follower(made, str(in_tmp))
    executor = DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1})
    state = flow.run(executor=executor, project=in_tmp)
    assert {key: s.type.value for key, s in state.result.items()} == {
        "first": "Success", "slow_follower": "Success", "other_follower": "Success",
    }  # fmt: skip


@task
def step(x: int) -> int:
    return x + 1


def test_a_chain_in_few_bundles(in_tmp: Path, store: RunStore) -> None:
    with Flow("f") as flow:
        last: Any = 0
        for _ in range(120):
            last = step(last)
    executor = DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 1})
    handed: list[Any] = []
    submit = executor.submit
    executor.submit = lambda *a, **k: handed.append(a) or submit(*a, **k)  # type: ignore[method-assign,func-returns-value]
    assert flow.run(executor=executor, project=in_tmp).is_successful()
    assert rows(store)["step-120"].result == {"value": 120}
    assert len(handed) < 40
