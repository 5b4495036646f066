"""Which process holds a file locked, found without opening it as a database."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_LOCKS = Path("/proc/locks")


def holder(path: Path) -> str | None:
    """Say who holds a lock on a file, as ``name (PID 7)``; None if nobody does.

    Where the system has no such locks, nobody is found.
    """
    try:
        import fcntl
    except ImportError:
        return None
    with path.open("rb") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return _name(path)
    return None


def _name(path: Path) -> str:
    status = path.stat()
    device = f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}"
    with contextlib.suppress(OSError):
        for row in _LOCKS.read_text().splitlines():
            # 1: POSIX  ADVISORY  WRITE 4711 08:01:123456 0 EOF
            words = row.split()
            if device in words:
                return _process(int(words[words.index(device) - 1]))
    return "another process"


def _process(pid: int) -> str:
    with contextlib.suppress(OSError):
        return f"{Path(f'/proc/{pid}/comm').read_text().strip()} (PID {pid})"
    return f"process {pid}"
