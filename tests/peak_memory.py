"""How much memory a process has had at most, as scripts ask that tests start.

``resource.getrusage`` does not tell it: a child begins with the peak of the process that started it,
so that growth below the peak of pytest would not be seen.
"""

from __future__ import annotations

from pathlib import Path


def peak() -> float:
    """Megabytes of this process at most, since it began to be this program (Linux).

    Raises:
        OSError: The system does not tell.
    """
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
