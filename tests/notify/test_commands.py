"""``orchestrator notifications``: list, retry, test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.cli.main import execute
from orchestrator.service.project import Project
from orchestrator.store.outbox import Notification
from tests.notify.receivers import Receiver


@pytest.fixture
def shop(in_tmp: Path, receiver: Receiver) -> Project:
    (in_tmp / "orchestrator.toml").write_text(
        f'name = "shop"\n[notifications.team]\nurl = "{receiver.url}"\n'
    )
    project = Project.find(in_tmp)
    with project.store() as store:
        one, _ = store.put(
            [Notification("state", "shop/team", {"title": f"n{n}"}, key=f"k{n}") for n in (1, 2)]
        )
        store.failed(one, "answered 500", None)
    return project


def test_list(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["notifications", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert "pending" in lines[0]
    assert lines[1].split()[:2] == ["1", "dead"]
    assert lines[1].endswith("shop/team  n1")
    assert lines[2].strip() == "0 tries: answered 500"
    assert execute(["notifications", "list", "--state", "dead", "--format", "json"]) == 0
    (shape,) = json.loads(capsys.readouterr().out)["notifications"]
    assert (shape["id"], shape["state"], shape["error"]) == (1, "dead", "answered 500")
    assert execute(["notifications", "list", "--run", "nosuch"]) == 2


def test_retry(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["notifications", "retry", "1"]) == 0
    assert execute(["notifications", "retry", "1"]) == 2
    assert "no notification 1 was given up" in capsys.readouterr().err
    with shop.store() as store:
        assert {each.state.value for each in store.outbox()} == {"pending"}


def test_a_test_message(
    shop: Project, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["notifications", "test", "team"]) == 0
    assert receiver.bodies()[0]["title"] == "a test message from project shop"
    receiver.behaviour = "error"
    assert execute(["notifications", "test", "team"]) == 3
    said = capsys.readouterr().err
    assert "to team was not delivered: answered 500" in said
    assert "[notifications.team]" in said
    assert execute(["notifications", "test", "taem"]) == 2
    assert "did you mean 'team'?" in capsys.readouterr().err


def test_a_test_message_as_slack_has_it(shop: Project, receiver: Receiver) -> None:
    with (shop.root / "orchestrator.toml").open("a") as file:
        file.write('format = "slack"\n')
    assert execute(["notifications", "test", "team"]) == 0
    ((said,),) = (body.values() for body in receiver.bodies())
    title, message, place = said.splitlines()
    assert (title, message) == ("*a test message from project shop*", "it works")
    assert place.startswith("project shop, 20")


def test_a_process_of_its_own_delivers_until_it_is_told_to_stop(
    shop: Project, receiver: Receiver
) -> None:
    line = [sys.executable, "-m", "orchestrator", "notifications", "deliver", "--format", "json"]
    environment = os.environ | {"ORCHESTRATOR_PRIVATE_WEBHOOKS": "127.0.0.1"}
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, text=True, cwd=shop.root, env=environment
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"project": "shop"}
        receiver.wait()
        process.terminate()
        assert process.wait(60) == 0
    assert [body["title"] for body in receiver.bodies()] == ["n2"]
    with shop.store() as store:
        assert [each.state.value for each in store.outbox()] == ["sent", "dead"]


def test_what_is_due_once(shop: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["notifications", "deliver", "--once"]) == 0
    assert capsys.readouterr().out == "1 tried\n"
    with shop.store() as store:
        assert "private network" in store.outbox()[0].error
