"""A run that is ended hard: of what work has started by itself nothing goes on."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orchestrator import DaskExecutor
from orchestrator.executors import threads
from orchestrator.executors.base import Executor, Kept
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.routing import RoutingExecutor
from orchestrator.executors.threads import ThreadsExecutor
from orchestrator.process.leftovers import end_children
from orchestrator.process.run import TREE, run_process

on_linux = pytest.mark.skipif(TREE != "subreaper", reason="children are found through /proc")
#: Says who it is, and has a child of its own.
SLEEP = "echo $$ > {0}.tmp; mv {0}.tmp {0}; sleep 600; true"


def sleep(note: str) -> Kept:
    subprocess.run(SLEEP.format(note), shell=True, check=False)
    return Kept("woke")


def has_children(note: str) -> Kept:
    """What a cluster of its own does; then sleep."""
    child = multiprocessing.get_context("spawn").Process(target=os.getpid)
    child.start()
    child.join()
    return sleep(note)


def noted(note: Path) -> int:
    deadline = time.monotonic() + 60
    while not note.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return int(note.read_text())


def group_is_gone(pid: int) -> bool:
    """Whether the process and its child ended, or end within some seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        listed = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(pid), "--ppid", str(pid)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if all(line.startswith("Z") for line in listed.stdout.split()):
            return True
        time.sleep(0.02)
    return False


@contextmanager
def ended_hard(executor: Executor) -> Iterator[None]:
    """Start an executor for a block, and end it as the second Ctrl-C does."""
    with suppress(KeyboardInterrupt), executor.start():
        yield
        raise KeyboardInterrupt


@on_linux
def test_threads_leave_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_LAST", 0.05)
    executor, note, mine = ThreadsExecutor(1), tmp_path / "note", subprocess.Popen(["sleep", "600"])
    try:
        with ended_hard(executor):
            executor.submit(sleep, str(note))
            pid = noted(note)
        assert group_is_gone(pid)
        assert mine.poll() is None, "other children of the driver's process are left alone"
    finally:
        mine.kill()
        mine.wait()


@on_linux
@pytest.mark.slow
def test_workers_of_a_cluster_may_have_children_and_leave_none(tmp_path: Path) -> None:
    executor, note = DaskExecutor(cluster_kwargs={"n_workers": 1}), tmp_path / "note"
    with ended_hard(executor):
        executor.submit(has_children, str(note))
        pid = noted(note)
    assert group_is_gone(pid)


@on_linux
def test_a_command_under_supervision_is_left_to_its_supervisor(tmp_path: Path) -> None:
    told, note, ended = threading.Event(), tmp_path / "note", []
    command = f"trap 'touch {tmp_path}/tidied' EXIT; echo $$ > {note}.tmp; mv {note}.tmp {note}; sleep 600"

    def work() -> None:
        ended.append(run_process(command, cancel=told, grace=5))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        pid = noted(note)
        end_children([thread])
    finally:
        told.set()
        thread.join()
    assert (tmp_path / "tidied").exists()
    assert ended[0].stopped == "cancelled"
    assert group_is_gone(pid)


class Noting(InlineExecutor):
    """Notes what ended the block that it was started for."""

    ended: BaseException | None = None

    @contextmanager
    def start(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            self.ended = error
            raise


def test_clusters_of_a_run_hear_how_it_ended() -> None:
    default, big = Noting(), Noting()
    executor = RoutingExecutor(default, {"big": big})
    with ended_hard(executor):
        executor.within("big")
    assert isinstance(default.ended, KeyboardInterrupt)
    assert default.ended is big.ended
