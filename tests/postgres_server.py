"""A Postgres server of the tests' own: made in a temporary folder, stopped and removed afterwards."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.missing import is_missing

_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/local/pgsql/bin",
    "/opt/homebrew/opt/postgresql*/bin",
)


def binaries() -> Path | None:
    """Folder of ``initdb`` and ``pg_ctl``, the newest if there are several."""
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    found = [
        p for pattern in _FOLDERS for p in Path("/").glob(pattern[1:]) if (p / "initdb").exists()
    ]
    return max(found, default=None)


@contextlib.contextmanager
def running() -> Iterator[str]:
    """Start a server; gives a SQLAlchemy address of its database ``test``."""
    folder = binaries()
    if folder is None:
        is_missing("no Postgres server is installed (Debian: apt-get install postgresql)")
    root = Path(tempfile.mkdtemp(prefix="pg"))
    try:
        if os.geteuid() == 0:  # the server refuses to run as root
            shutil.chown(root, "postgres")
        _run(folder / "initdb", "-D", root / "data", "-U", "test", "-A", "trust", "-N")
        options = f"-c listen_addresses='' -k {root} -c fsync=off"
        _run(
            folder / "pg_ctl", "-D", root / "data", "-w", "-l", root / "log", "-o", options, "start"
        )
        try:
            _run(folder / "createdb", "-h", root, "-U", "test", "test")
            yield f"postgresql+psycopg://test@/test?host={root}"
        finally:
            _run(folder / "pg_ctl", "-D", root / "data", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _run(*words: str | Path) -> None:
    command = [str(word) for word in words]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, timeout=120, cwd="/",
    )  # fmt: skip
    assert done.returncode == 0, f"{command}: {done.stdout}"
