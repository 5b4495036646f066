"""A server in a process of its own, over a project with a flow that talks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.client import Client
from tests.server.projects import write_project

FLOW = """
import time
from pathlib import Path
from orchestrator import Flow, Parameter, context, task

HERE = Path(__file__).parent.parent

@task
def load(lines):
    log = context.current().logger
    for number in range(lines):
        log.info("line %s", number)
    return lines

@task
def clean(lines):
    if (HERE / "broken").exists():
        raise ValueError("no rows")
    until = HERE / "wait"
    while until.exists():
        context.current().logger.warning("waits")
        time.sleep(0.05)

with Flow("nightly") as flow:
    clean(load(Parameter("lines", default=3)))
"""


class Server:
    """``orchestrator serve``, or ``orchestrator api``, in a process of its own."""

    def __init__(self, root: Path, command: str = "serve") -> None:
        self.root, self.command, self.port = root, command, 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start it, at the address it had before, and return that."""
        words = [sys.executable, "-P", "-m", "orchestrator", self.command, "--format", "json"]
        self.process = subprocess.Popen(
            [*words, "--port", str(self.port)], cwd=self.root, stdout=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{") and (told := json.loads(line)).get("event") == "serving":
                self.port = int(told["url"].rpartition(":")[2])
                return str(told["url"])
        raise AssertionError(f"the server ended with {self.process.wait()}")

    def kill(self) -> None:
        """End it without a word."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it as people do."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(60)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_project(tmp_path_factory.mktemp("client") / "shop", nightly=FLOW).root


@pytest.fixture(scope="session")
def server(shop: Path) -> Iterator[Server]:
    found = Server(shop)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def another(server: Server, shop: Path) -> Iterator[Server]:
    """A server beside it, which only answers: it can be killed without the runs."""
    found = Server(shop, "api")
    found.start()
    yield found
    found.stop()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(f"http://127.0.0.1:{server.port}") as made:
        yield made


@pytest.fixture
def broken(shop: Path) -> Iterator[Path]:
    """A file that makes the flow's second task fail while it is there."""
    file = shop / "broken"
    file.touch()
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture
def wait(shop: Path) -> Iterator[Path]:
    """A file that makes the flow's second task wait while it is there."""
    file = shop / "wait"
    file.touch()
    yield file
    file.unlink(missing_ok=True)
