"""The agent of docs/service.md works as the page says."""

from __future__ import annotations

import signal

from orchestrator.model.state import StateType
from tests.agent.world import World, finished, wait_for
from tests.docs import pages


def test_the_agent_of_the_page_launches_and_cancels(sqlite_world: World) -> None:
    world = sqlite_world
    (block,) = [
        block
        for block in pages.sections(pages.DOCS / "service.md")["Agents of your own"]
        if block.file
    ]
    assert len(block.text.splitlines()) <= 32
    (world.folder / block.file).write_text(block.text)
    with world.project.store() as store:
        process = world.start("agent", "--kind", "my_agents:PlainAgent")
        run = world.write_down(store)
        wait_for(lambda: finished(store, run), why=world.said())
        assert store.run(run.id).state is StateType.SUCCESS
        wait_for(lambda: any("plain agent" in line.text for line in store.logs(run.id)))
        long = world.write_down(store, parameters={"seconds": 60})
        wait_for(lambda: any(name.startswith(long.id) for name in world.ran()))
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, world.said()
        assert store.run(long.id).state is StateType.CANCELLED
    wait_for(lambda: world.alive() == [])


def test_what_is_no_agent_is_refused(sqlite_world: World) -> None:
    for kind in ("moon", "json:loads", "no_such_module:Agent"):
        assert sqlite_world.start("agent", "--kind", kind).wait(60) == 2
    said = sqlite_world.said()
    assert "there is no kind of agent 'moon'" in said
    assert "no subclass" in said
    assert "cannot be imported" in said
