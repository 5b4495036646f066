"""Processes of a test: found by a token in their environment; a family that is hard to stop."""

from __future__ import annotations

import time
import uuid

import psutil


class Probe:
    """A token that a test puts into an environment, and the processes that carry it."""

    def __init__(self) -> None:
        self.token = uuid.uuid4().hex
        self.env = {"PROBE": self.token}

    def alive(self) -> list[psutil.Process]:
        return [process for process in psutil.process_iter() if self._carries(process)]

    def wait_for(self, count: int, seconds: float = 20) -> list[psutil.Process]:
        """Wait until exactly ``count`` processes carry the token, or the time is over."""
        deadline = time.monotonic() + seconds
        while len(found := self.alive()) != count and time.monotonic() < deadline:
            time.sleep(0.05)
        return found

    def _carries(self, process: psutil.Process) -> bool:
        try:
            return (
                process.status() != psutil.STATUS_ZOMBIE
                and process.environ().get("PROBE") == self.token
            )
        except psutil.Error:
            return False


#: A shell with five children, each harder to find or to stop than the one before.
FAMILY = """
sleep 300 &
setsid sleep 300 &
nohup sleep 300 >/dev/null 2>&1 &
sh -c 'trap "" TERM INT; echo armed; while :; do sleep 300; done' &
( ( setsid sh -c 'trap "" TERM INT HUP; echo armed; while :; do sleep 300; done' & ) & )
echo spawned
sleep 300
"""
#: The shell, its own sleep, and the children (two of them are a shell and a sleep each).
FAMILY_SIZE = 2 + 3 + 2 * 2
