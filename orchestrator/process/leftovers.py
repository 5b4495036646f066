"""Kills what work has started by itself, when a run is ended hard and nobody waits for the work."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from orchestrator.process.run import SUPERVISOR, TREE
from orchestrator.process.supervisor import children_by_parent

_LOOK = 0.05  #: seconds between two looks


def end_children(threads: Sequence[threading.Thread] | None = None) -> None:
    """Kill what threads have started, and go on beside so until they end (Linux; elsewhere nothing).

    Commands of :func:`~orchestrator.process.run.run_process` are left to their supervisors.

    Args:
        threads: Of this process; all there are until the process ends, if left out.
    """
    if TREE != "subreaper":
        return
    _kill_children(threads)
    threading.Thread(target=_go_on, args=(threads,), name="ending children", daemon=True).start()


def _go_on(threads: Sequence[threading.Thread] | None) -> None:
    while threads is None or any(thread.is_alive() for thread in threads):
        time.sleep(_LOOK)
        _kill_children(threads)


def _kill_children(threads: Sequence[threading.Thread] | None) -> None:
    # None may start another one while it is looked for: they are halted until all are known.
    known: list[int] = []
    while new := [pid for pid in _trees(threads) if pid not in known]:
        _send(new, signal.SIGSTOP)
        known += new
    _send(known, signal.SIGKILL)


def _trees(threads: Sequence[threading.Thread] | None) -> list[int]:
    by_parent = children_by_parent()
    living = set[int]().union(*by_parent.values())
    direct = by_parent.get(os.getpid(), []) if threads is None else _started_by(threads)
    found = [pid for pid in direct if pid in living and not _is_supervisor(pid)]
    for pid in found:
        found.extend(p for p in by_parent.get(pid, ()) if not _is_supervisor(p))
    return found


def _started_by(threads: Sequence[threading.Thread]) -> list[int]:
    found: list[int] = []
    for thread in threads:
        with suppress(OSError):  # it has ended
            listed = Path(f"/proc/self/task/{thread.native_id}/children").read_text("ascii")
            found += map(int, listed.split())
    return found


def _is_supervisor(pid: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(SUPERVISOR) in words


def _send(pids: Sequence[int], number: int) -> None:
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile, or belongs to somebody else
            os.kill(pid, number)
