"""Runs launched by the docker command: here a stand-in on the PATH that runs the words it is given."""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from orchestrator.model.state import StateType
from orchestrator.service.agent.local import DockerAgent, LocalAgent
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import Action, Ask
from tests.agent.world import World, finished, wait_for

#: Writes its words down; `run` then executes what stands after the image, with this interpreter.
FAKE = """#!{python}
import json, os, sys
with open(os.environ["WORLD"] + "/docker.jsonl", "a") as log:
    log.write(json.dumps(sys.argv[1:]) + "\\n")
if sys.argv[1] == "run":
    words = sys.argv[sys.argv.index("orchestrator", 5) + 1:]
    os.chdir(os.environ["WORLD"])
    os.execv(sys.executable, [sys.executable, "-P", "-m", "orchestrator", *words])
"""


@pytest.fixture
def fake_docker(sqlite_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A docker command of the tests' own; gives the file where it writes its words down."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "docker").write_text(FAKE.format(python=sys.executable))
    (folder / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    return sqlite_world.folder / "docker.jsonl"


def words_of(log: Path) -> list[list[str]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def test_a_run_of_a_docker_deployment_is_launched_in_its_image(
    sqlite_world: World, fake_docker: Path
) -> None:
    environment = {
        "kind": "docker", "image": "shop:7", "env": {"COLOUR": "red"},
        "arguments": ["--volume", "data:/data"],
    }  # fmt: skip
    with sqlite_world.project.store() as store:
        store.deploy(Deployment("d1", "shop", "work", "aa", "/srv/shop", environment=environment))
        run = sqlite_world.write_down(store, deployment_id="d1")
        agent = LocalAgent(store, project=sqlite_world.project)
        agent.step()
        wait_for(lambda: finished(store, run))
        assert store.run(run.id).state is StateType.SUCCESS
        agent.close()
    (words,) = words_of(fake_docker)
    assert words[:5] == ["run", "--rm", "--init", "--name", f"orchestrator-{run.id}-2"]
    assert words[-8:] == [
        "--volume", "data:/data", "shop:7", "orchestrator", "execute", run.id, "--fence", "2",
        "--quiet",
    ][-8:]  # fmt: skip
    given = [word for before, word in pairwise(words) if before == "--env"]
    assert given == ["COLOUR", "ORCHESTRATOR_NAME", "ORCHESTRATOR_STORE"], "names, no values"


def test_the_container_of_a_cancelled_run_is_taken_away(
    sqlite_world: World, fake_docker: Path
) -> None:
    with sqlite_world.project.store() as store:
        run = sqlite_world.write_down(store, parameters={"seconds": 60})
        agent = DockerAgent(store, project=sqlite_world.project, image="any", grace=0)
        agent.step()
        wait_for(lambda: len(sqlite_world.ran()) >= 2)
        agent._launched[run.id].handle.stop()  # type: ignore[union-attr]
        store.ask(run.id, Ask(Action.CANCEL, by="ada"))

        def settled() -> bool:
            agent.step()
            return not agent._launched

        wait_for(settled)
        assert store.run(run.id).state in (StateType.CANCELLED, StateType.FAILED)
    assert words_of(fake_docker)[-1] == ["rm", "--force", f"orchestrator-{run.id}-2"]
    wait_for(lambda: sqlite_world.alive() == [])


def test_no_image_is_said(sqlite_world: World, fake_docker: Path) -> None:
    with sqlite_world.project.store() as store:
        run = sqlite_world.write_down(store)
        DockerAgent(store, project=sqlite_world.project).step()
        assert "no image is set" in store.run(run.id).message
    assert words_of(fake_docker) == []
