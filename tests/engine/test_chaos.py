"""Whatever is killed, and whenever: nothing is lost, nothing runs twice unseen, nothing survives."""

from __future__ import annotations

import random
import time
from datetime import timedelta
from pathlib import Path

import pytest

from orchestrator import instants
from orchestrator.errors import UsageError
from orchestrator.model.state import FINISHED, SUCCEEDED
from orchestrator.service.project import Project
from orchestrator.service.running import retry_run
from tests.engine.chaos import COUNT, World

VICTIMS = ("worker", "nanny-1", "scheduler", "driver")


@pytest.mark.parametrize(
    "victim",
    ["worker", *(pytest.param(victim, marks=pytest.mark.slow) for victim in VICTIMS[1:])],
)
def test_killed_in_the_middle(victim: str, tmp_path: Path) -> None:
    kill_and_finish(tmp_path, victim, COUNT // 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("victim", VICTIMS)
def test_killed_at_any_moment(victim: str, seed: int, tmp_path: Path) -> None:
    kill_and_finish(tmp_path, victim, random.Random(f"{victim}{seed}").randrange(2 * COUNT + 1))


def kill_and_finish(folder: Path, victim: str, after: int) -> None:
    """Kill somebody once ``after`` attempts have begun; then see what became of the run."""
    world = World(folder)
    with world.cluster():
        world.drive()
        world.wait_for(after)
        alive = world.processes["driver"].poll() is None
        world.kill(victim)
        code = world.end()
        if victim in ("worker", "nanny-1") or not alive:
            assert code == 0, (folder / "driver.log").read_text()[-3000:]
        elif victim == "scheduler":
            assert code in (0, 3), (folder / "driver.log").read_text()[-3000:]
            said = (folder / "driver.log").read_text()
            assert code == 0 or "the Dask scheduler is gone" in said
    project = Project.find(folder)
    first = look(project, world, complete=victim != "driver")
    if first not in ("Success", "none"):
        finish(project)
        look(project, world, complete=True)
    deadline = time.monotonic() + 30
    while world.survivors() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert world.survivors() == []


def look(project: Project, world: World, *, complete: bool) -> str:
    """Compare what the store says of the last run with what really ran."""
    with project.store() as store:
        runs = store.runs()
        if not runs:
            return "none"
        run = runs[0]
        attempts = {f"{a.run_id}~{a.key}~{a.number}" for a in store.attempts(run.id)}
        states = {row.key: row for row in store.task_runs(run.id)}
    assert [name for name in world.ran() if name.endswith("~TWICE")] == []
    if complete:
        assert run.state in FINISHED
        assert {name for name in world.ran() if name.startswith(run.id)} <= attempts
        assert all(row.state in FINISHED for row in states.values())
    if run.state in SUCCEEDED:
        assert states["total"].result == {"value": COUNT * (COUNT - 1)}
        assert all(row.state in SUCCEEDED for row in states.values())
    return str(run.state)


def finish(project: Project) -> None:
    """Go on from the store; of a driver that was killed, once its lease is over."""
    with project.store() as store:
        run = store.runs()[0]
        if run.state not in FINISHED:
            with pytest.raises(UsageError, match="still running"):
                retry_run(project, run.id, executor="threads")
            assert store.heartbeat(run.id, run.fence, instants.now() - timedelta(seconds=1))
        before = {r.key for r in store.task_runs(run.id) if r.state in SUCCEEDED}
    second = retry_run(project, run.id, executor="threads")
    assert second.state.is_successful()
    with project.store() as store:
        again = {a.key for a in store.attempts(second.run_id) if "[" in a.key or a.key == "total"}
    assert again & before == set(), "what succeeded does not run again"
