"""Runs two commands in turn and compares wall time, CPU and memory of their process trees."""

from __future__ import annotations

import os
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_POLL = 0.05  # seconds between two looks at the tree's memory


@dataclass(frozen=True)
class Cost:
    """What one run took: seconds of wall time and CPU, and the peak memory of its tree in MiB."""

    wall: float
    cpu: float
    memory: float
    exit_code: int


def measure(command: Sequence[str], *, cwd: str, env: dict[str, str] | None = None) -> Cost:
    """Run a command to its end; memory is the sum over the tree of what processes hold alone.

    Pages that forked processes share count once (PSS), looked at every 50 ms.
    """
    import psutil

    start = time.perf_counter()
    with open(os.devnull, "w") as nowhere:
        process = subprocess.Popen(command, cwd=cwd, env=env, stdout=nowhere, stderr=nowhere)
        tree, peak, done = psutil.Process(process.pid), [0.0], threading.Event()

        def watch() -> None:
            while not done.wait(_POLL):
                peak[0] = max(peak[0], _tree_memory(tree))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        done.set()
        watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
    memory = max(peak[0], usage.ru_maxrss / 1024)
    return Cost(wall, usage.ru_utime + usage.ru_stime, memory, process.returncode)


def _tree_memory(tree: object) -> float:
    import psutil

    total = 0.0
    try:
        for process in [tree, *tree.children(recursive=True)]:  # type: ignore[attr-defined]
            total += process.memory_full_info().pss / 2**20
    except psutil.Error:
        return total
    return total


def compare(
    theirs: Sequence[str],
    ours: Sequence[str],
    *,
    pairs: int,
    cwd: str,
    prepare: Callable[[], None],
    env: dict[str, str] | None = None,
) -> list[tuple[Cost, Cost]]:
    """Run both commands ``pairs`` times, one after the other, the first one alternating.

    Args:
        prepare: Called before each run, to start from the same files.
    """
    runs: list[tuple[Cost, Cost]] = []
    for number in range(pairs):
        costs: dict[str, Cost] = {}
        for name in ("theirs", "ours") if number % 2 == 0 else ("ours", "theirs"):
            prepare()
            costs[name] = measure(theirs if name == "theirs" else ours, cwd=cwd, env=env)
            cost = costs[name]
            print(
                f"  {name:6} wall {cost.wall:7.2f} s  cpu {cost.cpu:7.2f} s"
                f"  peak {cost.memory:6.0f} MiB  exit {cost.exit_code}"
                f"  load {os.getloadavg()[0]:.1f}",
                flush=True,
            )
        runs.append((costs["theirs"], costs["ours"]))
    return runs


def summary(runs: Sequence[tuple[Cost, Cost]]) -> str:
    """Say the median of the ratios ours / theirs, and their spread."""
    lines = []
    for what in ("wall", "cpu", "memory"):
        ratios = [getattr(ours, what) / getattr(theirs, what) for theirs, ours in runs]
        lines.append(
            f"{what:6} ours/theirs: median {statistics.median(ratios):.3f}"
            f"  ({min(ratios):.3f} to {max(ratios):.3f})"
        )
    return "\n".join(lines)
