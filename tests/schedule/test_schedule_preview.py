"""``orchestrator schedule preview``: its screens, its JSON, and what it says when there is nothing to show.

A screen that changed on purpose is written anew by ``UPDATE_SCREENS=1 pytest tests/schedule``.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from orchestrator import instants
from orchestrator.cli.main import execute
from orchestrator.cli.terminal import schedule as pictures
from orchestrator.cli.terminal.printing import write
from orchestrator.schedule import CronClock, DatesClock, IntervalClock, Schedule
from orchestrator.schedule.preview import Preview, around, coming, note_of

ROOT = Path(__file__).resolve().parents[2]
SCREENS = Path(__file__).parent / "screens"
NOW = datetime(2026, 10, 29, 12, tzinfo=UTC)
NY = "America/New_York"
FLOWS = """
from orchestrator import CronClock, Flow, Schedule, task

@task
def one():
    return 1

with Flow("nightly", schedule=CronClock("30 1 * * *", timezone="America/New_York")) as nightly:
    one()
with Flow("by_hand") as by_hand:
    one()
with Flow("broken", schedule="30 1 * * *") as broken:
    one()
"""


@pytest.fixture(autouse=True)
def now() -> Iterator[None]:
    with instants.fixed(NOW):
        yield


def screen(name: str, flow: str | None, schedule: Schedule, found: Preview, width: int) -> None:
    """Compare a picture with the screen kept under a name, character by character."""
    file = io.StringIO()
    write(Console(file=file, width=width), pictures.picture(flow, schedule, found, width))
    path = SCREENS / f"{name}-{width}.txt"
    if os.environ.get("UPDATE_SCREENS"):
        path.write_text(file.getvalue(), encoding="utf-8")
    assert path.is_file(), f"{path} is not there; see the docstring of this file"
    assert file.getvalue() == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("width", [80, 120])
def test_the_overlap_is_pointed_out(width: int) -> None:
    schedule = Schedule([CronClock("30 1 * * *", timezone=NY)])
    screen("overlap", "nightly", schedule, coming(schedule, 6, NOW), width)


@pytest.mark.parametrize("width", [80, 120])
def test_the_gap_is_pointed_out(width: int) -> None:
    schedule = Schedule([CronClock("30 2 * * *", timezone=NY)])
    screen("gap", "nightly", schedule, around(schedule, date(2027, 3, 14), 6), width)


@pytest.mark.parametrize("width", [80, 120])
def test_what_a_gap_takes_away_is_pointed_out(width: int) -> None:
    schedule = Schedule([CronClock("*/15 2 * * *", timezone=NY)])
    screen("lost", None, schedule, around(schedule, date(2027, 3, 14), 6), width)


@pytest.mark.parametrize("width", [80, 120])
def test_several_zones_and_parameters(width: int) -> None:
    schedule = Schedule(
        [
            CronClock("0 6 * * *", timezone=NY, parameters={"region": "us"}),
            IntervalClock("PT8H", timezone="Europe/Berlin", labels=["big", "eu"]),
        ]
    )
    screen("zones", "loads", schedule, around(schedule, date(2026, 11, 1), 10), width)


def test_a_schedule_that_is_over() -> None:
    schedule = Schedule([DatesClock([datetime(2020, 1, 1)])])
    screen("over", "once", schedule, coming(schedule, 3, NOW), 80)


@pytest.mark.parametrize(
    ("clock", "after", "note"),
    [
        (CronClock("30 2 * * *", timezone=NY), "2026-03-08", "02:30 does not exist on this night; runs at 03:00"),
        (CronClock("30 2 * * *", timezone=NY, gap="shift"), "2026-03-08", "02:30 does not exist on this night; runs at 03:30"),
        (CronClock("30 23 * * *", timezone="America/Nuuk"), "2026-03-28 12:00", "23:30 does not exist on 2026-03-28; runs at 00:00 of 2026-03-29"),
        (CronClock("30 1 * * *", timezone=NY), "2026-11-01", "01:30 comes twice on this night; runs the first time"),
        (CronClock("30 1 * * *", timezone=NY, overlap="second"), "2026-11-01", "01:30 comes twice on this night; runs the second time"),
        (CronClock("30 3 * * *", timezone=NY), "2026-03-08", None),
        (CronClock("0 2 * * *", timezone=NY), "2026-11-01", None),
    ],
)  # fmt: skip
def test_notes(clock: CronClock, after: str, note: str | None) -> None:
    instant = datetime.fromisoformat(after).replace(tzinfo=UTC)
    assert note_of(next(clock.occurrences(instant))) == note


def test_around_a_day_that_never_was() -> None:
    schedule = Schedule([CronClock("0 2 * * *", timezone="Pacific/Apia")])
    found = around(schedule, date(2011, 12, 30), 4)
    assert [one.nominal.day for one in found.occurrences] == [28, 29, 31, 1]
    assert [change.transition.old_wall.day for change in found.changes] == [30]


# -- warnings --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "zone", "warning"),
    [
        ("*/15 2 * * *", NY, "does not run at all on 2027-03-14"),
        ("0 */6 * * *", "America/Santiago", "loses its 00:00 on 2027-09-05"),
        ("0 */2 * * *", NY, "loses its 02:00 on 2027-03-14"),
        ("* 2 * * 0", NY, "does not run at all on 2027-03-14"),
    ],
)
def test_a_clock_that_loses_a_night_says_so(
    text: str, zone: str, warning: str, caplog: pytest.LogCaptureFixture
) -> None:
    from orchestrator.schedule import cron_clock

    cron_clock._warn_once.cache_clear()
    clock = CronClock(text, timezone=zone)
    assert len(clock.warnings) == 1
    assert warning in clock.warnings[0]
    assert [record.getMessage() for record in caplog.records] == list(clock.warnings)
    (better,) = [
        part for part in clock.warnings[0].split("'") if part.startswith("0") and "-" in part
    ]
    assert CronClock(better, timezone=zone).is_fixed
    assert CronClock(text, timezone=zone, rule="wildcard").warnings == ()


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("*/15 * * * *", NY),
        ("0 * * * *", NY),
        ("30 2 * * *", NY),
        ("*/15 2 * * *", "UTC"),
        ("*/15 2 * * *", "Asia/Tokyo"),
        ("*/15 9-17 * * *", NY),
        ("0 0,6,12,18 * * *", "America/Santiago"),
        ("*/15 2 * * 1", NY),  # clocks change on Sundays
    ],
)
def test_a_clock_that_loses_nothing_says_nothing(text: str, zone: str) -> None:
    assert CronClock(text, timezone=zone).warnings == ()


# -- the command -----------------------------------------------------------------------------------


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\n', encoding="utf-8")
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "loads.py").write_text(FLOWS, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def asked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = execute(["schedule", "preview", *words])
    out, err = capsys.readouterr()
    return code, out, err


def as_json(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    code, out, _ = asked(capsys, *words, "--format", "json")
    assert code == 0, out
    return json.loads(out)


def test_the_next_runs_of_a_flow(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(capsys, "nightly", "--next", "4")
    assert found["flow"] == "nightly"
    assert [one["local"][:16] for one in found["occurrences"]] == [
        "2026-10-30T01:30", "2026-10-31T01:30", "2026-11-01T01:30", "2026-11-02T01:30",
    ]  # fmt: skip
    assert [one["instant"][8:16] for one in found["occurrences"]] == [
        "30T05:30", "31T05:30", "01T05:30", "02T06:30",
    ]  # fmt: skip
    assert found["occurrences"][2]["note"].endswith("runs the first time")
    (change,) = found["transitions"]
    assert (change["instant"], change["timezone"]) == ("2026-11-01T06:00:00+00:00", NY)
    assert found["coming_transitions"][0]["local_after"] == "2027-03-14T03:00:00"


def test_twenty_if_not_said_otherwise(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(as_json(capsys, "nightly")["occurrences"]) == 20


def test_around_a_day(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = asked(capsys, "nightly", "--around", "2027-03-14", "--next", "4")
    assert code == 0
    assert "── Sun 2027-03-14 02:00 → 03:00, clocks go forward in America/New_York" in out
    assert out.count("01:30") == 4


def test_an_expression_needs_no_project(in_tmp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = as_json(
        capsys, "--cron", "30 2 * * *", "--timezone", NY, "--gap", "shift",
        "--around", "2027-03-14", "--next", "2",
    )  # fmt: skip
    assert [one["local"] for one in found["occurrences"]] == [
        "2027-03-13T02:30:00-05:00", "2027-03-14T03:30:00-04:00",
    ]  # fmt: skip
    assert found["flow"] is None


def test_warnings_are_part_of_the_picture_and_said_once(in_tmp: Path) -> None:
    words = ["schedule", "preview", "--cron", "*/15 2 * * *", "--timezone", NY]
    done = subprocess.run(
        [sys.executable, "-m", "orchestrator.cli.main", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("does not run at all on") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("by_hand",), ("the flow 'by_hand' has no schedule", "loads.py:", "schedule=CronClock(")),
        (("broken",), ("'30 1 * * *' is no schedule", "give a Schedule or a clock")),
        (("nightly", "--cron", "@daily"), ("both the flow 'nightly' and --cron",)),
        (("nightly", "--timezone", "UTC"), ("--timezone is given without --cron",)),
        (("--cron", "30 25 * * *"), ("the hour '25' is not 0 to 23", "field 2: hour")),
        (("--cron", "@daily", "--timezone", "Europe/Berlim"), ("did you mean 'Europe/Berlin'",)),
        (("--cron", "@daily", "--around", "tomorrow"), ("'tomorrow' does not match",)),
        (("--cron", "@daily", "--next", "0"), ("0 is not in the range",)),
        (("nightli",), ("there is no flow 'nightli'", "did you mean nightly")),
    ],
)
def test_errors_say_what_to_do(
    project: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], said: tuple[str, ...]
) -> None:
    code, out, err = asked(capsys, *words)
    assert (code, out) == (2, "")
    for text in said:
        assert text in err
