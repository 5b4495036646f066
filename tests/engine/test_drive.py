"""Whole runs on every executor: data, mapping, skips, retries, triggers, logs and results."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from orchestrator import (
    FAIL,
    SKIP,
    DaskExecutor,
    Flow,
    InlineExecutor,
    Parameter,
    Result,
    ThreadsExecutor,
    Trigger,
    context,
    task,
    unmapped,
)
from orchestrator.engine import run as driving
from orchestrator.engine.driving.interrupts import Interrupts
from orchestrator.errors import ParameterError
from orchestrator.executors import threads
from orchestrator.executors.base import Completed, Executor, Message
from orchestrator.model.state import FINISHED, State
from orchestrator.service.asking import cancel_run
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore

MAKERS: dict[str, Callable[[], Executor]] = {
    "inline": InlineExecutor,
    "threads": lambda: ThreadsExecutor(4),
    "dask": lambda: DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2}),
}


@pytest.fixture(params=MAKERS)
def executor(request: pytest.FixtureRequest) -> Executor:
    return MAKERS[request.param]()


@pytest.fixture
def store(in_tmp: Path) -> Iterator[RunStore]:
    with Project.find(in_tmp).store() as opened:
        yield opened


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that is to stop has less time for it."""
    monkeypatch.setattr(driving, "Interrupts", partial(Interrupts, grace=0.2))
    monkeypatch.setattr(threads, "_LAST", 0.1)


@task
def numbers(n: int) -> list[int]:
    context.current().logger.info("making %s numbers", n)
    return list(range(n))


@task
def times(x: int, k: int) -> int:
    return x * k


@task
def total(xs: list[int]) -> int:
    return sum(xs)


@task
def boom(x: Any = None) -> None:
    raise ValueError("broken on purpose")


def types(state: State) -> dict[str, str]:
    return {key: found.type.value for key, found in state.result.items()}


def test_data_mapping_and_reduction(executor: Executor, in_tmp: Path, store: RunStore) -> None:
    with Flow("f") as flow:
        n = Parameter("n", default=3)
        total(times.map(numbers(n), unmapped(10)))
    state = flow.run({"n": "4"}, executor, project=in_tmp)
    assert state.is_successful()
    rows = {row.key: row for row in store.task_runs("latest" and store.run("latest").id)}
    assert rows["total"].result == {"value": 60}  # (0 + 1 + 2 + 3) * 10
    assert [rows[f"times[{i}]"].result["value"] for i in range(4)] == [0, 10, 20, 30]
    lines = store.logs(store.run("latest").id, "numbers")
    assert [line.text for line in lines] == ["making 4 numbers"]


def test_mapped_over_mapped_and_over_nothing(executor: Executor, in_tmp: Path) -> None:
    with Flow("f") as flow:
        total(times.map(times.map([1, 2, 3], unmapped(2)), [1, 10, 100]))
        total(times.map(numbers(0), unmapped(1)))
    state = flow.run(executor=executor, project=in_tmp)
    assert set(types(state).values()) == {"Success"}
    with Project.find(in_tmp).store() as store:
        rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    assert rows["total"].result == {"value": 642}  # 2 * 1 + 4 * 10 + 6 * 100
    assert rows["total-2"].result == {"value": 0}


def test_a_failure_skips_what_needs_it_and_nothing_else(executor: Executor, in_tmp: Path) -> None:
    with Flow("f") as flow:
        bad = boom()
        after = total([bad, 1])
        total([after])
        total(numbers(2))
    state = flow.run(executor=executor, project=in_tmp)
    assert state.is_failed()
    assert types(state) == {
        "boom": "Failed",
        "total": "Skipped",
        "total-2": "Skipped",
        "numbers": "Success",
        "total-3": "Success",
    }
    assert state.result["total-2"].cause == "boom"
    assert state.result["boom"].message == "ValueError: broken on purpose"


def test_one_broken_element_does_not_stop_its_siblings(executor: Executor, in_tmp: Path) -> None:
    @task
    def inverse(x: int) -> float:
        return 1 / x

    with Flow("f") as flow:
        total(inverse.map([1, 0, 2]))
    state = flow.run(executor=executor, project=in_tmp)
    assert types(state) == {"inverse": "Failed", "total": "Skipped"}
    with Project.find(in_tmp).store() as store:
        rows = {row.key: row.state.value for row in store.task_runs(store.run("latest").id)}
    assert (rows["inverse[0]"], rows["inverse[1]"], rows["inverse[2]"]) == (
        "Success",
        "Failed",
        "Success",
    )


def test_retries_are_counted_and_recorded(
    executor: Executor, in_tmp: Path, store: RunStore
) -> None:
    @task(max_retries=2, retry_delay=0.01, retry_on=OSError)
    def flaky(folder: str) -> int:
        tries = len(os.listdir(folder)) + 1
        open(os.path.join(folder, str(tries)), "w").close()
        if tries < 3:
            raise OSError("not yet")
        return tries

    (in_tmp / "tries").mkdir()
    with Flow("f") as flow:
        flaky(str(in_tmp / "tries"))
    assert flow.run(executor=executor, project=in_tmp).is_successful()
    attempts = store.attempts(store.run("latest").id)
    assert [(a.number, a.state.value) for a in attempts] == [
        (1, "Failed"),
        (2, "Failed"),
        (3, "Success"),
    ]
    assert len({a.token for a in attempts}) == 3


def test_an_error_that_is_not_worth_another_try(
    executor: Executor, in_tmp: Path, store: RunStore
) -> None:
    @task(max_retries=3, retry_on=OSError)
    def wrong() -> None:
        raise KeyError("x")

    with Flow("f") as flow:
        wrong()
    assert flow.run(executor=executor, project=in_tmp).is_failed()
    assert len(store.attempts(store.run("latest").id)) == 1


def test_triggers_and_clean_up(executor: Executor, in_tmp: Path) -> None:
    @task(trigger=Trigger.ALL_FINISHED)
    def clean_up() -> str:
        return "cleaned"

    @task(trigger=Trigger.ANY_FAILED)
    def alarm() -> None: ...

    with Flow("f") as flow:
        bad = boom()
        clean_up(upstream_tasks=[bad])
        alarm(upstream_tasks=[bad])
        alarm(upstream_tasks=[numbers(1)])
    state = flow.run(executor=executor, project=in_tmp)
    assert state.is_failed(), "a clean-up task never turns the flow green"
    assert types(state)["clean_up"] == "Success"
    assert (types(state)["alarm"], types(state)["alarm-2"]) == ("Success", "Skipped")


def test_reference_tasks_decide(executor: Executor, in_tmp: Path) -> None:
    with Flow("f") as flow:
        boom()
        good = numbers(1)
    flow.set_reference_tasks([good])
    assert flow.run(executor=executor, project=in_tmp).is_successful()


def test_what_runs_after_a_failure_does_not_vouch_for_it(in_tmp: Path) -> None:
    with Flow("f") as flow:
        never = times(boom(), 2)
        cleaned = numbers(1, upstream_tasks=[never], task_args={"trigger": Trigger.ALL_FINISHED})
        enough = numbers(
            1, upstream_tasks=[never, numbers(2)], task_args={"trigger": Trigger.ANY_SUCCESSFUL}
        )  # fmt: skip
    flow.set_reference_tasks([cleaned])
    state = flow.run(executor=InlineExecutor(), project=in_tmp)
    assert (state.is_failed(), types(state)["numbers"]) == (True, "Success")
    flow.set_reference_tasks([enough])
    assert flow.run(executor=InlineExecutor(), project=in_tmp).is_successful()


def test_every_way_to_read_states_gives_their_results(in_tmp: Path) -> None:
    with Flow("f") as flow:
        made = numbers(2)
    states = flow.run(executor=InlineExecutor(), project=in_tmp).result
    assert [(key, state.result) for key, state in states.items()] == [("numbers", [0, 1])]
    states = flow.run(executor=InlineExecutor(), project=in_tmp).result
    assert [state.result for state in states.values()] == [[0, 1]]
    states = flow.run(executor=InlineExecutor(), project=in_tmp).result
    assert dict(states)["numbers"].result == [0, 1] == states[made].result


def test_signals_and_details(executor: Executor, in_tmp: Path, store: RunStore) -> None:
    @task
    def nothing_to_do() -> None:
        raise SKIP("no new files")

    @task
    def detailed() -> Result:
        return Result(value=1, status="warn", rows=5, failures=2, detail={"relation": "a.b"})

    @task
    def wrong() -> None:
        raise FAIL("line 3 is wrong", status="error", detail={"sql": "select", "error_line": 3})

    with Flow("f") as flow:
        total([nothing_to_do()])
        detailed()
        wrong()
    state = flow.run(executor=executor, project=in_tmp)
    rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    assert types(state)["total"] == "Skipped"
    assert (rows["detailed"].status, rows["detailed"].rows, rows["detailed"].failures) == (
        "warn",
        5,
        2,
    )
    assert rows["wrong"].detail["error_line"] == 3
    assert rows["wrong"].message == "line 3 is wrong"


def test_what_cannot_be_kept_as_json_still_travels(
    executor: Executor, in_tmp: Path, store: RunStore
) -> None:
    @task
    def pair() -> tuple[int, set[int]]:
        return (1, {2})

    @task
    def kind(value: Any) -> str:
        return type(value).__name__

    with Flow("f") as flow:
        kind(pair())
    assert flow.run(executor=executor, project=in_tmp).is_successful()
    rows = {row.key: row for row in store.task_runs(store.run("latest").id)}
    assert rows["pair"].result is None
    assert rows["kind"].result == {"value": "tuple"}


def test_an_error_whose_text_cannot_be_made(executor: Executor, in_tmp: Path) -> None:
    class NastyError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

        def __reduce__(self) -> Any:
            raise TypeError("no pickle")

    @task
    def nasty() -> None:
        raise NastyError

    with Flow("f") as flow:
        nasty()
    state = flow.run(executor=executor, project=in_tmp)
    assert state.is_failed()
    assert "whose text cannot be made" in state.result["nasty"].message


def test_a_missing_parameter_stops_the_run_before_anything_is_written(
    in_tmp: Path, store: RunStore
) -> None:
    with Flow("f") as flow:
        numbers(Parameter("n", type=int))
    with pytest.raises(ParameterError, match="needs parameter 'n'"):
        flow.run(project=in_tmp)
    assert store.runs() == ()


def test_a_timeout_stops_work_that_looks(in_tmp: Path) -> None:
    @task(timeout=0.2)
    def patient() -> None:
        if context.current().cancelled.wait(30):
            raise InterruptedError("told to stop")

    with Flow("f") as flow:
        patient()
    state = flow.run(executor=ThreadsExecutor(1), project=in_tmp)
    assert types(state) == {"patient": "TimedOut"}


def test_what_runs_is_told_to_stop_however_soon_the_second_interrupt_comes(in_tmp: Path) -> None:
    began, heard = threading.Event(), threading.Event()

    @task
    def looks() -> None:
        began.set()
        if context.current().cancelled.wait(30):
            heard.set()

    class Impatient(ThreadsExecutor):
        def wait(self, timeout: float | None) -> list[Completed | Message]:
            assert began.wait(30)
            raise KeyboardInterrupt

    with Flow("f") as flow:
        looks()
    with pytest.raises(KeyboardInterrupt):
        flow.run(executor=Impatient(1), project=in_tmp)
    assert heard.wait(30)


@pytest.mark.parametrize("make", [InlineExecutor, lambda: ThreadsExecutor(1)])
def test_a_run_whose_time_is_over_does_not_wait_for_what_blocks(
    make: Callable[[], Executor], in_tmp: Path, store: RunStore, hurried: None
) -> None:
    never = threading.Event()

    @task
    def blocks() -> None:
        never.wait()

    with Flow("f", timeout=0.1) as flow:
        numbers(1, upstream_tasks=[blocks()])
    state = flow.run(executor=make(), project=in_tmp)
    assert state.type.value == "TimedOut"
    assert state.message.startswith("stopped after 0.1 s")
    run = store.run("latest")
    assert (run.state, run.message) == (state.type, state.message)
    assert types(state)["blocks"] == "Cancelled"
    assert {row.state for row in store.task_runs(run.id)} <= FINISHED


def test_a_cancelled_run_does_not_wait_for_what_blocks(
    in_tmp: Path, store: RunStore, hurried: None
) -> None:
    never = threading.Event()
    told: list[str] = []

    @task
    def blocks() -> None:
        cancel_run(store, "latest", by="ada")
        never.wait()

    with Flow("f", state_handlers=[lambda f, o, n: told.append(n.type.value)]) as flow:
        numbers(1, upstream_tasks=[blocks()])
    state = flow.run(executor=ThreadsExecutor(1), project=in_tmp)
    assert state.message == "cancelled; what was under way was not waited for"
    assert told == ["Running", "Cancelled"]
    run_id = store.run("latest").id
    assert {row.state.value for row in store.task_runs(run_id)} == {"Cancelled"}
    said = [line.text for line in store.logs(run_id)]
    assert "stopping: what is under way is asked to end; after 0.2 s it is not waited for" in said


def test_a_driver_that_cannot_be_interrupted_heeds_the_time_itself(
    in_tmp: Path, hurried: None
) -> None:
    never, ended = threading.Event(), []

    @task
    def blocks() -> None:
        never.wait()

    with Flow("f", timeout=0.1) as flow:
        blocks()
    thread = threading.Thread(
        target=lambda: ended.append(flow.run(executor=ThreadsExecutor(1), project=in_tmp))
    )
    thread.start()
    thread.join(60)
    assert [state.type.value for state in ended] == ["TimedOut"]


def test_a_run_within_a_task_ends_with_the_run_around_it(
    in_tmp: Path, store: RunStore, hurried: None
) -> None:
    never = threading.Event()

    @task
    def blocks() -> None:
        never.wait()

    inner = Flow("inner")
    with inner:
        blocks()

    @task
    def calls() -> None:
        inner.run(executor=InlineExecutor(), project=in_tmp)

    with Flow("outer", timeout=0.5) as outer:
        calls()
    assert outer.run(executor=ThreadsExecutor(1), project=in_tmp).type.value == "TimedOut"
    [run] = store.runs(flow="inner")
    assert run.state.value == "Cancelled"
    assert {row.state for row in store.task_runs(run.id)} <= FINISHED


def test_a_long_chain_does_not_nest(in_tmp: Path) -> None:
    @task
    def step(x: int | None) -> int:
        if x is None:
            raise ValueError("first")
        return x + 1

    with Flow("f") as flow:
        last: Any = None
        for _ in range(1500):
            last = step(last)
    state = flow.run(executor=ThreadsExecutor(2), project=in_tmp)
    assert sorted(set(types(state).values())) == ["Failed", "Skipped"]


def test_independent_work_runs_at_the_same_time(in_tmp: Path) -> None:
    @task
    def meet(folder: str, name: str, other: str) -> bool:
        open(os.path.join(folder, name), "w").close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if os.path.exists(os.path.join(folder, other)):
                return True
            time.sleep(0.01)
        raise TimeoutError("the other task never came")

    with Flow("f") as flow:
        meet(str(in_tmp), "a", "b")
        meet(str(in_tmp), "b", "a")
    assert flow.run(executor=ThreadsExecutor(2), project=in_tmp).is_successful()
