"""A run that was written down is taken over, planned, driven, and never left open."""

from __future__ import annotations

import signal

import pytest

from orchestrator.errors import UsageError
from orchestrator.model.state import StateType
from orchestrator.service.running import execute_run
from orchestrator.store.base import FencedError
from orchestrator.store.records import Change
from tests.agent.world import World, finished, wait_for


def test_it_is_run_with_its_parameters(world: World) -> None:
    with world.project.store() as store:
        run = world.write_down(store, parameters={"seconds": 0})
        result = execute_run(world.project, run.id)
        kept = store.run(run.id)
        tasks = {task.key: task for task in store.task_runs(run.id)}
    assert result.run_id == run.id
    assert kept.state is StateType.SUCCESS
    assert kept.fence == run.fence + 1
    assert kept.lease_expires is None
    assert tasks["total"].result == {"value": 6}
    assert all(task.state is StateType.SUCCESS for task in tasks.values())


def test_only_one_who_saw_its_fence_takes_it(sqlite_world: World) -> None:
    with sqlite_world.project.store() as store:
        run = sqlite_world.write_down(store)
        store.take_over(run.id)
        with pytest.raises(FencedError):
            execute_run(sqlite_world.project, run.id, seen=run.fence)
        assert store.run(run.id).state is StateType.PENDING
        assert store.task_runs(run.id) == ()


def test_one_that_has_begun_is_refused(sqlite_world: World) -> None:
    with sqlite_world.project.store() as store:
        run = sqlite_world.write_down(store)
        store.transition(run.id, [Change(None, StateType.RUNNING)])
        with pytest.raises(UsageError, match="has begun already"):
            execute_run(sqlite_world.project, run.id)
        assert store.run(run.id).state is StateType.RUNNING


@pytest.mark.parametrize(
    ("flow", "parameters", "cause"),
    [("gone", {}, "there is no flow 'gone'"), ("work", {"colour": "red"}, "colour")],
)
def test_one_that_cannot_be_planned_fails_with_its_cause(
    sqlite_world: World, flow: str, parameters: dict[str, str], cause: str
) -> None:
    with sqlite_world.project.store() as store:
        run = sqlite_world.write_down(store, flow, parameters=parameters)
        with pytest.raises(UsageError):
            execute_run(sqlite_world.project, run.id)
        kept = store.run(run.id)
        assert kept.state is StateType.FAILED
        assert kept.message.startswith("it could not begin: ")
        assert cause in kept.message
        assert cause in "".join(line.text for line in store.logs(run.id))


def test_one_that_finishes_another_goes_on_from_it(sqlite_world: World) -> None:
    with sqlite_world.project.store() as store:
        first = sqlite_world.write_down(store)
        execute_run(sqlite_world.project, first.id)
        again = sqlite_world.write_down(store, retry_of=first.id)
        execute_run(sqlite_world.project, again.id)
        assert store.run(again.id).state is StateType.SUCCESS
        assert {str(task.state) for task in store.task_runs(again.id)} <= {"Success", "Cached"}
    assert not [name for name in sqlite_world.ran() if name.startswith(again.id)]


@pytest.mark.parametrize(("flow", "code"), [("work", 0), ("broken", 1), ("gone", 2)])
def test_the_command_ends_as_run_does(sqlite_world: World, flow: str, code: int) -> None:
    with sqlite_world.project.store() as store:
        run = sqlite_world.write_down(store, flow)
        process = sqlite_world.start("execute", run.id, "--fence", "1", "--quiet")
        assert process.wait(60) == code, sqlite_world.said()
        assert finished(store, run)


def test_told_to_end_it_cancels_the_run_and_says_why(world: World) -> None:
    with world.project.store() as store:
        run = world.write_down(store, parameters={"seconds": 60})
        process = world.start("execute", run.id, "--quiet")
        wait_for(lambda: len(world.ran()) >= 2, why=world.said())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 130, world.said()
        assert store.run(run.id).state is StateType.CANCELLED
        asked = [event for event in store.events(run.id) if event.kind == "asked"]
        assert asked[0].data["by"] == "SIGTERM"
        assert "agent" in asked[0].data["reason"]
    assert world.alive() == []
