"""Runs that ended because their process or agent did: finished by others where their schedule says so."""

from __future__ import annotations

import threading

import pytest

from orchestrator import instants
from orchestrator.engine.telling.recorder import LEASE
from orchestrator.model.state import StateType
from orchestrator.service.agent.base import Agent, Exit
from orchestrator.service.scheduler.following import ANOTHER, interrupt
from orchestrator.service.scheduler.stopping import ask_to_stop
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import Action, Ask, Change, FlowRun

RETRY = {"on_lost": "retry", "max_lost_retries": 2}


class Machine(Agent[str]):
    """An agent whose processes end when they are killed."""

    def __init__(self, store: RunStore) -> None:
        super().__init__(store, project=None, pause=0.01, grace=0.3)
        self.ended: dict[str, Exit | None] = {}

    def launch(self, run: FlowRun) -> str:
        self.ended[run.id] = None
        return run.id

    def poll(self, handle: str) -> Exit | None:
        return self.ended[handle]

    def kill(self, handle: str) -> None:
        self.ended[handle] = Exit(-9)


def at_work(store: RunStore, agent: Machine, **policies: object) -> str:
    """A run of a schedule with these policies, that the agent has launched and that has begun."""
    scheduled(store, **policies)
    launch(store, agent)
    return "a1"


def scheduled(store: RunStore, **policies: object) -> None:
    """Make a run ``a1`` of a schedule with these policies, which waits for an agent."""
    shape = {"name": "main", **policies}
    store.deploy(Deployment("d1", "shop", "nightly", "aa", "/srv", schedules=(shape,)))
    store.create_run(
        FlowRun("a1", "nightly", "shop", deployment_id="d1", schedule_id="shop/nightly/main")
    )


def launch(store: RunStore, agent: Machine) -> str:
    """Let the agent take the next run, and the run begin."""
    agent.step()
    [run_id] = [run_id for run_id, ended in agent.ended.items() if ended is None]
    fence = store.take_over(run_id, until=instants.now() + LEASE)
    assert store.transition(run_id, [Change(None, StateType.RUNNING)], fence=fence) == ()
    return run_id


def stop(agent: Machine) -> None:
    """End the agent as SIGTERM does."""
    told = threading.Event()
    told.set()
    agent.run(told)


def others_take(store: RunStore) -> list[str | None]:
    """Of the runs that another agent takes now, those that they finish."""
    other = Machine(store)
    other.step()
    return [store.run(run_id).retry_of for run_id in other.ended]


@pytest.mark.parametrize(("policies", "finished"), [({}, []), (RETRY, ["a1"])])
def test_what_an_agent_stops_is_finished_by_another_where_lost_runs_are(
    store: RunStore, policies: dict[str, object], finished: list[str]
) -> None:
    agent = Machine(store)
    run_id = at_work(store, agent, **policies)
    assert others_take(store) == []
    stop(agent)
    assert store.run(run_id).state is StateType.CANCELLED
    assert f"agent {agent.name} stops" in store.asked(run_id)[0].data["reason"]
    assert others_take(store) == finished


@pytest.mark.parametrize(("policies", "finished"), [({}, []), (RETRY, ["a1"])])
def test_what_a_killed_process_left_is_finished_by_another_where_lost_runs_are(
    store: RunStore, policies: dict[str, object], finished: list[str]
) -> None:
    agent = Machine(store)
    run_id = at_work(store, agent, **policies)
    agent.ended[run_id] = Exit(-9)
    agent.step()
    run = store.run(run_id)
    assert run.state is StateType.FAILED
    assert run.message.startswith("its process was killed by SIGKILL")
    assert run.message.endswith("; another run finishes it") == bool(finished)
    assert [store.run(one).retry_of for one in agent.ended if one != run_id] == finished


def test_what_somebody_cancelled_is_not_finished_when_the_agent_stops_then(store: RunStore) -> None:
    agent = Machine(store)
    run_id = at_work(store, agent, **RETRY)
    store.ask(run_id, Ask(Action.CANCEL, by="ada"))
    stop(agent)
    assert store.run(run_id).state is StateType.CANCELLED
    assert others_take(store) == []


def test_agent_and_process_that_are_told_to_end_at_once_have_one_follower(store: RunStore) -> None:
    agent = Machine(store)
    run_id = at_work(store, agent, **RETRY)
    interrupt(store, run_id, "its process was told to end")
    stop(agent)
    assert others_take(store) == [run_id]


def test_whoever_asks_asks_once(store: RunStore) -> None:
    run_id = at_work(store, Machine(store), **RETRY)
    ask_to_stop(store, run_id, "the next one came")
    interrupt(store, run_id, "its process was told to end")
    interrupt(store, run_id, "its agent stops")
    ask_to_stop(store, run_id, "the next one came")
    assert [(asked.by, asked.data["reason"]) for asked in store.asked(run_id)] == [
        ("scheduler", "the next one came")
    ]
    assert store.retries(run_id) == ()  # somebody wished it to end


@pytest.mark.parametrize(("policies", "finished"), [({}, []), (RETRY, ["a1"])])
def test_one_that_no_agent_has_taken_ends_at_once(
    store: RunStore, policies: dict[str, object], finished: list[str]
) -> None:
    scheduled(store, **policies)
    interrupt(store, "a1", "its process was told to end")
    run = store.run("a1")
    assert run.state is StateType.CANCELLED
    assert run.message == "its process was told to end" + (ANOTHER if finished else "")
    assert store.asked("a1") == ()
    assert others_take(store) == finished


def test_one_that_an_agent_takes_at_that_moment_is_asked(store: RunStore) -> None:
    scheduled(store)

    def taken(run: FlowRun) -> str:
        assert store.claim("agent", (), instants.now() + LEASE) is not None
        return ", late"

    ask_to_stop(store, "a1", "the next one came", before=taken)
    assert store.run("a1").state is StateType.PENDING
    assert [asked.data["reason"] for asked in store.asked("a1")] == ["the next one came, late"]


def test_runs_are_not_interrupted_and_finished_for_ever(store: RunStore) -> None:
    agent = Machine(store)
    at_work(store, agent, **RETRY)
    for _ in range(2):
        stop(agent)
        agent = Machine(store)
        launch(store, agent)
    stop(agent)
    assert others_take(store) == []
    assert [run.state.value for run in store.runs()] == ["Cancelled"] * 3
