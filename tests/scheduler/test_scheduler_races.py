"""Schedulers in processes of their own: racing, and killed at any point, each occurrence is settled once."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from scheduler_worlds import World, shape, utc

from orchestrator.model.state import FINISHED
from orchestrator.schedule import CronClock
from orchestrator.store.base import RunStore
from orchestrator.store.opening import open_store

SLOTS = 20
FLOWS = 100
#: Walks a clock through the slots, a minute at a time; prints what it made, and what went wrong.
WALK = """
import json, sys
from datetime import datetime, timedelta
from orchestrator.service.scheduler.scheduler import Scheduler
from orchestrator.store.opening import open_store

place, begin, slots = sys.argv[1], datetime.fromisoformat(sys.argv[2]), int(sys.argv[3])
with open_store(place) as store:
    now = [begin]
    scheduler = Scheduler(store, clock=lambda: now[0])
    print("ready", flush=True)
    sys.stdin.readline()
    made, errors = [], {}
    for slot in range(1, slots + 1):
        now[0] = begin + timedelta(minutes=slot)
        step = scheduler.tick()
        made += step.made
        errors |= step.errors
print(json.dumps([made, errors]), flush=True)
"""
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "runs.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


def deploy(store: RunStore) -> datetime:
    begin = utc(3, 1, 12)
    world = World(store, begin)
    for number in range(FLOWS):
        clock = CronClock("* * * * *", timezone="UTC")
        world.deploy(f"flow{number}", shape(clock, overlap="allow_all", catch_up="all"))
    return begin


@contextmanager
def walking(place: str, begin: datetime, slots: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", WALK, place, begin.isoformat(), str(slots)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def race(place: str, schedulers: int, slots: int) -> None:
    with open_store(place) as store:
        begin = deploy(store)
    made, errors = [], {}

    with ExitStack() as stack:
        processes = [stack.enter_context(walking(place, begin, slots)) for _ in range(schedulers)]
        for process in processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        for process in processes:
            assert process.stdout is not None
            found = json.loads(process.stdout.readline())
            made += found[0]
            errors |= found[1]
    assert errors == {}
    with open_store(place) as store:
        check(store, begin, slots)
        assert Counter(made) == Counter(run.id for run in store.runs(limit=1_000_000))


def check(store: RunStore, begin: datetime, slots: int) -> None:
    """Every slot of every flow has one row and one run."""
    runs = {run.id: run for run in store.runs(limit=1_000_000)}
    assert len(runs) == FLOWS * slots
    wanted = {begin + timedelta(minutes=slot) for slot in range(1, slots + 1)}
    for number in range(FLOWS):
        rows = store.occurrences(f"shop/flow{number}/main", limit=1_000_000)
        assert {row.instant for row in rows} == wanted
        assert len(rows) == slots
        assert all(row.run_id in runs for row in rows)
    assert not any(run.state in FINISHED for run in runs.values())


def test_two_schedulers_race_over_two_thousand_slots(place: str) -> None:
    race(place, 2, SLOTS)


@pytest.mark.slow
def test_eight_schedulers_race_over_two_thousand_slots(place: str) -> None:
    race(place, 8, SLOTS)


def kill_and_go_on(place: str, kills: int, slots: int, seed: int) -> None:
    """Kill a scheduler again and again; the last one finishes what all of them began."""
    chance = random.Random(seed)
    with open_store(place) as store:
        begin = deploy(store)
    for _ in range(kills):
        with walking(place, begin, slots) as process:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
            time.sleep(chance.uniform(0, 0.4))
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    with open_store(place) as store:
        made = {run.id for run in store.runs(limit=1_000_000)}
        rows = store.occurrences(limit=1_000_000)
        assert {row.run_id for row in rows} == made  # never one without the other
    with walking(place, begin, slots) as process:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())[1] == {}
    with open_store(place) as store:
        check(store, begin, slots)


def test_a_scheduler_is_killed_at_random_points(place: str) -> None:
    kill_and_go_on(place, kills=3, slots=5, seed=20261121)


@pytest.mark.slow
def test_a_scheduler_is_killed_at_many_random_points(place: str) -> None:
    kill_and_go_on(place, kills=30, slots=SLOTS, seed=7)
