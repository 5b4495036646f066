"""The commands that ask something of a run, and those for limits, on a real project."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import stories

from orchestrator import instants
from orchestrator.cli.main import execute
from orchestrator.cli.terminal import asking as pictures
from orchestrator.cli.terminal import limits, runs
from orchestrator.service.asking import Asked, who
from orchestrator.service.limits import KnownLimit
from orchestrator.service.project import Project
from orchestrator.store.records import Action, Ask, FlowRun, Lease, Limit
from tests.cli.conftest import Compare

FLOW = """
from pathlib import Path
from orchestrator import Flow, Trigger, task

HERE = Path(__file__).parents[1]

@task
def load():
    if (HERE / "broken").exists():
        raise ValueError("no luck")
    return [1]

@task(trigger=Trigger.MANUAL_ONLY)
def publish(numbers):
    return sum(numbers)

with Flow("nightly") as flow:
    publish(load())
"""


@pytest.fixture
def project(in_tmp: Path) -> Path:
    (in_tmp / "orchestrator.toml").write_text('name = "shop"\n[limits]\n"flow:nightly" = 1\n')
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "nightly.py").write_text(FLOW)
    return in_tmp


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*args: str) -> tuple[int, str, str]:
        code = execute(args)
        return (code, *capsys.readouterr())

    return run


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline, "it never came to be"
        time.sleep(0.05)


@pytest.fixture
def waiting(project: Path) -> Any:
    """A run in a process of its own that waits for a word about ``publish``."""
    command = [sys.executable, "-m", "orchestrator.cli.main", "run", "nightly", "--quiet"]
    process = subprocess.Popen(command, cwd=project, stdout=subprocess.PIPE, text=True)
    with Project.find(project).store() as store:

        def paused() -> bool:
            found = store.runs(limit=1)
            rows = store.task_runs(found[0].id, "publish") if found else ()
            return any(row.state == "Paused" for row in rows)

        until(paused)
    yield process
    process.kill()
    process.communicate()


def test_approve_from_another_process(waiting: Any, call: Any) -> None:
    code, out, _ = call("runs", "approve", "latest", "publish", "--format", "json")
    said = json.loads(out)
    assert (code, said["action"], said["tasks"], said["now"]) == (0, "approve", ["publish"], True)
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    shown = json.loads(call("runs", "show", "--format", "json")[1])
    assert [(r["action"], r["key"], r["by"]) for r in shown["requests"]] == [
        ("approve", "publish", who())
    ]
    assert "approve publish by" in call("runs", "show")[1]


def test_cancel_from_another_process(waiting: Any, call: Any) -> None:
    code, out, _ = call("runs", "cancel", "--format", "json")
    assert (code, json.loads(out)["cancel"]) == (0, "requested")
    waiting.communicate(timeout=60)
    assert waiting.returncode == 130


def test_resume_all_and_what_cannot_be_resumed(waiting: Any, call: Any) -> None:
    code, _, err = call("runs", "resume", "latest", "load")
    assert code == 2
    assert "task 'load' waits for nobody: it is Success" in err
    assert "waiting: publish" in err
    code, out, _ = call("runs", "resume")
    assert code == 0
    assert out.startswith("publish may go on in run ")
    waiting.communicate(timeout=60)
    assert waiting.returncode == 0


def test_mark_for_the_run_under_way(waiting: Any, call: Any) -> None:
    code, out, _ = call(
        "runs", "mark", "latest", "publish", "skipped", "--reason", "not today", "--format", "json"
    )
    assert code == 0
    assert json.loads(out)["now"] is True
    waiting.communicate(timeout=60)
    [task] = [
        t
        for t in json.loads(call("runs", "show", "--format", "json")[1])["tasks"]
        if t["key"] == "publish"
    ]
    assert (task["state"], task["message"]) == ("Skipped", f"marked by {who()}: not today")


def test_mark_a_failure_successful_and_go_on(project: Path, call: Any) -> None:
    (project / "broken").touch()
    assert call("run", "nightly", "--quiet")[0] == 1
    code, out, _ = call(
        "runs", "mark", "latest", "load", "success", "--reason", "by hand", "--result", "[20, 22]"
    )
    assert code == 0
    assert "orchestrator runs retry" in out
    assert call("runs", "mark", "latest", "publish", "success", "--reason", "x")[0] == 0
    code, out, _ = call("runs", "retry", "latest", "--format", "json")
    assert code == 0
    assert [e["key"] for e in map(json.loads, out.splitlines()) if e["event"] == "task"] == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["approve", "ffff", "load"], "no run 'ffff'"),
        (["approve", "latest", "lod"], "no task is named 'lod'"),
        (["approve", "latest", "load"], "has ended: Failed"),
        (["approve", "latest"], "Missing argument 'TASK'"),
        (["resume", "latest"], "has ended: Failed"),
        (["mark", "latest", "lod", "failed", "--reason", "x"], "did you mean load?"),
        (["mark", "latest", "load", "well", "--reason", "x"], "'well' is not one of"),
        (["mark", "latest", "load", "failed"], "Missing option '--reason'"),
        (["mark", "latest", "load", "success", "--reason", "x", "--result", "{"], "no JSON"),
        (["mark", "latest", "load", "failed", "--reason", "x", "--result", "1"], "has no result"),
        (["cancel", "latest"], "has ended already: Failed"),
    ],
)
def test_what_cannot_be_asked(project: Path, call: Any, args: list[str], said: str) -> None:
    (project / "broken").touch()
    call("run", "nightly", "--quiet")
    code, out, err = call("runs", *args)
    assert (code, out) == (2, "")
    assert said in err
    code, out, _ = call("runs", *args, "--format", "json")
    assert code == 2
    assert json.loads(out)["error"]["exit_code"] == 2


def test_limits_by_command(project: Path, call: Any) -> None:
    shown = json.loads(call("limits", "list", "--format", "json")[1])["limits"]
    assert [(each["name"], each["slots"], each["taken"]) for each in shown] == [
        ("flow:nightly", 1, [])
    ]
    assert shown[0]["origin"].startswith("orchestrator.toml:")
    code, out, _ = call("limits", "set", "tag:heavy", "2")
    assert (code, out) == (0, "tag:heavy may run 2 at the same time\n")
    with Project.find(project).store() as store:
        store.create_run(FlowRun("r1", "nightly"))
        until_then = instants.now() + timedelta(hours=1)
        assert store.acquire(["tag:heavy"], "h", "r1", until_then) == ()
    assert "tag:heavy     1 of 2 taken by run r1" in call("limits", "list")[1]
    code, out, _ = call("limits", "set", "tag:heavy", "none", "--format", "json")
    assert (code, json.loads(out)) == (0, {"name": "tag:heavy", "slots": None})
    assert "tag:heavy" not in call("limits", "list")[1]


@pytest.mark.parametrize(
    ("name", "slots", "said"),
    [
        ("heavy", "2", "expected tag:NAME or warehouse:NAME or flow:NAME, got 'heavy'"),
        ("tag:heavy", "some", "expected a whole number, or none, got 'some'"),
        ("tag:heavy", "none", "there is no limit tag:heavy"),
        ("flow:nightly", "2", "set in the project's settings"),
    ],
)
def test_what_is_no_limit(project: Path, call: Any, name: str, slots: str, said: str) -> None:
    code, out, err = call("limits", "set", name, slots)
    assert (code, out) == (2, "")
    assert said in err


# -- screens ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 120])
def test_list_of_limits(same_screen: Compare, width: int) -> None:
    soon = stories.after(30)
    leases = [Lease("tag:heavy", f"h{n}", f"run{n % 4}", soon) for n in range(5)]
    shown = [
        KnownLimit(Limit("flow:nightly", 1), "orchestrator.toml:4"),
        KnownLimit(Limit("tag:heavy", 6, tuple(leases))),
        KnownLimit(Limit("warehouse:prod", 0)),
    ]
    same_screen("limits", [*limits.table(shown, width), *limits.table([], width)], width)


@pytest.mark.parametrize("width", [80, 120])
def test_answers_to_requests(same_screen: Compare, width: int) -> None:
    run, tasks = stories.stored_run(), tuple(stories.stored_tasks()[:2])
    lines = [
        *pictures.let_go_on(Asked(run, tasks)),
        *pictures.marked(Asked(run, tasks[:1]), "success"),
        *pictures.marked(Asked(run, tasks[:1], now=False), "failed"),
    ]
    same_screen("asked", lines, width)


@pytest.mark.parametrize("width", [80, 120])
def test_run_that_was_asked_something(same_screen: Compare, width: int) -> None:
    data = {"state": "success", "reason": "loaded by hand, as the file came late and wrong"}
    asked = [
        Ask(Action.MARK, "load_flights", data, "ada", stories.after(3)),
        Ask(Action.CANCEL, at=stories.after(4)),
    ]
    shown = runs.one(stories.stored_run(), stories.stored_tasks(), width, asked=asked)
    same_screen("run-asked", shown, width)
