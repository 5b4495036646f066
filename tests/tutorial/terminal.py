"""A terminal that does what a page says, command by command, and what the page says it shows."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

#: What differs from run to run, and what is shown in its place; the first that fits wins.
_VOLATILE = (
    (r"\b\d{4}-\d\d-\d\d( \d\d:\d\d(:\d\d)?)?", "DATE"),
    (r"\b\d\d:\d\d:\d\d\b", "TIME"),
    (r"\b[0-9a-f]{16}\b", "RUN"),
    (r"\bversion [0-9a-f]{12}\b", "version V"),
    (r"\b\d+/\d+\b", "N/N"),
    (r"\b\d+(\.\d+)? (s|min)\b", "TIME"),
    (r"\b\d+ (ok|tasks|skipped|warned|at a time|run)\b", r"N \1"),
    (r"─+", ""),
    (r"\s+", " "),
)
_LIMIT = 400  #: seconds that a command may take


class Terminal:
    """One bash after another, each where the last one was, with what it exported.

    Args:
        folder: Where it begins.
        state: Keeps its folder and its variables.
        environment: What it begins with.
    """

    def __init__(self, folder: Path, state: Path, environment: Mapping[str, str]) -> None:
        state.mkdir(parents=True, exist_ok=True)
        self._state, self._environment = state, dict(environment)
        (state / "cwd").write_text(f"{folder}\n")
        (state / "env").write_text("")

    def run(self, command: str) -> tuple[int, str]:
        """Run a command; returns its exit code and all that it says."""
        done = subprocess.run(
            ["bash", "-c", self._script(command)],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_LIMIT,
        )
        return done.returncode, done.stdout

    def start(self, command: str, log: Path) -> subprocess.Popen[bytes]:
        """Start a command that goes on, until :func:`interrupt`."""
        with log.open("wb") as out:
            return subprocess.Popen(
                ["bash", "-c", self._script(f"exec {command}")],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    def _script(self, command: str) -> str:
        state = self._state
        return (
            f'. "{state}/env"; cd "$(cat "{state}/cwd")"\n{command}\n'
            f'code=$?; export -p > "{state}/env"; pwd > "{state}/cwd"; exit $code\n'
        )


def interrupt(process: subprocess.Popen[bytes]) -> int:
    """Press Ctrl-C, and wait for the end."""
    process.send_signal(signal.SIGINT)
    return process.wait(timeout=_LIMIT)


def fresh(home: Path, wheels: Path) -> dict[str, str]:
    """The environment of somebody new: a home of their own, and an index of one wheel."""
    programs = [str(Path(sys.base_prefix) / "bin"), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "HOME": str(home), "PATH": os.pathsep.join(programs), "LANG": "C.UTF-8", "COLUMNS": "110",
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_NO_DEPS": "1",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1", "DO_NOT_TRACK": "1",
    }  # fmt: skip


def masked(line: str) -> str:
    """A line without what differs from run to run.

    Example:
        >>> masked("11:02:44  18/26  ok  model daily_sales  0.23 s")
        'TIME N/N ok model daily_sales TIME'
    """
    for pattern, word in _VOLATILE:
        line = re.sub(pattern, word, line)
    return line.strip()


def missing(expected: str, shown: str) -> list[str]:
    """The lines of a page that were not shown; ``…`` stands for any lines, or for the rest of one."""
    lines = [masked(line) for line in shown.splitlines()]
    wanted = [masked(line).removesuffix("…").strip() for line in expected.splitlines()]
    return [want for want in wanted if want and not any(_shows(line, want) for line in lines)]


def _shows(line: str, want: str) -> bool:
    cut = line.removesuffix("…").strip()
    return line.startswith(want) or (cut != line and bool(cut) and want.startswith(cut))


def wait_for(what: str, happened: object, seconds: float = 60.0) -> None:
    """Wait until a call returns something true."""
    deadline = time.monotonic() + seconds
    while not happened():  # type: ignore[operator]
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.1)
