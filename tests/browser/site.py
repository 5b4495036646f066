"""The service on a small project, in a process of its own: started, killed, started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.browser.shop import write_shop

ROOT = Path(__file__).resolve().parents[2]


class Site:
    """A project that is served.

    Args:
        folder: Where the project is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = write_shop(folder)
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words: str) -> str:
        """Run the command line in the project, and return what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "orchestrator", *words],
            cwd=self.folder, env=self._environment(), capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    def start(self) -> None:
        """Serve it, on the port it had before if it had one."""
        with open(self.folder / "stderr.log", "a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "orchestrator", "serve", "--format", "json",
                 "--port", str(self.port)],
                cwd=self.folder, env=self._environment(), text=True, start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said, (self.folder / "stderr.log").read_text()[-3000:]
        self.port = int(json.loads(said)["url"].rpartition(":")[2])

    def kill(self) -> None:
        """End it without a word, as a machine that stops does."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Tell it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(60)
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process = None

    def get(self, path: str, **query: Any) -> Any:
        """Ask the API."""
        answer = httpx.get(f"{self.url}/api/v1{path}", params=query, timeout=30)
        answer.raise_for_status()
        return answer.json()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Tell the API something."""
        answer = httpx.post(f"{self.url}/api/v1{path}", json=body, timeout=30)
        assert answer.is_success, answer.text
        return answer.json()

    @staticmethod
    def _environment() -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "TZ": "Europe/Berlin"}
