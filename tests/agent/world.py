"""A project whose runs leave traces, with an agent in a process of its own that can be killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from orchestrator.model.state import FINISHED
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, new_run_id

ROOT = Path(__file__).resolve().parents[2]
#: Begun and done are marked by files named after run, task and attempt; `sleep` is a child process.
FLOW = """
    import os
    from pathlib import Path
    from orchestrator import Flow, Parameter, context, task
    from orchestrator.process.run import run_process

    HERE = Path(os.environ["WORLD"]) / "ran"

    def note(seconds):
        now = context.current()
        name = f"{now.run_id}~{now.task}~{now.attempt}"
        try:
            os.close(os.open(HERE / name, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            (HERE / (name + "~TWICE")).touch()
        if not run_process(["sleep", str(seconds)]).ok:
            raise RuntimeError("the sleep was ended")

    @task
    def load(x, seconds):
        note(seconds)
        return x

    @task
    def total(xs, seconds):
        note(seconds)
        print("total of", len(xs))
        return sum(xs)

    @task
    def broken():
        raise ValueError("it is broken")

    with Flow("work") as work:
        seconds = Parameter("seconds", default=0)
        total([load(n, seconds) for n in range(4)], seconds)

    with Flow("broken") as fails:
        broken()
"""


class World:
    """A project in a folder.

    Args:
        folder: Of the project.
        store: Address of its run store; a SQLite file of its own if left out.
    """

    def __init__(self, folder: Path, store: str | None = None) -> None:
        self.folder = folder
        (folder / "flows").mkdir(parents=True)
        (folder / "ran").mkdir()
        lines = ['name = "shop"', *([f'store = "{store}"'] if store else [])]
        (folder / "orchestrator.toml").write_text("\n".join(lines) + "\n")
        (folder / "flows" / "work.py").write_text(textwrap.dedent(FLOW))
        self.environment = {**os.environ, "WORLD": str(folder), "PYTHONPATH": str(ROOT)}
        self.processes: list[subprocess.Popen[str]] = []

    @property
    def project(self) -> Project:
        """The project, found anew."""
        return Project.find(self.folder)

    def write_down(self, store: RunStore, flow: str = "work", **more: object) -> FlowRun:
        """Put a run into the store that nobody drives yet."""
        run = FlowRun(new_run_id(), flow, "shop", **more)  # type: ignore[arg-type]
        store.create_run(run)
        return store.run(run.id)

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start the command line with some words, as a process of its own."""
        with open(self.folder / "stderr.log", "a") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "orchestrator", *words, "--project-dir", self.folder],
                cwd=self.folder, env=self.environment, text=True, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self.processes.append(process)
        return process

    def said(self) -> str:
        """What the processes wrote to their standard error."""
        return (self.folder / "stderr.log").read_text()[-4000:]

    def ran(self) -> set[str]:
        """What began: run, task and attempt."""
        return set(os.listdir(self.folder / "ran"))

    def driver(self, run: FlowRun) -> psutil.Process | None:
        """The process that executes a run, if there is one now."""
        for process in self.alive():
            with contextlib.suppress(psutil.Error):
                words = process.cmdline()
                if "execute" in words and run.id in words and "supervisor" not in " ".join(words):
                    return process
        return None

    def alive(self) -> list[psutil.Process]:
        """Processes that came of this world and still run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("WORLD") == str(self.folder):
                    if process.status() != psutil.STATUS_ZOMBIE:
                        found.append(process)
        return found

    def close(self) -> None:
        """Kill what is left, each by its own process group."""
        for process in self.processes:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if process.stdout:
                process.stdout.close()
        for left in self.alive():
            with contextlib.suppress(psutil.Error):
                left.kill()
        wait_for(lambda: self.alive() == [], why="it lives on though it was killed")


def wait_for(what: Callable[[], object], seconds: float = 60.0, why: str = "") -> None:
    """Wait until something holds; fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, why or "it does not come about"
        time.sleep(0.02)


def finished(store: RunStore, run: FlowRun) -> bool:
    """Whether a run has ended."""
    return store.run(run.id).state in FINISHED


def states(store: RunStore, run: FlowRun) -> Iterable[str]:
    """The states of a run's tasks."""
    return [str(task.state) for task in store.task_runs(run.id)]
