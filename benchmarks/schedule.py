"""How many occurrences a second clocks give, side by side with cronsim and with dagster's iterator.

Run ``python benchmarks/schedule.py``. The others are installed into an environment of their own, in
the folder given with ``--folder``. Only the ratios count: all take turns in one process.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parents[1]
EXPRESSIONS = (
    "*/15 * * * *",
    "0 * * * *",
    "30 2 * * *",
    "0 9 * * 1-5",
    "0 0 1 * *",
    "30 2 1-7 * 0",
)
ZONE = "America/New_York"
START = datetime(2026, 1, 1, tzinfo=UTC)
_PACKAGES = ("dagster", "cronsim", "pendulum", "python-dateutil", "tzdata")
_NUMBER = 2000
_ROUNDS = 7

Engine = Callable[[str], Iterator[datetime]]


def ours(expression: str) -> Iterator[datetime]:
    """The instants of a clock."""
    from orchestrator.schedule.cron_clock import CronClock

    clock = CronClock(expression, timezone=ZONE)
    return (occurrence.instant for occurrence in clock.occurrences(START))


def cronsim(expression: str) -> Iterator[datetime]:
    """The datetimes of cronsim."""
    from cronsim import CronSim

    return CronSim(expression, START.astimezone(ZoneInfo(ZONE)))


def dagster(expression: str) -> Iterator[datetime]:
    """The datetimes of dagster's iterator."""
    from dagster._utils.schedules import cron_string_iterator

    return cron_string_iterator(START.timestamp() + 1, expression, ZONE)


def measure() -> bool:
    """Print one line an expression; return whether ours is the fastest on each."""
    engines: tuple[Engine, ...] = (ours, cronsim, dagster)
    print(f"{'':16}{'ours/s':>10}{'cronsim/s':>11}{'dagster/s':>11}  ours/cronsim  ours/dagster")
    fastest = True
    for expression in EXPRESSIONS:
        rates = [_NUMBER / seconds for seconds in _best(engines, expression, _NUMBER)]
        cold = [1 / seconds for seconds in _best(engines, expression, 1)]
        for word, (a, b, c) in (("", rates), ("  first alone", cold)):
            name = word or expression
            print(f"{name:16}{a:10,.0f}{b:11,.0f}{c:11,.0f}{a / b:13.1f}x{a / c:13.1f}x")
        fastest = fastest and rates[0] == max(rates)
    return fastest


def _best(engines: tuple[Engine, ...], expression: str, number: int) -> list[float]:
    """Processor time of each engine, the shortest of several rounds that all take turns in."""
    repeats = max(200 // number, 1)
    times: list[list[float]] = [[] for _ in engines]
    for _ in range(_ROUNDS):
        for engine, taken in zip(engines, times, strict=True):
            start = time.process_time()
            for _ in range(repeats):
                found = list(islice(engine(expression), number))
            taken.append((time.process_time() - start) / repeats)
            assert len(found) == number
    return [min(taken) for taken in times]


def _environment(folder: Path) -> Path:
    """An environment with what is compared, made where it is not there yet."""
    python = folder / "schedule-benchmark" / "bin" / "python"
    if not python.exists():
        venv.create(python.parents[1], with_pip=True)
    pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    subprocess.run([*pip, *_PACKAGES], check=True)
    return python


def main() -> int:
    """Measure, in an environment that has the others."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--here", action="store_true", help="This environment has all packages.")
    arguments = parser.parse_args()
    if arguments.here:
        return 0 if measure() else 1
    python = _environment(arguments.folder)
    command = [str(python), __file__, "--here"]
    return subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}).returncode


if __name__ == "__main__":
    sys.exit(main())
