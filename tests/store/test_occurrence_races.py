"""Processes that race over the nights of a schedule make each night's run once; agents share them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from orchestrator.store.base import RunStore
from orchestrator.store.opening import open_store
from tests.conftest import ROOT
from tests.store.service_rows import SCHEDULE, deployment, night, run_of

NIGHTS = 2000
#: Settles every night, a few at a time, each under run ids of its own.
SCHEDULER = """
import sys
from orchestrator.store.opening import open_store
from tests.store.service_rows import SCHEDULE, night, run_of

place, name, nights = sys.argv[1], sys.argv[2], int(sys.argv[3])
with open_store(place) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    won = 0
    for start in range(0, nights, 4):
        some = [night(number, f"{name}-{number}") for number in range(start, start + 4)]
        won += len(store.occur(SCHEDULE, some, [run_of(one) for one in some], some[-1].instant))
    print(won)
"""
#: Claims until nothing is left, and says what it got.
CLAIMER = """
import sys
from datetime import timedelta
from orchestrator import instants
from orchestrator.store.opening import open_store

place, name = sys.argv[1], sys.argv[2]
far = instants.now() + timedelta(days=9000)
with open_store(place) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    got = []
    while run := store.claim(name, [], far, now=far):
        got.append(run.id)
    print(" ".join(got))
"""


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "runs.db")
    url: str = request.getfixturevalue("postgres_url")
    return url


def race(program: str, place: str, racers: int, *more: object) -> list[str]:
    """Let processes begin at the same moment; what each of them says at the end."""
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, place, f"p{n}", *map(str, more)], cwd=ROOT,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for n in range(racers)
    ]  # fmt: skip
    said = []
    for racer in started:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in started:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in started:
        out, error = racer.communicate(timeout=500)
        assert racer.returncode == 0, error
        said.append(out.strip())
    return said


@pytest.mark.parametrize(
    "racers", [2, pytest.param(8, marks=pytest.mark.slow)], ids=["two", "eight"]
)
def test_each_night_has_one_run_however_many_schedulers_race(place: str, racers: int) -> None:
    with open_store(place) as store:
        store.deploy(deployment())
        won = race(SCHEDULER, place, racers, NIGHTS)
        assert sum(map(int, won)) == NIGHTS
        check(store)


def check(store: RunStore, nights: int = NIGHTS) -> None:
    settled = store.occurrences(limit=10 * nights)
    runs = store.runs(limit=10 * nights)
    keys = Counter(one.key for one in settled)
    assert keys == Counter(night(number).key for number in range(nights)), "missing or twice"
    assert Counter(run.id for run in runs) == Counter(one.run_id for one in settled)
    assert len({run.scheduled for run in runs}) == nights
    [state] = store.schedule_states()
    assert state.evaluated == night(nights - 1).instant


def test_each_run_is_claimed_by_one_agent(place: str) -> None:
    with open_store(place) as store:
        store.deploy(deployment())
        nights = [night(number, f"r{number}") for number in range(200)]
        store.occur(SCHEDULE, nights, [run_of(one) for one in nights], nights[-1].instant)
        got = [words.split() for words in race(CLAIMER, place, 4)]
        check_claims(store, got)


def check_claims(store: RunStore, got: list[list[str]]) -> None:
    """Each run is somebody's, and nobody else's."""
    runs = store.runs(limit=1000)
    assert sorted(run_id for each in got for run_id in each) == sorted(run.id for run in runs)
    assert all(run.fence == 2 for run in runs), "claimed twice"
