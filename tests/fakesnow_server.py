"""A fakesnow server of the tests' own: Snowflake's protocol on loopback, in a process of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.missing import is_missing

_HOME = Path(__file__).parent.parent / ".servers" / "fakesnow" / "bin" / "fakesnow"
_PATIENCE = 60.0  #: seconds until it must answer
#: Ends the server when the tests end, however they do: then its standard input is closed.
_GUARDED = 'exec 3<&0; "$0" "$@" </dev/null & n=$!; (cat <&3; kill -9 $n) >/dev/null 2>&1 & wait $n'


@dataclass(frozen=True)
class Server:
    """Where a server listens.

    Args:
        port: On loopback.
        log: What it wrote.
    """

    port: int
    log: Path

    @property
    def parameters(self) -> dict[str, object]:
        """What Snowflake's connector wants to know, but for database and schema."""
        return {
            "account": "fakesnow", "user": "tester", "password": "any word will do",
            "host": "127.0.0.1", "port": self.port, "protocol": "http",
        }  # fmt: skip


def program() -> Path | None:
    """The server's program: of ``make servers``, or named by FAKESNOW."""
    named = os.environ.get("FAKESNOW")
    found = Path(named) if named else _HOME
    return found if found.exists() else None


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Start a server with nothing in it; it ends with the block, and all that it held."""
    path = program()
    if path is None:
        is_missing("no fakesnow server is installed (make servers)")
    folder = Path(tempfile.mkdtemp(prefix="fakesnow"))
    server = Server(_free_port(), folder / "log")
    # Stages are folders in its temporary one.
    environ = {**os.environ, "TMPDIR": str(folder)}
    try:
        with server.log.open("wb") as log:
            process = subprocess.Popen(
                ["sh", "-c", _GUARDED, str(path), "-s", "-p", str(server.port)], cwd=folder,
                env=environ, stdin=subprocess.PIPE, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip
        try:
            _wait(server, process)
            yield server
            if process.poll() is not None:
                pytest.fail(f"the fakesnow server ended by itself:\n{_end_of(server.log)}")
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(server: Server, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", server.port), 1).close()
            return
        time.sleep(0.05)
    pytest.fail(f"the fakesnow server does not answer:\n{_end_of(server.log)}")


def _end_of(log: Path) -> str:
    return log.read_text(errors="replace")[-5_000:]
