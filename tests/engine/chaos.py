"""A run with its cluster in processes of their own, any of which can be killed at any moment."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
COUNT = 40
FLOW = """
    import os, subprocess
    from pathlib import Path
    from orchestrator import Flow, context, task

    HERE = Path(__file__).parent.parent

    def note():
        now = context.current()
        name = f"{now.run_id}~{now.task}~{now.attempt}"
        # Made only if it is not there: no attempt may run twice.
        try:
            os.close(os.open(HERE / "ran" / name, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            (HERE / "ran" / (name + "~TWICE")).touch()
        subprocess.run(["sleep", "0.02"], check=True)

    @task(max_retries=3)
    def load(x):
        note()
        return x

    @task(max_retries=3)
    def double(x):
        note()
        return 2 * x

    @task(max_retries=3)
    def total(xs):
        note()
        return sum(xs)

    with Flow("f") as flow:
        total(double.map(load.map(list(range(COUNT)))))
"""
DRIVER = """
    import sys
    from pathlib import Path
    from orchestrator import DaskExecutor
    from orchestrator.errors import OrchestratorError
    from orchestrator.service.project import Project
    from orchestrator.service.running import Request, run_flow

    project = Project.find(Path(sys.argv[1]))
    try:
        result = run_flow(project, project.flow("f"), Request(), executor=DaskExecutor(address=sys.argv[2]))
    except OrchestratorError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(0 if result.state.is_successful() else 1)
"""


class World:
    """A scheduler, two workers with their nannies, and a driver.

    Args:
        folder: Of the project.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "flows").mkdir()
        (folder / "ran").mkdir()
        (folder / "orchestrator.toml").write_text('name = "chaos"\n')
        flow = textwrap.dedent(FLOW).replace("COUNT", str(COUNT))
        (folder / "flows" / "f.py").write_text(flow)
        (folder / "driver.py").write_text(textwrap.dedent(DRIVER))
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.address = ""

    def _start(self, name: str, *command: str) -> None:
        log = open(self.folder / f"{name}.log", "ab")  # noqa: SIM115 - the process keeps it
        env = {**os.environ, "CHAOS": str(self.folder), "PYTHONPATH": str(ROOT)}
        self.processes[name] = subprocess.Popen(
            [sys.executable, *command], cwd=self.folder, env=env, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        log.close()

    def _address_in(self, file: Path) -> bool:
        """Whether the scheduler has written down where it is; an empty file is not yet that."""
        with contextlib.suppress(FileNotFoundError, json.JSONDecodeError):
            self.address = json.loads(file.read_text())["address"]
            return True
        return False

    @contextlib.contextmanager
    def cluster(self) -> Iterator[None]:
        """A new cluster for a block; whatever is left of it then is killed."""
        file = self.folder / "scheduler.json"
        file.unlink(missing_ok=True)
        local = ("--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file))
        self._start("scheduler", "-m", "dask", "scheduler", "--port", "0", *local)
        deadline = time.monotonic() + 60
        while not self._address_in(file) and time.monotonic() < deadline:
            time.sleep(0.05)
        for name in ("nanny-1", "nanny-2"):
            options = ("--nworkers", "1", "--nthreads", "2", *local)
            self._start(name, "-m", "dask", "worker", *options)
        try:
            yield
        finally:
            for process in self.processes.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            self.processes.clear()

    def drive(self) -> None:
        """Start the run."""
        self._start("driver", str(self.folder / "driver.py"), str(self.folder), self.address)

    def wait_for(self, count: int) -> None:
        """Wait until so many attempts began."""
        deadline = time.monotonic() + 90
        while len(self.ran()) < count and self.processes["driver"].poll() is None:
            assert time.monotonic() < deadline, "the run does not get on"
            time.sleep(0.005)

    def kill(self, victim: str) -> None:
        """Kill the driver, the scheduler, a nanny, or a worker (its own process)."""
        with contextlib.suppress(psutil.NoSuchProcess):  # the driver may have ended just now
            process = psutil.Process(
                self.processes["nanny-1" if victim == "worker" else victim].pid
            )
            if victim == "worker":
                workers = [p for p in process.children() if "spawn_main" in " ".join(p.cmdline())]
                process = workers[0] if workers else process
            process.kill()

    def end(self, seconds: float = 120) -> int:
        """Wait for the driver; returns its exit code."""
        return self.processes["driver"].wait(seconds)

    def ran(self) -> set[str]:
        """What began: run, task and attempt."""
        return set(os.listdir(self.folder / "ran"))

    def survivors(self) -> list[psutil.Process]:
        """Processes that came of this world and still run."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("CHAOS") == str(self.folder):
                    found.append(process)
        return found
