"""ProcessTask runs programs without a shell; exit codes and secrets are those of all commands."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from probing import Probe

from orchestrator import Flow, InlineExecutor
from orchestrator.errors import FlowError
from orchestrator.log import capture
from orchestrator.model.signals import SKIP
from orchestrator.process.result import CommandFailed, CommandTimedOut
from orchestrator.secrets import EnvironmentSecrets, Secret, provided_by
from tasks import ProcessTask, ShellTask

NASTY = "$(touch made); `id` \"quoted\" 'single' * \\ é | & < >"


def test_words_are_arguments_and_nothing_else(in_tmp: Path) -> None:
    assert ProcessTask(["printf", "%s", NASTY]).run() == NASTY
    assert ProcessTask(["printf", "%s", NASTY], stdin="read by nobody").run() == NASTY
    assert ProcessTask().run(["echo", 3, in_tmp]) == f"3 {in_tmp}"
    assert list(in_tmp.iterdir()) == []


@pytest.mark.parametrize("data", ["one\ntwo", "", b"\xff\x00end", "x" * 300_000])
def test_standard_input_arrives_whole(data: str | bytes, in_tmp: Path) -> None:
    read = "import sys; open('got', 'wb').write(sys.stdin.buffer.read())"
    ProcessTask([sys.executable, "-c", read], stdin=data).run()
    assert (in_tmp / "got").read_bytes() == (data.encode() if isinstance(data, str) else data)


def test_without_input_there_is_none() -> None:
    assert ProcessTask(["cat"]).run() is None


@pytest.mark.parametrize("argv", ["ls -l", b"ls", [], (), None])
def test_a_line_is_no_list_of_words(argv: object) -> None:
    with pytest.raises(FlowError, match="as a list"):
        ProcessTask(argv).run()  # type: ignore[arg-type]


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(CommandFailed, match="nosuchprogram"):
        ProcessTask(["nosuchprogram", "a"]).run()
    with pytest.raises(CommandFailed, match="nosuchprogram") as caught:
        ProcessTask(["nosuchprogram", "a"], stdin="x").run()
    assert "not found" in str(caught.value)


def test_expected_exit_codes_are_success_others_skip_or_fail() -> None:
    differ = [sys.executable, "-c", "import sys; print('they differ'); sys.exit(1)"]
    assert ProcessTask(differ, exit_codes=(0, 1)).run() == "they differ"
    assert ShellTask("echo found; exit 3", exit_codes=[3]).run() == "found"
    with pytest.raises(SKIP, match="exit code 1: nothing to do"):
        ProcessTask(differ, skip_codes=[1]).run()
    with pytest.raises(CommandFailed, match="failed with exit code 0"):
        ProcessTask(["true"], exit_codes=[1]).run()
    with pytest.raises(CommandFailed, match="signal 9"):
        ShellTask("kill -9 $$", exit_codes=[9, 137]).run()
    for wrong in ([256], ["1"], [True], [-9]):
        with pytest.raises(FlowError, match="no exit code"):
            ProcessTask(["true"], exit_codes=wrong)  # type: ignore[arg-type]


def test_in_a_flow_exit_codes_skip_and_are_tried_again(in_tmp: Path) -> None:
    with Flow("codes") as flow:
        nothing = ProcessTask(["false"], skip_codes=[1], name="nothing")()
        ProcessTask(["echo", "after"], name="after")(upstream_tasks=[nothing])
        again = "test -e seen || { touch seen; exit 75; }; echo done"
        ShellTask(again, max_retries=1, retry_on="exit 75", name="again")()
        ShellTask("exit 2", max_retries=3, retry_on="exit 75", name="not again")()
    state = flow.run(executor=InlineExecutor(), project=in_tmp)
    assert {key: found.type.value for key, found in state.result.items()} == {
        "nothing": "Skipped",
        "after": "Skipped",
        "again": "Success",
        "not again": "Failed",
    }


def test_references_of_the_task_are_fetched_those_of_a_run_are_text() -> None:
    given = EnvironmentSecrets({"ORCHESTRATOR_SECRET_DB": "canary-8d1f"})
    said: list[str] = []
    task = ProcessTask(
        ["sh", "-c", 'cat; echo; echo "$A"'], stdin="secret:DB", env={"A": "secret:DB"},
        return_all=True,
    )  # fmt: skip
    with provided_by(given), capture(lambda _, text: said.append(text)):
        assert task.run() == ["canary-8d1f", "canary-8d1f"]
        # A parameter of the run must not be able to name a secret.
        assert task.run(stdin="secret:DB", env={"A": "secret:DB"}) == ["secret:DB", "secret:DB"]
        assert task.run(stdin=Secret("DB"), env={"A": Secret("DB")})[0] == "canary-8d1f"
        assert ShellTask('echo "$A"', env={"A": "secret:DB"}).run() == "canary-8d1f"
        assert ShellTask('echo "$A"').run(env={"A": "secret:DB"}) == "secret:DB"
    assert "canary" not in "\n".join(said)
    assert said[:2] == ["***", "***"]


def test_a_timeout_ends_the_whole_tree(probe: Probe) -> None:
    task = ProcessTask(
        ["sh", "-c", "sleep 300 & sleep 300"], stdin="x", env=probe.env, timeout=0.5, grace=1
    )
    with pytest.raises(CommandTimedOut):
        task.run()
    assert probe.alive() == []
