"""What must hold of a store and its machine whatever was killed, and whenever."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import pairwise
from pathlib import Path

from orchestrator.model.state import FINISHED, StateType
from orchestrator.store.base import RunStore
from orchestrator.store.records import BY_SIGNAL
from tests.agent.world import World, wait_for


def check_all(world: World, store: RunStore, acknowledged: Mapping[str, int]) -> None:
    """Check I1 to I8, when all has come to rest.

    Args:
        world: Where it ran.
        store: Its store.
        acknowledged: Runs that somebody was told are kept, and how often each was asked something.
    """
    runs = store.runs(limit=100_000)
    one_run_a_slot(store)
    assert [name for name in world.ran() if name.endswith("~TWICE")] == [], "I2: begun twice"
    for run in runs:
        of_one_run(store, run.id)
    unfinished = {run.id: run.state for run in runs if run.state not in FINISHED}
    assert unfinished == {}, "I5: open, and nobody's"
    # What ends with its agent asks by itself.
    asked = {
        run_id: sum(one.by != BY_SIGNAL for one in store.asked(run_id)) for run_id in acknowledged
    }
    assert asked == dict(acknowledged), "I6: what was acknowledged is lost"
    is_sound(world.folder / ".orchestrator" / "store.db")
    # What the last kill left behind is ended by its supervisor, which takes a moment.
    wait_for(lambda: world.alive() == [], 30, "I8: processes live on")


def one_run_a_slot(store: RunStore) -> None:
    """I1: each slot of a schedule has one row and one run, up to the schedule's mark."""
    rows = store.occurrences(limit=100_000)
    twice = [place for place, n in Counter((r.schedule_id, r.key) for r in rows).items() if n > 1]
    assert twice == [], "I1: settled twice"
    made = Counter(run.scheduled for run in store.runs(limit=100_000) if run.schedule_id)
    wanted = Counter(row.instant for row in rows if row.outcome == "run")
    assert made == wanted, "I1: a slot without its run, or with two"
    assert without_holes(sorted(row.instant for row in rows)), "I1: a slot is missing"


def without_holes(instants: Collection[datetime]) -> bool:
    """Whether slots of one schedule follow one another at one distance."""
    ordered = list(instants)
    steps = {after - before for before, after in pairwise(ordered)}
    return len(steps) <= 1


def of_one_run(store: RunStore, run_id: str) -> None:
    """I2 to I4: attempts end one after the other, rows are last events, what is final stays."""
    states: dict[str | None, list[StateType]] = {}
    for event in store.events(run_id):
        if event.kind == "state":
            states.setdefault(event.key, []).append(StateType(event.data["state"]))
    rows: dict[str | None, StateType] = {t.key: t.state for t in store.task_runs(run_id)}
    rows[None] = store.run(run_id).state
    begun = {key: state for key, state in rows.items() if state is not StateType.PENDING}
    assert begun == {key: found[-1] for key, found in states.items()}, "I3: rows and events differ"
    for key, found in states.items():
        assert not any(state in FINISHED for state in found[:-1]), f"I4: {key} went on: {found}"
    attempts = store.attempts(run_id)
    assert all(one.finished is not None for one in attempts), "I2: an attempt is open"
    numbers = Counter((one.key, one.number) for one in attempts)
    assert set(numbers.values()) <= {1}, "I2: an attempt is there twice"


def is_sound(path: Path) -> None:
    """I7: SQLite finds the file whole."""
    if path.exists():
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "I7"
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == [], "I7"
