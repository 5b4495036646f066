"""Processes that race for the slots of a limit never have more of them than there are, nor starve."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.store.opening import open_store
from orchestrator.store.records import FlowRun

SLOTS = 2
#: Notes each time it has a slot, in a file that all append to whole lines, and asks again at once.
RACER = """
import os, sys, time
from datetime import timedelta
from orchestrator import instants
from orchestrator.store.opening import open_store

place, run_id, turns, file = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
notes = os.open(file, os.O_WRONLY | os.O_APPEND)
with open_store(place) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(turns):
        holder = f"{run_id}-{turn}"
        while store.acquire(["tag:heavy"], holder, run_id, instants.now() + timedelta(seconds=30)):
            time.sleep(0.02)
        os.write(notes, f"+ {run_id}\\n".encode())
        time.sleep(0.01)
        os.write(notes, f"- {run_id}\\n".encode())
        store.release(holder)
    store.leave(run_id)
"""


@pytest.mark.parametrize("racers", [2, 8])
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_racing_for_two_slots(
    kind: str, racers: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    place = str(tmp_path / "runs.db")
    if kind == "postgres":
        place = request.getfixturevalue("postgres_url")
    turns = 96 // racers
    names = [f"r{n}" for n in range(racers)]
    with open_store(place) as store:
        store.set_limit("tag:heavy", SLOTS)
        for name in names:
            store.create_run(FlowRun(name, "nightly"))
    notes = tmp_path / "notes"
    notes.touch()
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RACER, place, name, str(turns), str(notes)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for name in names
    ]  # fmt: skip
    for racer in started:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in started:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    for racer in started:
        racer.communicate(timeout=240)
        assert racer.returncode == 0
    check([line.split() for line in notes.read_text().splitlines()], names, turns)


def check(noted: list[list[str]], names: list[str], turns: int) -> None:
    """The notes are written while a slot is held: between + and - there are at most two."""
    held, most = 0, 0
    for sign, _ in noted:
        held += 1 if sign == "+" else -1
        most = max(most, held)
    assert most <= SLOTS, "more than two had a slot"
    taken = [name for sign, name in noted if sign == "+"]
    assert {name: taken.count(name) for name in names} == dict.fromkeys(names, turns)
    if len(names) > SLOTS:
        first_done = min(len(taken) - 1 - taken[::-1].index(name) for name in names)
        behind = {name: taken[:first_done].count(name) for name in names}
        assert min(behind.values()) >= turns // 3, f"somebody had to stand by for all: {behind}"
