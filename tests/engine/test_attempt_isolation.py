"""Attempts that are stopped: by their time, or with their run; whatever they do, and with all they started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

from orchestrator import context, task
from orchestrator.engine.attempts import isolation
from orchestrator.engine.attempts.attempt import cancel_run, run_attempt
from orchestrator.model.task import Task
from orchestrator.process import supervisor
from tests.engine.attempts import PATIENCE, Channel, Place, order, place, tried


@pytest.fixture(scope="module", params=["inline", "threads", "dask"])
def anywhere(request: pytest.FixtureRequest) -> Iterator[Place]:
    with place(request.param) as started:
        yield started


def until(holds: Any) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never came to hold"
        time.sleep(0.02)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def note(folder: str) -> None:
    """Leave the number of this process behind, for the test to look at."""
    Path(folder, str(os.getpid())).touch()


def noted(folder: Path) -> list[int]:
    return [int(path.name) for path in folder.iterdir() if path.name.isdigit()]


@task(timeout=1)
def sleeps(folder: str) -> None:
    note(folder)
    time.sleep(600)


@task(timeout=1)
def counts(folder: str) -> None:
    note(folder)
    n = 0
    while True:
        n += 1


@task(timeout=1)
def ignores(folder: str) -> None:
    note(folder)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(600)


@task(timeout=1)
def starts_others(folder: str) -> None:
    note(folder)
    for extra in ({}, {"start_new_session": True}):
        code = "import os, sys, time; open(sys.argv[1] + f'/{os.getpid()}', 'w'); time.sleep(600)"
        subprocess.Popen([sys.executable, "-c", code, folder], **extra)
    until(lambda: len(noted(Path(folder))) == 3)
    time.sleep(600)


@pytest.mark.slow
@pytest.mark.parametrize("stubborn", [sleeps, counts, ignores, starts_others])
def test_a_time_limit_stops_a_function_with_all_it_started(
    anywhere: Place, stubborn: Task, tmp_path: Path
) -> None:
    report = anywhere.tried(stubborn, folder=str(tmp_path))
    assert (report.state.type, report.state.message) == ("TimedOut", "stopped after 1 s")
    assert len(noted(tmp_path)) == (3 if stubborn is starts_others else 1)
    assert all(map(gone, noted(tmp_path))), "what is reported as stopped has stopped"


def test_who_started_something_is_asked_to_end_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or a function whose command was ended first might go on as if all were well."""
    family, told = [900, 17, 300, 4, 55], []
    watching = object.__new__(supervisor.Supervisor)
    watching.order, watching.stopped = {"stop_signal": signal.SIGTERM}, "cancelled"
    watching.tree = SimpleNamespace(pids=lambda: family, empty=lambda: bool(told))
    monkeypatch.setattr(supervisor.Supervisor, "_reap", lambda self: None)
    monkeypatch.setattr(supervisor.os, "kill", lambda pid, number: told.append((pid, number)))
    assert watching._stop(1.0) == []
    assert [pid for pid, number in told if number == signal.SIGTERM] == family


def test_nothing_begins_in_a_cancelled_run(tmp_path: Path) -> None:
    cancel_run("over")
    report, _ = tried(sleeps, folder=str(tmp_path), run_id="over")
    assert (report.state.type, report.state.message) == ("Cancelled", "cancelled")
    assert not noted(tmp_path)


@pytest.mark.parametrize("where", ["threads", "dask"])
def test_a_cancelled_run_stops_a_function_that_sleeps(where: str, tmp_path: Path) -> None:
    with place(where) as started:
        attempt = order(sleeps.copy(timeout=None, isolate=True), folder=str(tmp_path))
        started.submit(attempt)
        until(lambda: noted(tmp_path))
        started.executor.broadcast(cancel_run, attempt.run_id)
        report = started.ended()
        assert (report.state.type, report.state.message) == ("Cancelled", "cancelled")
        assert all(map(gone, noted(tmp_path)))


def test_a_time_limit_counts_from_when_the_function_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its process takes to start."""
    slow = "import time; time.sleep(2.5);"
    monkeypatch.setattr(isolation, "_BOOT", slow + isolation._BOOT)
    report, value = tried(task(timeout=2)(lambda: "done in time"))
    assert (report.state.type, value) == ("Success", "done in time")


def test_a_function_in_its_own_process_has_its_surroundings(
    anywhere: Place, tmp_path: Path
) -> None:
    @task(isolate=True, log_stdout=True)
    def tells(x: int) -> dict[str, Any]:
        running = context.current()
        running.logger.info("x is %s", x)
        print("printed")
        subprocess.run(["echo", "by a child"], check=True)
        return {
            "parameters": dict(running.parameters), "attempt": running.attempt,
            "run_id": running.run_id, "secret": len(running.secret("PLACE")), "pid": os.getpid(),
        }  # fmt: skip

    (tmp_path / "secrets.toml").touch(mode=0o600)
    (tmp_path / "secrets.toml").write_text('PLACE = "nobody-knows"\n')
    anywhere.lines.clear()
    report = anywhere.tried(tells, tmp_path, x=3, number=2, parameters={"n": 4}, run_id="r7")
    assert report.result is not None, report
    told = report.result["value"]
    assert told.pop("pid") != int(report.worker.rpartition(":")[2])
    assert told == {"parameters": {"n": 4}, "attempt": 2, "run_id": "r7", "secret": 12}
    assert sorted(anywhere.lines) == ["by a child", "printed", "x is 3"]


def test_a_secret_fetched_in_the_other_process_is_masked(tmp_path: Path) -> None:
    @task(isolate=True)
    def leaks() -> None:
        running = context.current()
        running.logger.info("it is %s", running.secret("PLACE"))
        raise ValueError(running.secret("PLACE"))

    (tmp_path / "secrets.toml").touch(mode=0o600)
    (tmp_path / "secrets.toml").write_text('PLACE = "hidden-in-the-child"\n')
    channel = Channel()
    report = run_attempt(order(leaks, tmp_path), channel, []).report
    assert channel.lines() == ["it is ***"]
    assert report.state.message == "ValueError: ***"
    assert "hidden-in-the-child" not in str(report.detail)


class LocalError(Exception):
    """An error of this module."""


def test_errors_of_the_other_process_are_the_same_errors() -> None:
    @task(isolate=True, retry_on=LocalError)
    def breaks() -> None:
        raise LocalError("broken")

    report, _ = tried(breaks)
    assert isinstance(report.error, LocalError)
    assert report.state.message == "LocalError: broken"
    assert "in breaks" in report.detail["traceback"]


@pytest.mark.parametrize(
    ("code", "how"),
    [("os._exit(3)", "exit code 3"), ("os.kill(os.getpid(), 9)", "SIGKILL")],
)
def test_a_process_that_ends_by_itself(code: str, how: str) -> None:
    @task(isolate=True)
    def dies() -> None:
        exec(f"import os; os.write(2, b'last words\\n'); {code}")

    report, _ = tried(dies)
    assert report.state.message == f"its process ended by itself ({how}) before the task did"
    assert "last words" in report.detail["error"]
    assert report.error is None, "as with a lost worker, another try is always worth it"


def test_what_cannot_leave_a_process() -> None:
    lock = threading.Lock()
    report, _ = tried(task(isolate=True)(lambda x: 1), x=lock)
    assert "cannot be sent to a process of its own" in report.state.message
    report, _ = tried(task(timeout=PATIENCE)(lambda: threading.Lock()), key="t")
    assert "cannot leave its process" in report.state.message
    assert "isolate=False" in report.detail["error"]


def test_without_isolate_what_cannot_be_sent_runs_in_the_thread() -> None:
    channel = Channel()
    attempt = order(task(timeout=PATIENCE)(lambda x: os.getpid()), x=threading.Lock())
    kept = run_attempt(attempt, channel, [])
    assert kept.value == os.getpid()
    assert "it runs in the worker's own process" in channel.lines()[0]


@task(timeout=1, isolate=False)
def counts_in_the_thread(folder: str) -> None:
    note(folder)
    n = 0
    while True:
        try:
            n += 1
        except BaseException:
            n = 0  # swallows the first word that it is to stop, and perhaps the second


def test_a_thread_is_stopped_between_two_steps(anywhere: Place, tmp_path: Path) -> None:
    report = anywhere.tried(counts_in_the_thread, folder=str(tmp_path))
    assert report.state.type == "TimedOut"
    assert noted(tmp_path) == [int(report.worker.rpartition(":")[2])]
    after = anywhere.tried(task(lambda: sum(range(10**6))))
    assert after.state.is_successful(), "the thread is fit for the next attempt"


def test_a_function_that_looks_at_its_context_stops_by_itself() -> None:
    @task(timeout=0.2, isolate=False)
    def polite() -> None:
        if context.current().cancelled.wait(PATIENCE):
            raise InterruptedError("told to stop")

    assert tried(polite)[0].state.type == "TimedOut"


def test_a_task_that_stops_by_itself_is_never_interrupted() -> None:
    class Own(Task):
        stops_when_told = True

        def run(self) -> int:
            context.current().cancelled.wait(PATIENCE)
            time.sleep(0.6)  # longer than others get
            return os.getpid()

    report, value = tried(Own(timeout=0.2))
    assert (report.state.type, value) == ("Success", os.getpid())


def test_a_killed_parent_leaves_no_child(tmp_path: Path) -> None:
    code = textwrap.dedent(
        """
        import sys
        from tests.engine.attempts import tried
        from tests.engine.test_attempt_isolation import starts_others
        tried(starts_others.copy(timeout=None, isolate=True), folder=sys.argv[1])
        """
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)])
    until(lambda: len(noted(tmp_path)) == 3)
    parent.kill()
    parent.wait()
    until(lambda: all(map(gone, noted(tmp_path))))


def test_a_killed_worker_leaves_no_child(tmp_path: Path) -> None:
    with place("dask") as started:
        alone = starts_others.copy(timeout=None, isolate=True)
        started.submit(order(alone, folder=str(tmp_path)))
        until(lambda: len(noted(tmp_path)) == 3)
        started_by = {pid: psutil.Process(pid).parents() for pid in noted(tmp_path)}
        task_process = max(started_by, key=lambda pid: -len(started_by[pid]))
        supervisor, worker = started_by[task_process][:2]
        assert "supervisor.py" in " ".join(supervisor.cmdline())
        worker.kill()
        until(lambda: all(map(gone, noted(tmp_path))))
