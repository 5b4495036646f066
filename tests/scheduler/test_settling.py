"""Runs that no agent takes, runs without a driver, agents that are gone: settled, each with its cause."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from scheduler_worlds import World, shape, utc

from orchestrator.model.state import StateType
from orchestrator.schedule import CronClock
from orchestrator.service.scheduler.waiting import why_waiting
from orchestrator.store.agents import AgentRecord
from orchestrator.store.base import RunStore
from orchestrator.store.records import BY_SIGNAL, Action, Ask, Change, TaskRun

HOURLY = CronClock("0 * * * *", timezone="UTC")
SECOND = timedelta(seconds=1)


@pytest.fixture
def world(store: RunStore) -> World:
    return World(store, utc(3, 1, 12))


def begun(world: World, **policies: object) -> str:
    """A run that an agent has claimed for 30 s and that has begun, with tasks in three states."""
    world.deploy("nightly", shape(HOURLY, overlap="skip", **policies))
    (run_id,) = world.tick(utc(3, 1, 13)).made
    assert world.claim(30 * SECOND) == run_id
    fence = world.store.run(run_id).fence
    world.store.add_tasks(run_id, [TaskRun(run_id, key, key) for key in ("a", "b", "c")])
    moves = [
        Change(None, StateType.RUNNING, at=world.now),
        Change("a", StateType.RUNNING, token="1", at=world.now),
        Change("a", StateType.SUCCESS, token="1", at=world.now),
        Change("b", StateType.RUNNING, token="2", at=world.now),
    ]
    assert world.store.transition(run_id, moves, fence=fence) == ()
    return run_id


def test_a_run_is_left_alone_while_its_lease_lasts(world: World) -> None:
    run_id = begun(world)
    assert world.tick(world.now + 29 * SECOND).stuck == {}
    fence = world.store.run(run_id).fence
    for _ in range(13 * 60):  # 13 hours, a beat a minute for a lease of two
        world.now += 60 * SECOND
        assert world.store.heartbeat(run_id, fence, world.now + 120 * SECOND)
        if world.now.minute == 30:
            assert world.tick().stuck == {}
    assert world.store.run(run_id).state is StateType.RUNNING


def test_a_run_whose_driver_is_lost_fails_with_all_its_tasks(world: World) -> None:
    run_id = begun(world)
    fence = world.store.run(run_id).fence
    step = world.tick(world.now + 40 * SECOND)
    assert "driver is lost" in step.stuck[run_id]
    run = world.store.run(run_id)
    assert (run.state, run.lease_expires) == (StateType.FAILED, None)
    assert "should have been heard of 10 s ago" in run.message
    states = {task.key: task.state for task in world.store.task_runs(run_id)}
    assert states == {"a": "Success", "b": "Failed", "c": "Skipped"}
    # The driver, if it lives after all, is refused.
    refused = world.store.transition(run_id, [Change("b", StateType.SUCCESS)], fence=fence)
    assert len(refused) == 1
    assert world.tick().stuck == {}


def test_a_lost_run_is_finished_by_others_but_not_for_ever(world: World) -> None:
    first = begun(world, on_lost="retry", max_lost_retries=2)
    seen = [first]
    for _ in range(3):
        world.tick(world.now + 40 * SECOND)
        following = world.claim(30 * SECOND)
        if following is None:
            break
        run = world.store.run(following)
        assert (run.retry_of, run.schedule_id) == (seen[-1], "shop/nightly/main")
        assert (run.scheduled, run.interval_end) == (utc(3, 1, 13), utc(3, 1, 13))
        world.store.transition(following, [Change(None, StateType.RUNNING, at=world.now)])
        seen.append(following)
    assert len(seen) == 3  # the run and two that tried to finish it
    world.tick(world.now + 40 * SECOND)
    assert [world.store.run(run_id).state.value for run_id in seen] == ["Failed"] * 3
    assert world.unfinished() == ()


@pytest.mark.parametrize(("by", "state"), [("ada", "Cancelled"), (BY_SIGNAL, "Failed")])
def test_what_somebody_had_cancelled_is_not_finished_by_others(
    world: World, by: str, state: str
) -> None:
    run_id = begun(world, on_lost="retry")
    world.store.ask(run_id, Ask(Action.CANCEL, by=by))
    world.tick(world.now + 40 * SECOND)
    assert world.store.run(run_id).state == state
    assert (world.claim(30 * SECOND) is None) == (state == "Cancelled")
    assert ("cancelled by ada" in world.store.run(run_id).message) == (state == "Cancelled")


def test_a_run_that_was_claimed_and_never_began_goes_to_another_agent(world: World) -> None:
    world.deploy("nightly", shape(HOURLY))
    (run_id,) = world.tick(utc(3, 1, 13)).made
    assert world.claim(30 * SECOND) == run_id
    assert world.claim() is None
    step = world.tick(world.now + 31 * SECOND)
    assert step.stuck == {run_id: "agent agent never began it; any agent may take it"}
    assert world.claim() == run_id


def test_late_runs_say_why_nobody_takes_them(world: World) -> None:
    world.deploy("nightly", shape(HOURLY), labels=("gpu",))
    (run_id,) = world.tick(utc(3, 1, 13)).made
    assert world.tick(world.now + timedelta(minutes=5)).late == {}
    later = world.now + SECOND
    assert world.tick(later).late == {run_id: "due 5 min ago; no agent is there"}
    plain = AgentRecord("x1", "plain", started=later, heartbeat=later)
    world.store.enlist(plain)
    assert world.tick().late == {run_id: "due 5 min ago; no agent has its labels gpu"}
    world.store.enlist(AgentRecord("x2", "strong", labels=("gpu",), started=later, heartbeat=later))
    assert world.tick().late == {run_id: "due 5 min ago; the agents that could take it are busy"}
    assert world.claim() is None
    assert world.store.claim("x2", ["gpu"], utc(3, 2), now=world.now) is not None
    assert world.tick().late == {}


def test_a_run_is_late_from_when_its_turn_came(world: World) -> None:
    world.deploy("nightly", shape(HOURLY, overlap="buffer_all"))
    (first,) = world.tick(utc(3, 1, 13)).made
    (second,) = world.tick(utc(3, 1, 14)).made
    world.now = utc(3, 1, 14, 30)
    assert world.tick().late == {first: "due 1 h 30 min ago; no agent is there"}
    world.finish(first)
    assert world.tick().late == {}  # it could not have begun before
    later = {second: "due 35 min ago; no agent is there"}
    assert world.tick(world.now + timedelta(minutes=5) + SECOND).late == later


def test_what_is_made_up_for_is_late_from_when_it_was_made(world: World) -> None:
    world.deploy("nightly", shape(HOURLY))
    (made,) = world.tick(utc(3, 1, 15, 30)).made
    assert world.tick().late == {}
    later = {made: "due 35 min ago; no agent is there"}
    assert world.tick(world.now + timedelta(minutes=5) + SECOND).late == later


def test_a_run_says_why_it_has_not_begun(world: World) -> None:
    def why(run_id: str) -> str | None:
        return why_waiting(world.store, world.store.run(run_id), world.now)

    world.deploy("nightly", shape(HOURLY, overlap="buffer_all"), labels=("gpu",))
    (first,) = world.tick(utc(3, 1, 13)).made
    (second,) = world.tick(utc(3, 1, 14)).made
    assert (why(first), why(second)) == ("no agent is there", f"waits for run {first}")
    plain = AgentRecord("x1", "plain", started=world.now, heartbeat=world.now)
    world.store.enlist(plain)
    assert why(first) == "no agent has its labels gpu"
    world.store.enlist(replace(plain, id="x2", labels=("gpu",)))
    assert why(first) == "the agents that could take it are busy"
    assert world.store.claim("x2", ["gpu"], utc(3, 2), now=world.now) is not None
    assert why(first) is None
    world.finish(first)
    world.now += 31 * SECOND
    assert why(second) == "no agent is there"  # neither was heard of
    later = replace(world.store.run(second), id="later", due=world.now + 90 * SECOND, waits_for="x")
    assert why(world.store.create_run(later)) == "due in 90 s"


def test_an_agent_is_lost_after_three_beats(world: World) -> None:
    world.store.enlist(
        AgentRecord("x1", "laptop", host="h", pid=7, started=world.now, heartbeat=world.now)
    )
    assert world.tick(world.now + 30 * SECOND).lost == {}
    step = world.tick(world.now + SECOND)
    assert step.lost == {"laptop": "not heard of for 31 s (process 7 on h)"}
    assert not world.store.beat("x1", world.now)
    assert world.tick().lost == {}
