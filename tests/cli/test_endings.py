"""How commands end: the exit code, and what people and programs are told."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from orchestrator.cli import endings
from orchestrator.cli.following import exit_code
from orchestrator.cli.main import execute
from orchestrator.cli.session import Session
from orchestrator.errors import StoreError, UsageError
from orchestrator.model.state import State, StateType


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (UsageError("x"), 2),
        (StoreError("x"), 3),
        (KeyboardInterrupt(), 130),
        (click.Abort(), 130),
        (click.UsageError("x"), 2),
        (click.ClickException("x"), 2),
        (SystemExit(5), 5),
        (SystemExit(None), 0),
        (RuntimeError("x"), 3),
    ],
)
def test_exit_codes(error: BaseException, code: int, in_tmp: Path) -> None:
    for form in ("text", "json"):
        assert endings.ending(error, Session(form, state_dir=in_tmp)) == code


@pytest.mark.parametrize(
    ("kind", "code"),
    [("Success", 0), ("Cached", 0), ("Failed", 1), ("TimedOut", 1), ("Cancelled", 130)],
)
def test_exit_code_of_a_run(kind: str, code: int) -> None:
    assert exit_code(State(StateType(kind))) == code


def test_an_error_is_said_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    endings.ending(StoreError("no store", where="here", fix="do this"), Session())
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == ["error  no store", "where  here", "fix    do this"]


def test_an_error_for_programs_is_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    endings.ending(StoreError("no store", where="here", fix="do this"), Session("json"))
    out, err = capsys.readouterr()
    assert err == ""
    assert json.loads(out) == {
        "error": {
            "kind": "StoreError",
            "what": "no store",
            "where": "here",
            "fix": "do this",
            "exit_code": 3,
        }
    }


def test_an_unforeseen_error_keeps_its_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator.secrets import masker

    masker().add("s3cret-of-mine")
    with pytest.raises(ValueError, match="lost") as caught:
        raise ValueError("lost s3cret-of-mine")
    assert endings.ending(caught.value, Session(state_dir=tmp_path)) == 3
    (path,) = (tmp_path / "logs").iterdir()
    kept, said = path.read_text(), capsys.readouterr().err
    assert "Traceback" in kept
    assert "s3cret" not in kept + said
    assert str(path) in said
    assert "Traceback" not in said


def test_a_traceback_is_kept_also_where_there_is_no_project(
    capsys: pytest.CaptureFixture[str], in_tmp: Path
) -> None:
    endings.ending(ValueError("x"), Session("json"))
    path = json.loads(capsys.readouterr().out)["error"]["where"].partition(" (")[0]
    assert "ValueError: x" in Path(path).read_text()
    assert not list(in_tmp.iterdir())


def test_an_unknown_command_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["lineag"]) == 2
    assert "lineage" in capsys.readouterr().err


def test_an_unknown_option_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "--selct", "a"]) == 2
    assert "--select" in capsys.readouterr().err


@pytest.mark.parametrize("line", [["run", "--selct", "--format", "json"], ["x", "--format=json"]])
def test_a_command_line_that_cannot_be_read_is_told_to_programs_too(
    line: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute(line) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["kind"], error["exit_code"]) == ("CommandLineError", 2)


def test_an_empty_folder_is_no_project(in_tmp: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["run", "."], ["plan", "."], ["why", "a"], ["lineage", "a"], ["flows"]):
        assert execute(command) == 2, command
        assert "nothing to run here" in capsys.readouterr().err
    assert not list(in_tmp.iterdir())


def test_a_word_to_end_waits_for_nobody_s_lock() -> None:
    """A signal may come while the event is taken, by whoever waits for it or by the signal before."""
    code = """
import signal
from orchestrator.cli.serving import until_told
with until_told() as stop:
    with stop._cond:
        signal.raise_signal(signal.SIGTERM)
    print(stop.wait(30))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout == "True\n", done.stderr
