"""Scheduler, agent and run process killed at random points of a service at work: the invariants hold."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from datetime import timedelta

import psutil
import pytest

from orchestrator import instants
from orchestrator.model.state import FINISHED, StateType
from orchestrator.schedule import IntervalClock, as_schedule
from orchestrator.service.scheduler.scheduler import Scheduler
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import Action, Ask
from tests.agent.invariants import check_all
from tests.agent.world import World, wait_for

PARTS = ("scheduler", "agent")
#: Each gives a kill of each victim; thirty in all.
SEEDS = (3, 7, 11, 13, 17, 19, 23, 29, 31, 37)
FEW = 3


class Service:
    """A scheduler and an agent in processes of their own, and a flow that is due every few seconds."""

    def __init__(self, world: World, store: RunStore) -> None:
        self.world, self.store = world, store
        self.acknowledged: dict[str, int] = {}
        self.due = instants.now() + timedelta(seconds=10)
        clock = IntervalClock("PT10S", start_date=self.due)
        shape = {
            **as_schedule(clock).to_dict(), "name": "main", "overlap": "allow_all",
            "catch_up": "all",
        }  # fmt: skip
        store.deploy(
            Deployment("d1", "shop", "work", "aa", str(world.folder), schedules=(shape,))
        )  # fmt: skip
        self.parts = {name: world.start(name) for name in PARTS}

    def kill(self, victim: str) -> None:
        """Kill a part, or the process of a run; a part is started again."""
        if victim == "driver":
            for run in self.store.runs(state=StateType.RUNNING):
                driver = self.world.driver(run)
                if driver is not None:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        driver.kill()
                    return
        else:
            self.parts[victim].kill()
            self.parts[victim].wait()
            self.parts[victim] = self.world.start(victim)

    def write(self) -> None:
        """Write something that must not be lost: a run, and later requests to it."""
        if not self.acknowledged:
            self.acknowledged[self.world.write_down(self.store).id] = 0
        [run_id] = self.acknowledged
        self.store.ask(run_id, Ask(Action.MARK, by="ada", data={"state": "success"}))
        self.acknowledged[run_id] += 1

    def come_to_rest(self) -> None:
        """No more runs; those that are there end, whoever is to end them."""
        wait_for(lambda: instants.now() > self.due)
        self.stop(self.parts["scheduler"])
        assert Scheduler(self.store).tick().errors == {}
        self.store.pause("shop", "work")
        deadline = time.monotonic() + 240
        while unfinished := [r for r in self.store.runs(limit=1000) if r.state not in FINISHED]:
            assert time.monotonic() < deadline, (unfinished, self.world.said())
            if all(run.agent not in {one.id for one in self.living()} for run in unfinished):
                # What a dead agent had is settled when its lease is over.
                late = instants.now() + timedelta(seconds=90)
                Scheduler(self.store, clock=lambda late=late: late).tick()
            time.sleep(0.3)
        self.stop(self.parts["agent"])

    def living(self) -> list[object]:
        """The agents whose process is there."""
        return [one for one in self.store.agents() if one.pid == self.parts["agent"].pid]

    def stop(self, process: subprocess.Popen[str]) -> None:
        process.terminate()
        # One that was started a moment ago may not listen to the signal yet.
        assert process.wait(120) in (0, -signal.SIGTERM), self.world.said()


def kill_again_and_again(world: World, seed: int, kills: int) -> None:
    """Kill each victim in turn at random moments; then see what holds."""
    chance = random.Random(seed)
    victims = [*PARTS, "driver"] * (kills // 3)
    chance.shuffle(victims)
    with world.project.store() as store:
        service = Service(world, store)
        service.write()
        wait_for(lambda: world.ran(), why=world.said())
        for victim in victims:
            time.sleep(chance.uniform(0, 2.5))
            service.kill(victim)
            service.write()
        service.come_to_rest()
        check_all(world, store, service.acknowledged)
        assert store.occurrences(), f"nothing was due (seed {seed})"


def test_a_few_kills_anywhere(sqlite_world: World) -> None:
    kill_again_and_again(sqlite_world, seed=5, kills=FEW)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_thirty_kills_anywhere(seed: int, sqlite_world: World) -> None:
    kill_again_and_again(sqlite_world, seed, kills=FEW)
