"""A writer killed at any moment leaves a sound store that holds all it had acknowledged."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from orchestrator.store.opening import open_store
from orchestrator.store.records import FlowRun, TaskRun

WRITER = """
import sys
from orchestrator.model.state import StateType as S
from orchestrator.store.opening import open_store
from orchestrator.store.records import Change, LogLine

store, run = open_store(sys.argv[1]), sys.argv[2]
for n in range(10_000):
    keys = [f"t{n}.{part}" for part in range(3)]
    store.transition(run, [Change(key, S.RUNNING, token="t") for key in keys])
    store.append_logs(run, [LogLine(f"{n}")])
    assert not store.transition(run, [Change(key, S.SUCCESS, token="t") for key in keys])
    print(n, flush=True)
"""


@pytest.mark.slow
def test_sigkill_at_random_moments(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    keys = [f"t{n}.{part}" for n in range(3000) for part in range(3)]
    for turn in range(10):
        run_id = f"run{turn}"
        with open_store(path) as store:
            store.create_run(FlowRun(run_id, "nightly"), [TaskRun(run_id, k, k) for k in keys])
        acknowledged = write_until_killed(path, run_id, chance.uniform(0.0, 0.3))
        check(path, run_id, acknowledged, f"seed {seed}, turn {turn}")


def write_until_killed(path: Path, run_id: str, seconds: float) -> int:
    """Return how many batches the writer said were kept before it was killed."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), run_id], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    said = [writer.stdout.readline()]
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    said += writer.stdout.readlines()
    writer.stdout.close()
    assert writer.wait() == -signal.SIGKILL
    return sum(line.endswith("\n") for line in said)


def check(path: Path, run_id: str, acknowledged: int, which: str) -> None:
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], which
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == [], which
    connection.close()
    with open_store(path) as store:
        rows = store.task_runs(run_id)
        last = {event.key: event.data["state"] for event in store.events(run_id) if event.key}
        logs = store.logs(run_id, limit=10_000)
    done = [row.key for row in rows if row.state == "Success"]
    running = [row.key for row in rows if row.state == "Running"]
    assert acknowledged >= 1, which
    assert len(done) in {3 * acknowledged, 3 * acknowledged + 3}, which
    assert len(running) in {0, 3}, which  # a batch is whole or not there
    assert last == {row.key: row.state for row in rows if row.state != "Pending"}, which
    assert len(logs) >= acknowledged, which
