"""A Postgres server that a test may stop and start as it likes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.missing import is_missing
from tests.postgres_server import binaries


class Server:
    """A server in a temporary folder.

    Args:
        programs: Folder of ``pg_ctl``.
        root: Where its data and its socket are.
    """

    def __init__(self, programs: Path, root: Path) -> None:
        self._programs, self._root = programs, root
        self._options = f"-c listen_addresses='' -k {root} -c fsync=off"
        self.restarts = 0

    @property
    def url(self) -> str:
        """The address of its database."""
        return f"postgresql+psycopg://test@/postgres?host={self._root}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        self._run("pg_ctl", "-w", "-l", self._root / "log", "-o", self._options, "start")

    def stop(self, how: str = "immediate") -> None:
        """Stop it; ``immediate`` is as if it were killed."""
        self._run("pg_ctl", "-m", how, "stop")

    def restart(self, how: str) -> None:
        """Stop it and start it again."""
        self.stop(how)
        self.start()
        self.restarts += 1

    def make(self) -> None:
        """Make its data."""
        self._run("initdb", "-U", "test", "-A", "trust", "-N")

    def _run(self, program: str, *words: str | Path) -> None:
        command = [str(self._programs / program), "-D", str(self._root / "data"), *map(str, words)]
        if os.geteuid() == 0:  # the server refuses to run as root
            command = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=120, cwd="/",
        )  # fmt: skip
        assert done.returncode == 0, f"{command}: {done.stdout}"


@contextlib.contextmanager
def restartable() -> Iterator[Server]:
    """Start a server; it is stopped and removed afterwards."""
    programs = binaries()
    if programs is None:
        is_missing("no Postgres server is installed (Debian: apt-get install postgresql)")
    root = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        if os.geteuid() == 0:
            shutil.chown(root, "postgres")
        server = Server(programs, root)
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(root, ignore_errors=True)
