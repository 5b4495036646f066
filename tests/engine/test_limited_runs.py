"""Limits in real runs: what needs a slot waits for it, in processes that know nothing of each other."""

from __future__ import annotations

import itertools
import json
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestrator import DaskExecutor, Flow, InlineExecutor, ThreadsExecutor, instants, task
from orchestrator.engine.driving import limits
from orchestrator.executors.base import Executor
from orchestrator.model.state import StateType
from orchestrator.service import asking
from orchestrator.service.project import Project
from orchestrator.service.running import RunResult, run_flow
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun

FLOW = """
    import os, time
    from pathlib import Path
    from orchestrator import Flow, task

    HERE = Path(__file__).parent.parent

    def note(what, key):
        with open(HERE / "notes.txt", "a") as file:
            file.write(f"{time.monotonic()} {what} {key} {os.getpid()}\\n")

    def lights():
        return (HERE / "notes.txt").read_text().count("begin light")

    @task(tags=["heavy"])
    def heavy(n):
        note("begin", f"heavy{n}")
        while (HERE / "together").exists() and lights() < 2:
            time.sleep(0.02)
        time.sleep(float((HERE / "seconds").read_text()))
        note("end", f"heavy{n}")

    @task
    def light():
        note("begin", "light")
        note("end", "light")

    with Flow("nightly") as flow:
        for n in range(3):
            heavy(n)
        light()
"""


@pytest.fixture
def folder(in_tmp: Path) -> Path:
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "nightly.py").write_text(textwrap.dedent(FLOW))
    (in_tmp / "orchestrator.toml").write_text('[limits]\n"tag:heavy" = 1\n')
    (in_tmp / "seconds").write_text("0.15")
    return in_tmp


@pytest.fixture
def project(in_tmp: Path) -> Project:
    return Project.find(in_tmp)


@pytest.fixture
def store(project: Project) -> Iterator[RunStore]:
    with project.store() as opened:
        yield opened


def until(holds: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError("it never came to be")


def started(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "orchestrator.cli.main", "run", "nightly", "--format", "json"]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)


def notes(folder: Path) -> list[list[str]]:
    file = folder / "notes.txt"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def intervals(folder: Path, word: str) -> list[tuple[float, float]]:
    """From when to when each task of that name ran, as its process wrote down."""
    begun: dict[tuple[str, str], float] = {}
    found = []
    for at, what, key, pid in notes(folder):
        if key.startswith(word):
            if what == "begin":
                begun[key, pid] = float(at)
            else:
                found.append((begun.pop((key, pid)), float(at)))
    assert not begun
    return sorted(found)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_limit_of_one_serialises_over_two_processes(
    kind: str, folder: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "postgres":
        settings = folder / "orchestrator.toml"
        store_url = request.getfixturevalue("postgres_url")
        settings.write_text(f'store = "{store_url}"\n{settings.read_text()}')
    (folder / "together").touch()  # who has the slot keeps it until both runs are under way
    running = [started(folder), started(folder)]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    heavy = intervals(folder, "heavy")
    assert len(heavy) == 6
    for (_, ended), (begun, _) in itertools.pairwise(heavy):
        assert ended <= begun, "two ran at the same time"
    assert len(intervals(folder, "light")) == 2
    # And whoever waited said for whom
    events = [json.loads(line) for text in said for line in text.splitlines()]
    runs = {event["run_id"] for event in events if event["event"] == "run_started"}
    waits = [event["text"] for event in events if event["event"] == "log"]
    assert waits
    assert all(text.startswith("waits for limit tag:heavy (") for text in waits)
    assert any(f"run {run}" in text for run in runs for text in waits), "one saw the other"
    with Project.find(folder).store() as store:
        assert [(each.slots, each.taken) for each in store.limits()] == [(1, ())]


def test_the_lease_of_a_killed_driver_runs_out(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "seconds").write_text("300")
    dead = started(folder)
    project = Project.find(folder)
    with project.store() as store:
        [lease] = until(lambda: [each for limit in store.limits() for each in limit.taken])
        dead.send_signal(signal.SIGKILL)
        dead.communicate(timeout=60)
        (folder / "seconds").write_text("0")
        # As long as the lease holds, a new run waits
        ended: list[RunResult] = []
        flow = project.flow("nightly")
        thread = threading.Thread(
            target=lambda: ended.append(run_flow(project, flow, executor=ThreadsExecutor(2)))
        )
        thread.start()
        try:
            second = until(lambda: [r for r in store.runs() if r.id != lease.run_id])[0]
            text = f"waits for limit tag:heavy (1 of 1 taken by run {lease.run_id})"
            until(lambda: text in [line.text for line in store.logs(second.id)])
            heavy = [row for row in store.task_runs(second.id) if row.key.startswith("heavy")]
            assert {row.state for row in heavy} == {StateType.PENDING}
        finally:
            # When it has run out, the new run takes the slot
            later = lease.expires + timedelta(seconds=1)
            begin = time.monotonic()
            monkeypatch.setattr(
                instants, "_source", lambda: later + timedelta(seconds=time.monotonic() - begin)
            )
            thread.join(60)
        assert ended[0].state.is_successful()


MAKERS: dict[str, Callable[[], Executor]] = {
    "inline": InlineExecutor,
    "threads": lambda: ThreadsExecutor(4),
    "dask": lambda: DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2}),
}


@pytest.mark.parametrize("executor", MAKERS)
def test_elements_of_a_mapped_task_need_a_slot_each(
    executor: str, project: Project, store: RunStore, in_tmp: Path
) -> None:
    @task(tags=["heavy"])
    def busy(n: int, folder: str) -> int:
        own = Path(folder, f"busy{n}")
        own.touch()
        time.sleep(0.01)
        count = len(list(Path(folder).glob("busy*")))
        own.unlink()
        return count

    @task
    def after(count: int) -> int:
        return count

    from orchestrator import unmapped

    with Flow("nightly") as flow:
        after.map(busy.map(list(range(12)), unmapped(str(in_tmp))))
    store.set_limit("tag:heavy", 2)
    state = run_flow(project, flow, executor=MAKERS[executor]()).state
    assert state.is_successful()
    rows = store.task_runs(store.run("latest").id)
    counts = [row.result["value"] for row in rows if row.key.startswith("after[")]
    assert len(counts) == 12
    assert max(counts) <= 2
    assert store.limits()[0].taken == ()


@task(tags=["heavy"])
def heavy() -> str:
    return "done"


@task
def light(x: Any = None) -> str:
    return "done"


class Held:
    """A slot that a run elsewhere has."""

    def __init__(self, store: RunStore, name: str) -> None:
        self.store = store
        store.create_run(FlowRun("other", "other"))
        store.set_limit(name, 1)
        assert store.acquire([name], "held", "other", instants.now() + timedelta(hours=1)) == ()

    def give_back(self) -> None:
        self.store.release("held")


class Running:
    """A flow that runs in a thread of its own."""

    def __init__(self, project: Project, flow: Flow, store: RunStore, threads: int = 1) -> None:
        self.store, self.ended = store, []
        self.thread = threading.Thread(
            target=lambda: self.ended.append(
                run_flow(project, flow, executor=ThreadsExecutor(threads))
            )
        )
        self.thread.start()
        self.run_id = until(lambda: [r.id for r in store.runs() if r.id != "other"])[0]

    def rows(self) -> dict[str, str]:
        return {row.key: row.state.value for row in self.store.task_runs(self.run_id)}

    def texts(self) -> list[str]:
        return [line.text for line in self.store.logs(self.run_id)]

    def result(self) -> RunResult:
        self.thread.join(60)
        result: RunResult = self.ended[0]
        return result


def test_waiting_for_a_slot_takes_no_room(project: Project, store: RunStore) -> None:
    held = Held(store, "tag:heavy")
    with Flow("nightly") as flow:
        light(heavy())
        light(light())
    running = Running(project, flow, store, threads=1)
    text = "waits for limit tag:heavy (1 of 1 taken by run other)"
    until(lambda: text in running.texts())
    until(lambda: running.rows()["light-3"] == "Success")
    assert running.rows()["heavy"] == "Pending"
    assert running.rows()["light"] == "Pending"
    [line] = store.logs(running.run_id)
    assert line.key == "heavy"
    held.give_back()
    assert running.result().state.is_successful()


def test_a_limit_that_is_set_meanwhile_counts_for_what_gets_ready_later(
    project: Project, store: RunStore, in_tmp: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "_REREAD", 0.0)

    @task
    def wait(folder: str) -> None:
        until(Path(folder, "go").exists)

    with Flow("nightly") as flow:
        first = wait(str(in_tmp))
        heavy(upstream_tasks=[first])
    running = Running(project, flow, store)
    until(lambda: running.rows()["wait"] == "Running")
    store.set_limit("tag:heavy", 0)
    (in_tmp / "go").touch()
    until(lambda: "waits for limit tag:heavy (0 of 0 taken)" in running.texts())
    store.set_limit("tag:heavy", None)
    assert running.result().state.is_successful()


def test_a_run_waits_for_the_limit_on_its_flow(project: Project, store: RunStore) -> None:
    held = Held(store, "flow:nightly")
    with Flow("nightly") as flow:
        light(light())
    running = Running(project, flow, store)
    until(lambda: running.texts() == ["waits for limit flow:nightly (1 of 1 taken by run other)"])
    assert set(running.rows().values()) == {"Pending"}
    held.give_back()
    assert running.result().state.is_successful()
    assert store.limits()[0].taken == ()


def test_a_run_that_waits_for_its_flow_can_be_cancelled(project: Project, store: RunStore) -> None:
    Held(store, "flow:nightly")
    with Flow("nightly") as flow:
        light()
    running = Running(project, flow, store)
    until(running.texts)
    asking.request_cancel(project, running.run_id)
    assert running.result().state.type is StateType.CANCELLED
    assert running.rows() == {"light": "Cancelled"}
    assert [lease.run_id for lease in store.limits()[0].taken] == ["other"]


def test_a_failed_attempt_gives_its_slot_back_while_it_waits_for_the_next(
    project: Project, store: RunStore, in_tmp: Path
) -> None:
    @task(tags=["heavy"], max_retries=1, retry_delay=0.3)
    def flaky(folder: str) -> int:
        tried = Path(folder, "tried")
        if not tried.exists():
            tried.touch()
            raise OSError("not yet")
        return 1

    @task(tags=["heavy"])
    def other(folder: str) -> bool:
        return bool(until(Path(folder, "tried").exists))

    store.set_limit("tag:heavy", 1)
    with Flow("nightly") as flow:
        flaky(str(in_tmp))
        other(str(in_tmp))
    state = run_flow(project, flow, executor=ThreadsExecutor(2)).state
    assert state.is_successful()
    assert store.limits()[0].taken == ()


def test_a_warehouse_can_be_limited(in_tmp: Path) -> None:
    (in_tmp / "orchestrator.toml").write_text(
        '[warehouses.main]\ntype = "duckdb"\npath = "shop.duckdb"\n[limits]\n"warehouse:main" = 1\n'
    )

    @task(warehouse="main")
    def query(n: int, folder: str, warehouse: Any) -> int:
        own = Path(folder, f"query{n}")
        own.touch()
        time.sleep(0.02)
        count = len(list(Path(folder).glob("query*")))
        own.unlink()
        return count

    from orchestrator import unmapped

    with Flow("nightly") as flow:
        query.map([1, 2, 3, 4], unmapped(str(in_tmp)))
    project = Project.find(in_tmp)
    assert run_flow(project, flow, executor=ThreadsExecutor(4)).state.is_successful()
    with project.store() as store:
        rows = store.task_runs(store.run("latest").id)
        assert [row.result["value"] for row in rows if "[" in row.key] == [1, 1, 1, 1]
