"""What people ask of a run under way, and what a retry makes of what was marked by hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, Parameter, ThreadsExecutor, Trigger, task
from orchestrator.errors import NotFoundError, UsageError
from orchestrator.model.signals import PAUSE
from orchestrator.model.state import State, StateType
from orchestrator.service import asking
from orchestrator.service.flow_modules import FlowModules
from orchestrator.service.project import Project
from orchestrator.service.running import RunResult, retry_run, run_flow
from orchestrator.store.base import RunStore
from orchestrator.store.records import Action


@pytest.fixture
def project(in_tmp: Path) -> Project:
    return Project.find(in_tmp)


@pytest.fixture
def store(project: Project) -> Iterator[RunStore]:
    with project.store() as opened:
        yield opened


def until(holds: Callable[[], Any]) -> Any:
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came to be")


class Running:
    """A flow that runs in a thread of its own."""

    def __init__(self, project: Project, flow: Flow, store: RunStore) -> None:
        project.modules = FlowModules({flow.name: flow}, {}, {})
        self.store, self.ended = store, []
        known = {run.id for run in store.runs()}
        self.thread = threading.Thread(target=self._run, args=(project, flow))
        self.thread.start()
        self.run_id = until(lambda: [r.id for r in store.runs() if r.id not in known])[0]

    def _run(self, project: Project, flow: Flow) -> None:
        self.ended.append(run_flow(project, flow, executor=ThreadsExecutor(2)))

    def until(self, key: str, state: StateType) -> None:
        def stands() -> bool:
            return any(row.state is state for row in self.store.task_runs(self.run_id, key))

        until(stands)

    def state(self) -> State:
        self.thread.join(60)
        result: RunResult = self.ended[0]
        return result.state

    def types(self) -> dict[str, str]:
        return {key: state.type.value for key, state in self.state().result.items()}


@task
def load() -> list[int]:
    return [1, 2]


@task
def total(numbers: list[int] | None) -> int:
    return sum(numbers or [])


@task(trigger=Trigger.MANUAL_ONLY)
def publish(numbers: list[int]) -> int:
    return len(numbers)


@task
def look_first(folder: str) -> str:
    if not Path(folder, "seen").exists():
        Path(folder, "seen").touch()
        raise PAUSE("look at the numbers")
    return "seen"


def test_a_task_that_waits_for_a_word_runs_when_it_is_given(
    project: Project, store: RunStore
) -> None:
    with Flow("nightly") as flow:
        total([publish(load())])
    running = Running(project, flow, store)
    running.until("publish", StateType.PAUSED)
    assert store.task_runs(running.run_id, "total")[0].state is StateType.PENDING
    done = asking.let_go_on(project, running.run_id[:8], "publish", Action.APPROVE)
    assert [each.key for each in done.tasks] == ["publish"]
    assert running.types() == {"load": "Success", "publish": "Success", "total": "Success"}
    [asked] = store.asked(running.run_id)
    assert (asked.action, asked.key, asked.by) == (Action.APPROVE, "publish", asking.who())


def test_a_paused_task_goes_on_with_a_new_attempt(
    project: Project, store: RunStore, in_tmp: Path
) -> None:
    with Flow("nightly") as flow:
        look_first(str(in_tmp))
    running = Running(project, flow, store)
    running.until("look_first", StateType.PAUSED)
    [row] = store.task_runs(running.run_id)
    assert row.message == "look at the numbers"
    asking.let_go_on(project, running.run_id, None, Action.RESUME)
    assert running.types() == {"look_first": "Success"}
    attempts = store.attempts(running.run_id)
    assert [(a.number, a.state.value) for a in attempts] == [(1, "Paused"), (2, "Success")]


def test_a_paused_run_can_be_cancelled(project: Project, store: RunStore) -> None:
    with Flow("nightly") as flow:
        total([publish([1])])
    running = Running(project, flow, store)
    running.until("publish", StateType.PAUSED)
    asking.request_cancel(project, running.run_id)
    assert running.state().type is StateType.CANCELLED
    rows = {row.key: row.state.value for row in store.task_runs(running.run_id)}
    assert rows == {"publish": "Cancelled", "total": "Cancelled"}


@pytest.mark.parametrize(
    ("state", "ended"),
    [
        ("success", {"publish": "Success", "total": "Success"}),
        ("failed", {"publish": "Failed", "total": "Skipped"}),
        ("skipped", {"publish": "Skipped", "total": "Skipped"}),
    ],
)
def test_a_waiting_task_that_is_marked_gets_the_state_at_once(
    project: Project, store: RunStore, state: str, ended: dict[str, str]
) -> None:
    with Flow("nightly") as flow:
        total(publish([1]))
    running = Running(project, flow, store)
    running.until("publish", StateType.PAUSED)
    result = [20, 22] if state == "success" else None
    done = asking.mark(project, running.run_id, "publish", state, reason="x", result=result)
    assert done.now
    assert running.types() == ended
    [row] = store.task_runs(running.run_id, "publish")
    assert row.message == f"marked by {asking.who()}: x"
    if state == "success":
        assert store.task_runs(running.run_id, "total")[0].result == {"value": 42}


def test_a_task_marked_before_what_it_waits_for_has_ended(
    project: Project, store: RunStore, in_tmp: Path
) -> None:
    with Flow("nightly") as flow:
        first = publish([1])
        second = total([1], upstream_tasks=[first])
        total([5], upstream_tasks=[second])
    running = Running(project, flow, store)
    running.until("publish", StateType.PAUSED)
    asking.mark(project, running.run_id, "total", "success", reason="done by hand")
    running.until("total", StateType.SUCCESS)
    running.until("total-2", StateType.SUCCESS)
    asking.let_go_on(project, running.run_id, "publish", Action.APPROVE)
    assert set(running.types().values()) == {"Success"}
    assert store.attempts(running.run_id, "total") == ()


# -- after the run -----------------------------------------------------------------------------


@task
def note(folder: str, name: str, value: Any = None) -> Any:
    """Leave a note that it ran, and fail if it is told to."""
    with Path(folder, "ran").open("a") as file:
        file.write(f"{name}\n")
    if Path(folder, f"break-{name}").exists():
        raise ValueError("broken on purpose")
    return value


def ran(folder: Path) -> list[str]:
    notes = folder / "ran"
    found = notes.read_text().split() if notes.exists() else []
    notes.unlink(missing_ok=True)
    return sorted(found)


@pytest.fixture
def nightly(project: Project, in_tmp: Path) -> Flow:
    """Two branches: a, b and c in a row, and d by itself."""
    here = str(in_tmp)
    with Flow("nightly") as flow:
        a = note(here, "a", 1, task_args={"name": "a"})
        b = note(here, "b", a, task_args={"name": "b"})
        note(here, "c", b, task_args={"name": "c"})
        note(here, "d", task_args={"name": "d"})
    project.modules = FlowModules({"nightly": flow}, {}, {})
    return flow


def test_a_failed_task_marked_successful_is_not_run_again(
    project: Project, store: RunStore, nightly: Flow, in_tmp: Path
) -> None:
    (in_tmp / "break-b").touch()
    first = run_flow(project, nightly, executor=ThreadsExecutor(2))
    assert first.state.is_failed()
    assert ran(in_tmp) == ["a", "b", "d"]
    done = asking.mark(project, "latest", "b", "success", reason="loaded by hand", result=7)
    assert not done.now
    second = retry_run(project, first.run_id)
    assert second.state.is_successful()
    assert ran(in_tmp) == ["c"]
    assert store.task_runs(second.run_id, "c")[0].result == {"value": 7}


def test_a_success_marked_failed_runs_again_with_what_depends_on_it(
    project: Project, store: RunStore, nightly: Flow, in_tmp: Path
) -> None:
    first = run_flow(project, nightly, executor=ThreadsExecutor(2))
    assert first.state.is_successful()
    assert ran(in_tmp) == ["a", "b", "c", "d"]
    with pytest.raises(UsageError, match="nothing to retry"):
        retry_run(project, first.run_id)
    asking.mark(project, first.run_id, "b", "failed", reason="the numbers are wrong")
    (in_tmp / "break-c").touch()
    second = retry_run(project, first.run_id)
    assert second.state.is_failed()
    assert ran(in_tmp) == ["b", "c"]
    # And what the first run had done of it does not count any more
    (in_tmp / "break-c").unlink()
    third = retry_run(project, second.run_id)
    assert third.state.is_successful()
    assert ran(in_tmp) == ["c"]


def test_a_failed_task_marked_skipped_is_left_out_with_what_depends_on_it(
    project: Project, store: RunStore, nightly: Flow, in_tmp: Path
) -> None:
    (in_tmp / "break-b").touch()
    first = run_flow(project, nightly, executor=ThreadsExecutor(2))
    ran(in_tmp)
    asking.mark(project, first.run_id, "b", "skipped", reason="not today")
    second = retry_run(project, first.run_id)
    assert ran(in_tmp) == []
    assert second.state.is_successful()
    rows = {row.key: row.state.value for row in store.task_runs(second.run_id)}
    assert rows == {"b": "Skipped", "c": "Skipped"}


def test_an_element_can_be_marked(project: Project, store: RunStore, in_tmp: Path) -> None:
    @task
    def inverse(x: int) -> float:
        return 1 / x

    with Flow("nightly") as flow:
        total(inverse.map([1, 0, 2]))
    project.modules = FlowModules({"nightly": flow}, {}, {})
    first = run_flow(project, flow, executor=ThreadsExecutor(2))
    assert first.state.is_failed()
    asking.mark(project, first.run_id, "inverse[1]", "success", reason="none", result=10)
    second = retry_run(project, first.run_id)
    assert second.state.is_successful()
    assert store.task_runs(second.run_id, "total")[0].result == {"value": 11.5}


# -- what cannot be asked ------------------------------------------------------------------------


def test_what_cannot_be_asked(
    project: Project, store: RunStore, nightly: Flow, in_tmp: Path
) -> None:
    done = run_flow(project, nightly, executor=ThreadsExecutor(2))
    with pytest.raises(UsageError, match="has ended: Success"):
        asking.let_go_on(project, done.run_id, "a", Action.APPROVE)
    with pytest.raises(UsageError, match="has ended already"):
        asking.request_cancel(project, done.run_id)
    with pytest.raises(NotFoundError, match="has no task 'x'"):
        asking.mark(project, done.run_id, "x", "failed", reason="")
    with pytest.raises(NotFoundError, match="no run 'ffff'"):
        asking.mark(project, "ffff", "a", "failed", reason="")
    with pytest.raises(UsageError, match="cannot be marked 'well'") as wrong:
        asking.mark(project, done.run_id, "a", "well", reason="")
    assert wrong.value.fix == "use success, failed, skipped"
    with pytest.raises(UsageError, match="has no result"):
        asking.mark(project, done.run_id, "a", "failed", reason="", result=1)
    assert store.asked(done.run_id) == ()


def test_what_cannot_be_asked_of_a_run_under_way(
    project: Project, store: RunStore, in_tmp: Path
) -> None:
    @task
    def wait(folder: str) -> None:
        until(Path(folder, "go").exists)

    with Flow("nightly") as flow:
        wait(str(in_tmp))
        publish([Parameter("n", default=1)])
    running = Running(project, flow, store)
    running.until("publish", StateType.PAUSED)
    running.until("wait", StateType.RUNNING)
    with pytest.raises(UsageError, match="'wait' is Running") as at_work:
        asking.mark(project, running.run_id, "wait", "success", reason="")
    assert "runs cancel" in str(at_work.value.fix)
    with pytest.raises(UsageError, match="waits for nobody: it is Running") as nobody:
        asking.let_go_on(project, running.run_id, "wait", Action.RESUME)
    assert nobody.value.fix == "waiting: publish"
    (in_tmp / "go").touch()
    asking.let_go_on(project, running.run_id, "publish", Action.APPROVE)
    assert running.state().is_successful()
