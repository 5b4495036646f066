"""Screens as listeners: which is chosen, when they draw, what they survive."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
import stories
from rich.console import Console

from orchestrator.cli.terminal.screens import (
    JsonScreen,
    LineScreen,
    LiveScreen,
    make_screen,
    may_redraw,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def console(file: io.StringIO, **more: object) -> Console:
    return Console(file=file, width=80, height=24, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "environ", "redraws"),
    [
        (Terminal(), {"TERM": "xterm"}, True),
        (Terminal(), {"TERM": "xterm", "NO_COLOR": "1"}, True),
        (Terminal(), {"TERM": "xterm", "CI": "true"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
        (io.StringIO(), {"TERM": "xterm", "FORCE_COLOR": "1"}, False),
    ],
)
def test_only_a_terminal_is_drawn_over(
    file: io.StringIO, environ: dict[str, str], redraws: bool
) -> None:
    target = console(file, _environ=environ)
    assert may_redraw(target, environ) is redraws


def test_programs_get_json_even_on_a_terminal() -> None:
    assert isinstance(make_screen("json", console(Terminal()), "f"), JsonScreen)


def test_live_draws_on_its_beat_not_on_each_event() -> None:
    file = Terminal()
    screen = LiveScreen(console(file, force_terminal=True, _environ={"TERM": "xterm"}), "nightly")
    for event in [*stories.beginning(), *stories.ending()]:
        screen(event)
    assert file.getvalue() == ""
    with screen:
        pass
    screen.finish()
    shown = file.getvalue()
    assert shown.count("model stg_flights  0.12 s") == 1
    assert shown.index("stg_flights") < shown.index("next  put it right")


def test_without_colour_no_colour_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for environ, coloured in (
        ({"TERM": "xterm"}, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, False),
    ):
        file = Terminal()
        target = console(file, force_terminal=True, color_system="standard", _environ=environ)
        screen = LineScreen(target)
        for event in [*stories.beginning(), *stories.ending()]:
            screen(event)
        screen.finish()
        assert ("\x1b[1;31mFAILED" in file.getvalue()) is coloured


def test_quiet_says_only_trouble() -> None:
    file = io.StringIO()
    screen = LineScreen(console(file), quiet=True)
    for event in [*stories.beginning(), *stories.ending()]:
        screen(event)
    assert file.getvalue() == ""
    screen.finish()
    assert "slowest" not in file.getvalue()
    assert "on a.carier" in file.getvalue()


def test_plain_lines_are_never_broken() -> None:
    file = io.StringIO()
    screen = LineScreen(Console(file=file, width=40))
    for event in stories.beginning():
        screen(event)
    assert any(len(row) > 80 for row in file.getvalue().splitlines())


def test_a_run_goes_on_when_nobody_reads() -> None:
    program = """
import sys, stories
from orchestrator.cli.session import Session
from orchestrator.cli.following import follow
from orchestrator.model.state import State, StateType
heard = []
def drive(screen):
    for _ in range(2000):
        for event in [*stories.beginning(), *stories.ending()]:
            screen(event)
            heard.append(event)
    return State(StateType.SUCCESS)
code = follow(Session(sys.argv[1]), "nightly", drive)
print(len(heard), code, file=sys.stderr)
"""
    path = os.pathsep.join(filter(None, [os.path.dirname(__file__), *sys.path]))
    for form in ("text", "json"):
        running = subprocess.Popen(
            [sys.executable, "-c", program, form], env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert running.stdout is not None
        assert running.stdout.readline()
        running.stdout.close()
        assert running.stderr is not None
        said = running.stderr.read()
        running.stderr.close()
        assert running.wait(timeout=60) == 0, said
        assert said.split()[-2:] == [str(2000 * (14 + 7)), "0"]


def test_json_lines_are_whole_objects(capsys: pytest.CaptureFixture[str]) -> None:
    screen = JsonScreen()
    with screen:
        for event in stories.beginning():
            screen(event)
    rows = capsys.readouterr().out.splitlines()
    assert [json.loads(row)["event"] for row in rows][:2] == ["run_started", "task"]
    assert len(rows) == len(stories.beginning())
