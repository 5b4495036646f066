"""Runs launched as processes of this machine: their code, environment, output, and ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.model.state import StateType
from orchestrator.service.agent.local import LocalAgent
from orchestrator.service.asking import request_cancel
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from tests.agent.world import World, finished, wait_for


@contextlib.contextmanager
def working(world: World, store: RunStore) -> Iterator[LocalAgent]:
    """An agent that works in a thread for a block."""
    agent = LocalAgent(store, project=world.project, pause=0.1)
    stop = threading.Event()
    thread = threading.Thread(target=agent.run, args=(stop,))
    thread.start()
    try:
        yield agent
    finally:
        stop.set()
        thread.join(90)
        assert not thread.is_alive()


def test_runs_are_launched_and_what_their_process_prints_is_in_their_log(world: World) -> None:
    with world.project.store() as store, working(world, store):
        good, bad, gone = (world.write_down(store, flow) for flow in ("work", "broken", "gone"))
        wait_for(lambda: all(finished(store, run) for run in (good, bad, gone)))
        assert store.run(good.id).state is StateType.SUCCESS
        assert store.run(bad.id).state is StateType.FAILED
        assert store.run(gone.id).message.startswith("it could not begin: there is no flow 'gone'")
        wait_for(lambda: any("total of 4" in line.text for line in store.logs(good.id)))
        wait_for(lambda: any("no flow 'gone'" in line.text for line in store.logs(gone.id)))
    assert world.alive() == []


@pytest.mark.slow
def test_a_killed_process_is_noticed_and_the_run_can_go_on(world: World) -> None:
    from orchestrator.service.running import retry_run

    with world.project.store() as store, working(world, store):
        run = world.write_down(store, parameters={"seconds": 4})
        wait_for(lambda: len(world.ran()) >= 2)
        driver = world.driver(run)
        assert driver is not None
        driver.kill()
        wait_for(lambda: finished(store, run))
        kept = store.run(run.id)
        assert (kept.state, kept.message) == (
            StateType.FAILED,
            "its process was killed by SIGKILL",
        )
        wait_for(lambda: world.alive() == [], why="its children live on")
    assert retry_run(world.project, run.id).state.is_successful()


TALK = """
import os, time
from pathlib import Path
from orchestrator import Flow, task

@task
def talk():
    (Path(os.environ["WORLD"]) / "ran" / "talk").touch()
    for _ in range(300):
        print("nobody may hear this" * 50, flush=True)
        time.sleep(0.01)

with Flow("talk") as flow:
    talk()
"""


@pytest.mark.slow
def test_a_task_that_prints_is_not_failed_by_the_death_of_its_agent(sqlite_world: World) -> None:
    world = sqlite_world
    (world.folder / "flows" / "talk.py").write_text(TALK)
    with world.project.store() as store:
        agent = world.start("agent")
        run = world.write_down(store, "talk")
        wait_for(world.ran, why=world.said())
        agent.kill()
        wait_for(lambda: world.alive() == [], why="its processes live on")
        [talk] = store.task_runs(run.id)
        assert talk.state is StateType.CANCELLED, talk.message
        assert store.run(run.id).state is StateType.CANCELLED
        assert "its process was told to end" in store.asked(run.id)[0].data["reason"]


def test_a_cancelled_run_leaves_no_process(sqlite_world: World) -> None:
    world = sqlite_world
    with world.project.store() as store, working(world, store):
        run = world.write_down(store, parameters={"seconds": 60})
        wait_for(lambda: len(world.ran()) >= 2)
        request_cancel(world.project, run.id)
        wait_for(lambda: finished(store, run))
        assert store.run(run.id).state is StateType.CANCELLED
        wait_for(lambda: world.alive() == [])


def test_the_agents_end_cancels_what_runs_and_says_why(sqlite_world: World) -> None:
    world = sqlite_world
    with world.project.store() as store:
        with working(world, store) as agent:
            run = world.write_down(store, parameters={"seconds": 60})
            wait_for(lambda: len(world.ran()) >= 2)
        assert store.run(run.id).state is StateType.CANCELLED
        why = f"agent {agent.name} stops"
        assert [asked.data["reason"] for asked in store.asked(run.id)] == [why]
    assert world.alive() == []


def test_a_run_of_a_deployment_has_its_versions_code_and_environment(
    sqlite_world: World, tmp_path: Path
) -> None:
    world, source = sqlite_world, tmp_path / "versions" / "0a1b2c3d4e5f"
    shutil.copytree(world.folder, source, ignore=shutil.ignore_patterns(".orchestrator", "ran"))
    code = """
        import os
        from orchestrator import Flow, task

        @task
        def look():
            return [os.getcwd(), os.environ["COLOUR"], os.environ["ORCHESTRATOR_NAME"]]

        with Flow("look") as flow:
            look()
    """
    (source / "flows" / "look.py").write_text(textwrap.dedent(code))
    environment = {"kind": "process", "env": {"COLOUR": "red"}}
    with world.project.store() as store, working(world, store):
        deployment = Deployment(
            "d1", "shop", "look", "0a1b2c3d4e5f", str(source), environment=environment
        )
        store.deploy(deployment)
        run = world.write_down(store, "look", deployment_id="d1", version="0a1b2c3d4e5f")
        wait_for(lambda: finished(store, run))
        said = [line.text for line in store.logs(run.id)]
        assert store.run(run.id).state is StateType.SUCCESS, said
        assert store.task_runs(run.id)[0].result == {"value": [str(source), "red", "shop"]}
    assert not (source / ".orchestrator").exists(), "state belongs to the project, not to a version"


@pytest.mark.parametrize(
    ("deployment", "cause"),
    [
        (Deployment("d1", "shop", "work", "aa", "/nowhere/at/all"), "is not on this machine"),
        (
            Deployment("d1", "shop", "work", "aa", ".", environment={"kind": "moon"}),
            "environment of kind 'moon'",
        ),
    ],
)
def test_a_run_that_cannot_be_launched_says_why(
    sqlite_world: World, deployment: Deployment, cause: str
) -> None:
    with sqlite_world.project.store() as store:
        store.deploy(deployment)
        run = sqlite_world.write_down(store, deployment_id="d1")
        agent = LocalAgent(store, project=sqlite_world.project)
        agent.step()
        assert store.run(run.id).state is StateType.FAILED
        assert cause in store.run(run.id).message


def test_the_stores_address_is_no_word_of_the_command(sqlite_world: World) -> None:
    with sqlite_world.project.store() as store:
        run = sqlite_world.write_down(store)
        order = LocalAgent(store, project=sqlite_world.project).order(run)
    assert order.environment["ORCHESTRATOR_STORE"] == sqlite_world.project.settings.store
    assert not [word for word in order.words if "sqlite" in word]


def test_a_stopped_agent_process_ends_with_0_and_leaves_nothing(sqlite_world: World) -> None:
    world = sqlite_world
    with world.project.store() as store:
        process = world.start("agent", "--format", "json", "--name", "here")
        run = world.write_down(store, parameters={"seconds": 60})
        wait_for(lambda: len(world.ran()) >= 2, why=world.said())
        assert [agent.name for agent in store.agents()] == ["here"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, world.said()
        assert store.run(run.id).state is StateType.CANCELLED
        assert store.agents() == ()
    assert world.alive() == []
    assert os.listdir(world.folder / "ran")
