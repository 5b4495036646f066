"""How long one step of the scheduler takes with many deployments.

Run ``python benchmarks/scheduler.py``: with a scheduler that has just started and one that knows the
deployments, with nothing due, with one in a hundred due, and with all of them due at once.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from orchestrator.schedule import CronClock, Schedule
from orchestrator.service.scheduler.scheduler import Scheduler
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.opening import open_store

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Tokyo", "UTC", "Australia/Lord_Howe")


def deploy(store: RunStore, number: int) -> None:
    """Deploy so many nightly flows; one in a hundred is due at 12:30 UTC, the others at night."""
    for place in range(number):
        cron = CronClock("30 2 * * *", timezone=ZONES[place % len(ZONES)])
        if place % 100 == 0:
            cron = CronClock("30 12 * * *", timezone="UTC")
        shape = {**Schedule(cron).to_dict(), "name": "main"}
        store.deploy(
            Deployment(
                f"d{place}", "shop", f"flow{place}", "aa", "/srv", schedules=(shape,), created=NOON
            )
        )


def measure(store: RunStore) -> list[tuple[str, int, float, float]]:
    """Take steps; return what each was, how many runs it made, its seconds, and those of CPU."""
    at = {"now": NOON + timedelta(minutes=1)}
    scheduler = Scheduler(store, clock=lambda: at["now"])
    found = []
    for what, minute in (
        ("just started, nothing due", 1),
        ("nothing due", 2),
        ("nothing due, again", 3),
        ("one in a hundred due", 30),
        ("nothing due, runs waiting", 31),
        ("all due at once", 24 * 60 + 60),
    ):
        at["now"] = NOON + timedelta(minutes=minute)
        start, cpu = time.perf_counter(), time.process_time()
        step = scheduler.tick()
        seconds = time.perf_counter() - start
        found.append((what, len(step.made), seconds, time.process_time() - cpu))
        assert not step.errors, step.errors
    return found


def claim(store: RunStore, claims: int = 20) -> float:
    """Let an agent claim some of the runs that wait; return the milliseconds of CPU of one claim."""
    far = NOON + timedelta(days=9)
    start = time.process_time()
    for _ in range(claims):
        assert store.claim("agent", [], far, now=far) is not None
    return (time.process_time() - start) / claims * 1000


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deployments", type=int, default=10_000)
    parser.add_argument("--store", help="Address of a store; a SQLite file of its own if left out.")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(arguments.store or Path(folder) / "runs.db") as store,
    ):
        start, cpu = time.perf_counter(), time.process_time()
        deploy(store, arguments.deployments)
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
        print(f"{arguments.deployments:,} deployments in {seconds:.1f} s, {cpu:.1f} s of CPU")
        for what, made, seconds, cpu in measure(store):
            print(f"{what:28}{made:8,} runs{seconds:9.2f} s{cpu:9.2f} s of CPU")
        print(f"a claim among these runs {claim(store):.2f} ms of CPU")
    return 0


if __name__ == "__main__":
    sys.exit(main())
