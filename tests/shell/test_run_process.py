"""What a command gives back: lines as they come, exit codes and signals, its own environment only."""

from __future__ import annotations

import os
import resource
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.model import context
from orchestrator.process.result import CommandFailed
from orchestrator.process.run import child_environment, run_process


def test_both_streams_arrive_line_by_line() -> None:
    lines: list[tuple[str, str]] = []
    result = run_process(
        "echo one; echo two >&2; printf 'no end'", on_line=lambda *line: lines.append(line)
    )
    assert sorted(lines) == [("stderr", "two"), ("stdout", "no end"), ("stdout", "one")]
    assert result.ok
    assert result.returncode == 0
    assert result.stdout == ("no end",)
    assert sorted(result.last_lines) == ["no end", "one", "two"]


def test_output_streams_while_the_command_runs(tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    def open_gate(stream: str, line: str) -> None:
        if line == "first":
            gate.touch()

    script = f"echo first; while [ ! -e '{gate}' ]; do sleep 0.02; done; echo second"
    assert run_process(script, on_line=open_gate, timeout=30).stdout == ("second",)


def test_keep_decides_how_many_lines_come_back() -> None:
    assert run_process("seq 5", keep=None).stdout == ("1", "2", "3", "4", "5")
    assert run_process("seq 5", keep=2).stdout == ("4", "5")
    assert run_process("seq 5", keep=0).stdout == ()


def test_bytes_that_are_no_utf8_are_replaced() -> None:
    assert run_process(r"printf 'a\xff\xfe b\n'").stdout == ("a\ufffd\ufffd b",)


def test_a_huge_line_comes_in_pieces_and_whole_characters() -> None:
    pieces: list[str] = []
    code = "import sys; sys.stdout.write('é€😀' * 40_000 + '\\nend\\n')"
    result = run_process(
        [sys.executable, "-c", code], on_line=lambda _, text: pieces.append(text), keep=2
    )
    assert len(pieces) > 3
    assert max(map(len, pieces)) < 200_000
    assert pieces[-1] == "end"
    assert "".join(pieces[:-1]) == "é€😀" * 40_000
    assert result.stdout == ("é€😀" * 40_000, "end")


@pytest.mark.parametrize("redirect", ["", ">&2"])
def test_a_hundred_megabytes_do_not_block(redirect: str) -> None:
    seen = [0]

    def count(stream: str, line: str) -> None:
        seen[0] += len(line) + 1

    script = f"{{ yes {'x' * 999} | head -c 100000000; }} {redirect}; echo done"
    assert run_process(script, strict=False, on_line=count, timeout=120).ok
    assert seen[0] == 100_000_000 + len("done\n")


def test_a_full_pipe_that_nobody_reads_in_the_command_does_not_block() -> None:
    code = "import sys; sys.stderr.write('e' * 1_000_000); sys.stdout.write('o' * 1_000_000)"
    assert run_process([sys.executable, "-c", code], timeout=60).ok


@pytest.mark.parametrize(("script", "code"), [("exit 3", 3), ("false", 1), ("kill -9 $$", -9)])
def test_exit_codes_and_signals(script: str, code: int) -> None:
    result = run_process(script)
    assert result.returncode == code
    assert result.signal == (9 if code < 0 else None)
    assert not result.ok


@pytest.mark.parametrize("script", ["false\necho ok", "exit 3 | cat", "nosuchprogram | cat"])
def test_strict_sees_what_a_plain_shell_overlooks(script: str) -> None:
    assert not run_process(script).ok
    assert run_process(script, strict=False).ok


def test_sh_stops_at_the_first_failure_too() -> None:
    assert not run_process("false\necho ok", shell="sh").ok


def test_words_are_never_read_by_a_shell(tmp_path: Path) -> None:
    evil = f"$(touch {tmp_path}/made); `touch {tmp_path}/made`"
    assert run_process(["echo", evil, "*"]).stdout == (f"{evil} *",)
    assert list(tmp_path.iterdir()) == []


def test_the_environment_is_the_given_one_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEAK", "from the parent")
    seen = run_process(["env"], env={"PATH": os.environ["PATH"], "MINE": "1"}, keep=None).stdout
    names = {line.split("=")[0] for line in seen}
    assert names == {"PATH", "MINE", "ORCHESTRATOR_PROCESS"}
    assert "LEAK=from the parent" in run_process(["env"], keep=None).stdout


def test_environments_of_commands_at_once_do_not_mix() -> None:
    before = dict(os.environ)

    def one(number: int) -> str:
        env = child_environment({"NUMBER": number})
        return run_process("sleep 0.1; echo $NUMBER", env=env).stdout[0]

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(24))) == [str(number) for number in range(24)]
    assert dict(os.environ) == before


def test_child_environment_turns_values_into_text_and_takes_away() -> None:
    base = {"GONE": "x", "KEPT": "y"}
    extra = {"GONE": None, "N": 3, "P": Path("/a"), "B": True}
    made = child_environment(extra, base)
    assert made == {"KEPT": "y", "N": "3", "P": "/a", "B": "True"}
    assert base == {"GONE": "x", "KEPT": "y"}


@pytest.mark.parametrize("bad", [{"A=B": "x"}, {"": "x"}, {"A": "x\0y"}, {3: "x"}])
def test_child_environment_refuses_what_cannot_be(bad: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError):
        child_environment(bad)


def test_a_large_environment_and_script_arrive_whole() -> None:
    env = child_environment({f"V{number}": "x" * 10_000 for number in range(60)})
    script = "# " + "c" * 500_000 + "\necho ${#V59}"
    assert run_process(script, env=env).stdout == ("10000",)


def test_a_value_too_large_for_the_system_is_an_error() -> None:
    with pytest.raises(CommandFailed, match="Argument list too long"):
        run_process(["true"], env=child_environment({"BIG": "x" * 3_000_000}))


def test_what_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="cannot start 'nosuchprogram': No such file"):
        run_process(["nosuchprogram"])
    with pytest.raises(CommandFailed, match="cannot start 'nosuchshell'"):
        run_process("echo", shell="nosuchshell")
    with pytest.raises(CommandFailed, match="folder to run in does not exist"):
        run_process(["true"], cwd=tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="command is empty"):
        run_process([])


def test_it_runs_in_its_folder_and_leaves_nothing_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, temporary = tmp_path / "work", tmp_path / "tmp"
    work.mkdir()
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    assert run_process("pwd", cwd=work).stdout == (str(work),)
    assert list(work.iterdir()) == list(temporary.iterdir()) == []


def test_the_script_is_private_while_it_runs() -> None:
    lines = run_process('stat -c %a "$0"; stat -c %a "$(dirname "$0")"', keep=None).stdout
    assert lines == ("644", "700")


def test_input_is_empty_and_a_broken_pipe_ends_the_writer() -> None:
    assert run_process("cat; echo end", timeout=20).stdout == ("end",)
    assert run_process("yes | head -1").returncode == 128 + signal.SIGPIPE


def test_signals_the_parent_ignores_reach_the_command() -> None:
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    try:
        result = run_process("kill -USR1 $$; echo ignored")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert result.signal == signal.SIGUSR1


def test_no_descriptors_of_the_parent_reach_the_command() -> None:
    with open(os.devnull) as extra:
        os.set_inheritable(extra.fileno(), True)
        result = run_process(["bash", "-c", "ls /proc/$$/fd"], keep=None)
    assert set(result.stdout) <= {"0", "1", "2", "3", "255"}


ALONE = """
import os
from contextlib import suppress
from orchestrator.process.result import CommandFailed
from orchestrator.process.run import run_process

run_process(["true"])
before = sorted(os.listdir("/proc/self/fd"))
run_process(["true"])
for words in ("exit 1", ["nosuchprogram"]):
    with suppress(CommandFailed):
        run_process(words)
print(before == sorted(os.listdir("/proc/self/fd")))
"""


def test_descriptors_of_the_parent_are_all_closed_again() -> None:
    # A process of its own: here threads of other tests open and close what they like.
    assert run_process([sys.executable, "-c", ALONE]).stdout == ("True",)


def test_the_running_task_s_cancel_event_is_heeded() -> None:
    running = context.RunContext("run", "flow", "task")
    with context.entered(running):
        result = run_process("echo up; sleep 300", on_line=lambda *_: running.cancelled.set())
    assert result.stopped == "cancelled"


@pytest.mark.slow
def test_a_thread_that_ends_does_not_take_its_command_for_orphaned() -> None:
    results: list[bool] = []

    def start_one_in_a_thread_of_a_thread() -> None:
        inner = threading.Thread(target=lambda: results.append(run_process("sleep 0.5").ok))
        inner.start()

    outer = threading.Thread(target=start_one_in_a_thread_of_a_thread)
    outer.start()
    outer.join()
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join(30)
    assert results == [True]


def test_a_process_with_many_open_files_runs_commands() -> None:
    before, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, most), most))
    try:
        with ExitStack() as stack:
            for _ in range(1100):
                stack.enter_context(open(os.devnull))
            assert run_process(["echo", "hello"]).stdout == ("hello",)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (before, most))
