"""``orchestrator deploy`` and the commands below ``deployments``: screens, JSON, exit codes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import stories

from orchestrator.cli.main import execute
from orchestrator.cli.terminal import deployments as pictures
from orchestrator.cli.terminal import runs
from orchestrator.service.deploying.deploy import Deployed
from orchestrator.service.deploying.listing import History, InService
from orchestrator.store.deployments import Audited, DeployedFlow, Deployment
from orchestrator.store.occurrences import ScheduleState
from tests.cli.conftest import Compare

CURRENT = Deployment(
    "d2", "shop", "nightly", "0a1b2c3d4e5f", "/srv/shop/.orchestrator/deployments/0a1b2c3d4e5f",
    2, "7c96184f00ba7c96184f00ba7c96184f00ba0000", ({"name": "main"},), {"day": "2026-01-01"},
    ("gpu", "large"), "dask", {"kind": "docker", "image": "shop:1.4"}, stories.NOON, "ada",
)  # fmt: skip
FIRST = replace(CURRENT, id="d1", number=1, version="ffeeddccbbaa", created=stories.after(-3600))
NOW = InService(
    DeployedFlow("shop", "nightly", "d2", 2, paused=True),
    CURRENT,
    (ScheduleState("shop/nightly/main", "shop", "nightly", "main", False, stories.NOON),),
)
OTHER = InService(
    DeployedFlow("shop", "load-all-the-flights", "d9", 11, deleted=True),
    replace(
        FIRST, id="d9", flow="load-all-the-flights", number=11, schedules=(), labels=(), commit=None
    ),
)


@pytest.mark.parametrize("width", [80, 120])
def test_screens(same_screen: Compare, width: int) -> None:
    done = [Deployed(CURRENT, True), Deployed(OTHER.current, False)]
    same_screen("deployed", pictures.deployed(done, width), width)
    same_screen("deployments", pictures.table([OTHER, NOW], width), width)
    audit = (
        Audited(2, "shop", "nightly", "pause", "ada", stories.NOON, {"schedule": "main"}),
        Audited(1, "shop", "nightly", "deploy", "", stories.NOON, {"number": 2}),
    )
    shown = pictures.history(History(NOW, (CURRENT, FIRST), audit), width)
    same_screen("deployment", shown, width)


@pytest.mark.parametrize("width", [80, 120])
def test_a_run_says_which_version_it_ran(same_screen: Compare, width: int) -> None:
    run = stories.stored_run(
        version="0a1b2c3d4e5f", schedule_id="shop/nightly/main", scheduled=stories.NOON
    )
    same_screen("run-deployed", runs.one(run, stories.stored_tasks(), width), width)


FLOW = """
from orchestrator import CronSchedule, Flow, Parameter, task

@task
def say(day):
    return day

with Flow("nightly", schedule=CronSchedule("30 2 * * *", timezone="Europe/Berlin")) as flow:
    say(Parameter("day", default="monday"))
"""


@pytest.fixture
def shop(in_tmp: Path) -> Path:
    (in_tmp / "orchestrator.toml").write_text('name = "shop"\n')
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "nightly.py").write_text(FLOW)
    return in_tmp


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code = execute([*words, "--format", "json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert code == found.get("error", {}).get("exit_code", 0)
    return found


def test_a_life(shop: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert answer(capsys, "deployments", "list") == {"deployments": []}
    [first] = answer(capsys, "deploy")["deployments"]
    assert (first["flow"], first["number"], first["is_new"]) == ("nightly", 1, True)
    [again] = answer(capsys, "deploy", "nightly")["deployments"]
    assert again == {**first, "is_new": False}
    environment = '{"kind": "docker", "image": "shop:1"}'
    [second] = answer(
        capsys, "deploy", "nightly", "--label", "gpu", "--set-default", "day=sunday",
        "--executor", "inline", "--environment", environment, "--catch-up", "all",
        "--overlap", "skip",
    )["deployments"]  # fmt: skip
    assert (second["number"], second["labels"], second["parameters"], second["executor"]) == (
        2, ["gpu"], {"day": "sunday"}, "inline",
    )  # fmt: skip
    assert second["environment"] == json.loads(environment)
    assert (second["schedules"][0]["catch_up"], second["schedules"][0]["overlap"]) == (
        "all",
        "skip",
    )
    answer(capsys, "deployments", "pause", "nightly", "--schedule", "main")
    [listed] = answer(capsys, "deployments", "list")["deployments"]
    assert (listed["paused"], listed["schedule_states"][0]["paused"]) == (False, True)
    answer(capsys, "deployments", "pause", "nightly")
    assert answer(capsys, "deployments", "show", "nightly")["paused"] is True
    answer(capsys, "deployments", "resume", "nightly")
    assert answer(capsys, "deployments", "rollback", "nightly")["number"] == 1
    assert answer(capsys, "deployments", "rollback", "nightly", "2")["number"] == 2
    answer(capsys, "deployments", "delete", "nightly")
    assert answer(capsys, "deployments", "list") == {"deployments": []}
    [gone] = answer(capsys, "deployments", "list", "--all")["deployments"]
    assert gone["deleted"] is True
    shown = answer(capsys, "deployments", "show", "nightly")
    assert [one["number"] for one in shown["history"]] == [2, 1]
    assert [one["action"] for one in shown["audit"]] == [
        "delete", "rollback", "rollback", "resume", "pause", "pause", "deploy", "deploy",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["deploy", "weekly"], "no flow 'weekly'"),
        (["deploy", "--set-default", "month=1"], "no parameter 'month'"),
        (["deploy", "--set-default", "month"], "not NAME=VALUE"),
        (["deploy", "--environment", "docker"], "no JSON"),
        (["deploy", "--environment", "[1]"], "no JSON object"),
        (["deployments", "show", "nightly"], "'nightly' is not deployed"),
        (["deployments", "rollback", "nightly"], "'nightly' is not deployed"),
        (["deployments", "pause", "nightly"], "'nightly' is not deployed"),
        (["deployments", "delete", "nightly"], "'nightly' is not deployed"),
    ],
    ids=" ".join,
)
def test_errors_say_what_and_end_with_two(
    shop: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
) -> None:
    error = answer(capsys, *words)["error"]
    assert says in error["what"]
    assert error["exit_code"] == 2


def test_rolling_back_from_the_first_deployment(
    shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(capsys, "deploy")
    error = answer(capsys, "deployments", "rollback", "nightly")["error"]
    assert "first deployment" in error["what"]
    error = answer(capsys, "deployments", "rollback", "nightly", "7")["error"]
    assert (error["what"], error["fix"]) == ("flow 'nightly' has no deployment 7", "it has 1")
