"""ShellTask keeps Prefect 1's arguments and results, and has none of its bugs."""

from __future__ import annotations

import logging
import pickle
import threading
from pathlib import Path

import pytest
from probing import Probe

from orchestrator.cli.main import execute
from orchestrator.errors import FlowError
from orchestrator.log import capture
from orchestrator.model import context
from orchestrator.model.flow import Flow
from orchestrator.process.result import CommandCancelled, CommandFailed, CommandTimedOut
from orchestrator.secrets import EnvironmentSecrets, Secret, provided_by
from tasks.shell import ShellTask


def _log_of(task: ShellTask) -> list[tuple[str, str]]:
    said: list[tuple[str, str]] = []
    with capture(lambda level, text: said.append((level, text))):
        task.run()
    return said


def test_the_result_is_the_last_line_or_all_of_them() -> None:
    assert ShellTask("echo one; echo two").run() == "two"
    assert ShellTask("echo one; echo 'two  '", return_all=True).run() == ["one", "two"]
    assert ShellTask("true").run() is None
    assert ShellTask("true", return_all=True).run() == []


def test_a_warning_on_standard_error_is_not_the_result() -> None:
    assert ShellTask("echo result; echo warning >&2").run() == "result"


def test_arguments_of_run_win_over_those_of_the_task() -> None:
    task = ShellTask("echo $A", env={"A": "task"}, helper_script="true")
    assert task.run() == "task"
    assert task.run(env={"A": 2}) == "2"
    assert task.run(command="say $A", helper_script='say() { echo "said $1"; }') == "said task"


def test_without_a_command_there_is_nothing_to_run() -> None:
    for command in (None, "", "  \n"):
        with pytest.raises(FlowError, match="no command"):
            ShellTask(command).run()


@pytest.mark.parametrize("command", ["false\necho ok", "exit 3 | cat"])
def test_failures_inside_a_script_are_failures(command: str) -> None:
    with pytest.raises(CommandFailed):
        ShellTask(command).run()
    ShellTask(command, strict=False).run()


def test_a_failure_shows_code_command_and_last_output() -> None:
    with pytest.raises(CommandFailed) as caught:
        ShellTask("# comment\nseq 100; echo one; echo two >&2; exit 2").run()
    shown = str(caught.value)
    assert shown.startswith("command failed with exit code 2: # comment\n")
    assert "    one\n" in shown
    assert "    two" in shown
    assert "    100\n" in shown
    assert "    10\n" not in shown  # the last lines, not all of them
    assert caught.value.result is not None
    assert caught.value.result.returncode == 2


def test_a_failure_travels_between_processes() -> None:
    with pytest.raises(CommandFailed) as caught:
        ShellTask("echo said; exit 2").run()
    copy = pickle.loads(pickle.dumps(caught.value))
    assert str(copy) == str(caught.value)
    assert copy.result == caught.value.result


@pytest.mark.parametrize(
    ("command", "how", "hint"),
    [
        ("kill -9 $$", "ended by signal 9 \\(SIGKILL\\)", "memory"),
        ("nosuchprogram", "exit code 127", "PATH"),
        ("yes | head -1", "exit code 141", "strict=False"),
    ],
)
def test_well_known_ends_are_explained(command: str, how: str, hint: str) -> None:
    with pytest.raises(CommandFailed, match=how) as caught:
        ShellTask(command, stream_output=False).run()
    assert hint in str(caught.value.fix)


def test_timeout_is_prompt_and_the_child_does_not_go_on(tmp_path: Path, probe: Probe) -> None:
    task = ShellTask("sleep 300; touch survived", env=probe.env, cwd=tmp_path, timeout=0.5, grace=1)
    with pytest.raises(CommandTimedOut, match=r"stopped after 0\.5 s") as caught:
        task.run()
    assert isinstance(caught.value, TimeoutError)
    assert probe.alive() == []
    assert list(tmp_path.iterdir()) == []


def test_cancellation_of_the_run_reaches_the_command(probe: Probe) -> None:
    running = context.RunContext("run", "flow", "task")
    timer = threading.Timer(0.5, running.cancelled.set)
    with context.entered(running):
        timer.start()
        with pytest.raises(CommandCancelled):
            ShellTask("sleep 300", env=probe.env, grace=1).run()
    timer.join()
    assert probe.alive() == []


def test_bytes_that_are_no_utf8_are_no_failure() -> None:
    assert ShellTask(r"printf '\xffok'").run() == "\ufffdok"


def test_values_reach_the_shell_as_they_are() -> None:
    nasty = "$(touch made); `id` \"quoted\" 'single'\nsecond line \\ * é"
    task = ShellTask('printf %s "$NASTY"', env={"NASTY": nasty}, return_all=True)
    assert task.run() == nasty.splitlines()


def test_output_streams_into_the_log() -> None:
    said = _log_of(ShellTask("echo one; echo two >&2"))
    assert sorted(said) == [("INFO", "one"), ("INFO", "two")]
    assert _log_of(ShellTask("echo one", stream_output=False)) == []
    assert _log_of(ShellTask("echo 100%", stream_output="WARNING")) == [("WARNING", "100%")]
    assert _log_of(ShellTask("echo one", stream_output=logging.ERROR)) == [("ERROR", "one")]
    with pytest.raises(FlowError, match="no log level"):
        ShellTask("true", stream_output="LOUD")


def test_log_stderr_repeats_errors_when_the_command_fails() -> None:
    said: list[tuple[str, str]] = []
    with capture(lambda *line: said.append(line)), pytest.raises(CommandFailed):
        ShellTask("echo out; echo bad >&2; exit 1", log_stderr=True, stream_output=False).run()
    assert said == [("ERROR", "bad")]


def test_secrets_reach_the_command_and_no_log_and_no_error() -> None:
    given = EnvironmentSecrets({"ORCHESTRATOR_SECRET_DB": "canary-8d1f"})
    task = ShellTask(
        'echo "$PLAIN $MY_PASSWORD"; exit 1',
        env={"PLAIN": Secret("DB"), "MY_PASSWORD": "canary-77aa"},
    )
    said: list[str] = []
    with (
        provided_by(given),
        capture(lambda _, text: said.append(text)),
        pytest.raises(CommandFailed) as caught,
    ):
        task.run()
    assert said == ["*** ***"]
    assert "canary" not in str(caught.value)
    assert "    *** ***" in str(caught.value)


def test_what_the_command_leaves_running_is_stopped_and_told(probe: Probe) -> None:
    task = ShellTask("sleep 300 & echo done", env=probe.env, grace=0.2)
    said = _log_of(task)
    assert ("INFO", "done") in said
    assert any(level == "WARNING" and "left running" in text for level, text in said)
    assert probe.alive() == []


def test_output_that_is_still_on_its_way_when_the_command_ends_is_kept() -> None:
    command = "exec > >(sleep 0.3; cat; echo flushed); echo hello"
    assert ShellTask(command, return_all=True).run() == ["hello", "flushed"]


def test_it_is_a_task_like_any_other() -> None:
    template = ShellTask(helper_script="cd /", tags=["shell"], max_retries=2, name="listing")
    with Flow("shells") as flow:
        first = template(command="pwd")
        second = template(command="echo", env={"A": first}, task_args={"name": "second"})
    assert flow is not None
    assert first.name == "listing"
    assert second.name == "second"
    assert first.run("pwd") == "/"
    assert template.retry.max_retries == 2


def test_a_result_in_which_a_secret_stands_is_handed_on_and_not_kept(
    in_tmp: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SECRET_TOKEN", "canary-of-a-result")
    (in_tmp / "orchestrator.toml").touch()
    (in_tmp / "flows").mkdir()
    (in_tmp / "flows" / "f.py").write_text(
        "from orchestrator import Flow\nfrom tasks import ShellTask\n"
        'with Flow("f") as flow:\n'
        '    one = ShellTask("echo $A", env={"A": "secret:TOKEN"}, name="one")()\n'
        '    ShellTask("test $B = $(rev <<< tluser-a-fo-yranac)", name="two")(env={"B": one})\n'
    )
    assert execute(["run", "f"]) == 0
    shown = "".join(capsys.readouterr())
    kept = b"".join(path.read_bytes() for path in in_tmp.rglob("*") if path.is_file())
    assert b"canary-of-a-result" not in kept + shown.encode()
