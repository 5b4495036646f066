"""``orchestrator schedule list|pause|resume|backfill`` and ``orchestrator scheduler``, as people call them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from scheduler_worlds import World, shape, utc

from orchestrator import instants
from orchestrator.cli.main import execute
from orchestrator.schedule import CronClock, IntervalClock
from orchestrator.service.project import Project

NOW = utc(11, 20, 12)
NIGHTLY = CronClock("30 1 * * *", timezone="America/New_York")


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with instants.fixed(NOW):
        yield


@pytest.fixture
def project(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("COLUMNS", "120")
    (in_tmp / "orchestrator.toml").write_text('name = "shop"\n')
    return Project.find(in_tmp, {})


def deploy(project: Project, *schedules: Any, begun: Any = NOW) -> None:
    with project.store() as store:
        World(store, begun).deploy("nightly", *(schedules or [shape(NIGHTLY)]))


def answer(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> Any:
    assert execute([*args, "--format", "json"]) == code
    return json.loads(capsys.readouterr().out)


def test_list_shows_what_comes_and_why_nights_did_not_run(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(project, begun=utc(11, 17, 12))
    assert execute(["schedule", "list"]) == 0
    assert "3 due, and no scheduler has settled it yet" in capsys.readouterr().out
    step = answer(capsys, "scheduler", "--once")
    assert (len(step["made"]), step["settled"], step["errors"]) == (1, 3, {})
    assert step["next"] == "2026-11-21T06:30:00+00:00"
    (one,) = answer(capsys, "schedule", "list", "nightly")["schedules"]
    assert [row["outcome"] for row in one["occurrences"]] == ["run", "widened", "widened"]
    assert one["next"]["local"] == "2026-11-21T01:30:00-05:00"
    assert execute(["schedule", "list", "nightly"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "nightly/main  #1  cron 30 1 * * * America/New_York"
    assert lines[1] == "  next  Sat 2026-11-21 01:30 America/New_York"
    assert lines[2].startswith("  run     Fri 2026-11-20 01:30  ")
    assert lines[2].endswith("  caught up 5 h 30 min late")
    assert lines[3].endswith("covered by the run of 2026-11-20 01:30: catch_up is latest")


@pytest.mark.parametrize(
    ("overlap", "says"),
    [("allow_all", "1 due, and no scheduler has"), ("buffer_one", "1 due, after run ")],
)
def test_list_says_after_which_run_only_if_it_is_waited_for(
    project: Project, capsys: pytest.CaptureFixture[str], overlap: str, says: str
) -> None:
    deploy(project, shape(NIGHTLY, overlap=overlap), begun=utc(11, 19, 6))
    with project.store() as store:
        assert World(store, utc(11, 19, 7)).tick().made
    assert execute(["schedule", "list"]) == 0
    assert says in capsys.readouterr().out


def test_list_shows_the_seconds_of_what_is_due_between_minutes(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(project, shape(IntervalClock("PT20S")), begun=NOW - timedelta(seconds=40))
    answer(capsys, "scheduler", "--once")
    with instants.fixed(NOW + timedelta(seconds=5)):
        assert execute(["schedule", "list", "nightly"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "  next  Fri 2026-11-20 12:00:20 UTC"
    assert lines[2].startswith("  run     Fri 2026-11-20 12:00  ")
    assert lines[3].startswith("  widened Fri 2026-11-20 11:59:40  ")


def test_list_shows_a_schedule_that_cannot_be_read(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(project, {"name": "main", "clocks": []})
    (one,) = answer(capsys, "schedule", "list")["schedules"]
    assert one["note"].startswith("cannot be read: ")
    assert execute(["schedule", "list"]) == 0
    assert "cannot be read" in capsys.readouterr().out


def test_list_says_when_the_clock_was_ahead(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(project, begun=utc(11, 21, 12))
    (one,) = answer(capsys, "schedule", "list")["schedules"]
    assert one["note"].startswith("settled until 1 day from now")


def test_pause_and_resume(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    deploy(project)
    assert answer(capsys, "schedule", "pause") == {
        "flow": "nightly", "schedule": None, "paused": True,
    }  # fmt: skip
    assert execute(["schedule", "list"]) == 0
    assert "paused (flow)" in capsys.readouterr().out
    assert execute(["schedule", "resume", "nightly"]) == 0
    assert capsys.readouterr().out == "nightly runs by itself again\n"
    assert execute(["schedule", "pause", "nightly", "--schedule", "main"]) == 0
    assert capsys.readouterr().out == "the schedule 'main' of nightly is paused\n"
    assert answer(capsys, "schedule", "list")["schedules"][0]["paused"] == "schedule"


def test_backfill_goes_on_where_it_stands(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(project)
    days = ["schedule", "backfill", "nightly", "--from", "2026-11-01", "--to", "2026-11-14"]
    found = answer(capsys, *days, "--parallel", "2")
    assert (found["total"], found["made"], found["waiting"]) == (14, 14, 14)
    assert execute([*days, "--parallel", "2"]) == 0
    assert capsys.readouterr().out == (
        f"backfill {found['id']} of nightly: nothing new to make\n  of 14 runs: 14 waiting\n"
    )
    assert execute([*days[:-1], "2026-11-15"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:]
    assert lines == [
        "  of 1 run: 1 waiting",
        f"  left out: 14, made by backfill {found['id']} (succeeded, or under way)",
        "  --id NAME, with a new name, makes them again",
    ]
    found = answer(capsys, *days, "--cancel")
    assert (found["made"], found["cancelled"]) == (0, 14)
    assert execute([*days, "--cancel"]) == 0
    assert capsys.readouterr().out.endswith(
        "  to go on: the same command without --cancel makes what was cancelled\n"
    )
    again = answer(capsys, *days)
    assert (again["made"], again["waiting"]) == (14, 14)
    assert execute(["runs", "show", again["runs"][1]]) == 0
    assert f"not begun  waits for run {again['runs'][0]}" in capsys.readouterr().out
    assert answer(capsys, "runs", "show", again["runs"][0])["waiting"] == "no agent is there"
    with project.store() as store:
        store.call_off(again["runs"][:3], "not now")
        store.prune(most=0)
    assert execute(days) == 0
    assert "  of 14 runs: 11 waiting, 3 no longer kept\n" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["list", "daily"], "'daily' is not deployed"),
        (["pause", "daily"], "daily"),
        (["backfill", "nightly", "--from", "2026-11-02", "--to", "2026-11-01"], "before the first"),
        (["backfill", "nightly", "--from", "2026-11-25"], "names nothing"),
        (["backfill", "nightly", "--from", "2026-11-01", "--schedule", "x"], "no schedule 'x'"),
    ],
)
def test_what_cannot_be_done_says_so(
    project: Project, capsys: pytest.CaptureFixture[str], args: list[str], says: str
) -> None:
    deploy(project)
    assert says in answer(capsys, "schedule", *args, code=2)["error"]["what"]


def test_one_of_several_schedules_has_to_be_named(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    deploy(project, shape(NIGHTLY), shape(NIGHTLY, "second"))
    found = answer(capsys, "schedule", "backfill", "--from", "2026-11-01", code=2)
    assert "it has: main, second" in found["error"]["what"]
    found = answer(capsys, "schedule", "backfill", "--from", "2026-11-01", "--schedule", "second")
    assert found["total"] == 1


def test_without_deployments_there_is_nothing_to_list(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(["schedule", "list"]) == 0
    assert "no schedule is deployed" in capsys.readouterr().out
    assert "deployed are: none" in answer(capsys, "schedule", "pause", code=2)["error"]["what"]
