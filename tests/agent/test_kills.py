"""Agent or driver killed at random moments: nothing runs twice, nothing survives, no run stays open."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import time
from datetime import timedelta

import psutil
import pytest

from orchestrator import instants
from orchestrator.model.state import FINISHED, StateType
from orchestrator.service.running import retry_run
from orchestrator.service.scheduler.scheduler import Scheduler
from orchestrator.store.base import RunStore
from tests.agent.world import World, wait_for

VICTIMS = ("agent", "driver")


@pytest.mark.slow
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_in_the_middle(victim: str, world: World) -> None:
    kill_and_look(world, victim, 2.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(15))
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_at_any_moment(victim: str, seed: int, sqlite_world: World) -> None:
    kill_and_look(sqlite_world, victim, random.Random(f"{victim}{seed}").uniform(0, 5))


def kill_and_look(world: World, victim: str, seconds: float) -> None:
    """Kill somebody so long after the run was written down; then see what became of it."""
    with world.project.store() as store:
        agent = world.start("agent")
        run = world.write_down(store, parameters={"seconds": 2})
        time.sleep(seconds)
        if victim == "agent":
            agent.kill()
            agent.wait()
            wait_for(lambda: world.alive() == [], why="its processes live on")
        else:
            driver = world.driver(run)
            if driver is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    driver.kill()
            wait_for(lambda: store.run(run.id).state in FINISHED, why=world.said())
        if store.run(run.id).state not in FINISHED:
            settle_what_is_lost(store)
        kept = store.run(run.id)
        if kept.state is StateType.PENDING:  # it had not begun: any agent may take it
            assert kept.lease_expires is None
            assert world.ran() == set()
            world.start("agent")
            wait_for(lambda: store.run(run.id).state in FINISHED, why=world.said())
        check(world, store, run.id)
        kept = store.run(run.id)
        if kept.state is not StateType.SUCCESS:
            assert kept.message, "the cause is said"
            again = retry_run(world.project, run.id)
            assert again.state.is_successful()
            check(world, store, again.run_id)
    world.close()


def settle_what_is_lost(store: RunStore) -> None:
    """What a scheduler does once the leases have run out."""
    Scheduler(store, clock=lambda: instants.now() + timedelta(seconds=90)).tick()


def check(world: World, store: RunStore, run_id: str) -> None:
    """The invariants: one attempt for one number, rows equal their last events, nothing open."""
    assert [name for name in world.ran() if name.endswith("~TWICE")] == []
    rows = {task.key: task.state for task in store.task_runs(run_id)}
    rows[None] = store.run(run_id).state  # type: ignore[index]
    last = {e.key: e.data["state"] for e in store.events(run_id) if e.kind == "state"}
    assert all(state in FINISHED for state in rows.values()), rows
    assert last == {key: str(state) for key, state in rows.items()}
    attempts = {f"{a.run_id}~{a.key}~{a.number}" for a in store.attempts(run_id)}
    assert len(attempts) == len(store.attempts(run_id))
    file = world.folder / ".orchestrator" / "store.db"
    if file.exists():
        with contextlib.closing(sqlite3.connect(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
