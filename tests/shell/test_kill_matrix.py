"""Whatever shape a command's children have, none outlives it: timeout, cancel, error, killed parent."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest
from probing import FAMILY, FAMILY_SIZE, Probe

from orchestrator.errors import WorkerLostError
from orchestrator.process import run as process
from orchestrator.process.run import child_environment, run_process

GRACE = 0.3


def test_timeout_leaves_nobody(probe: Probe) -> None:
    sizes: list[int] = []

    def look(stream: str, line: str) -> None:
        if line == "spawned":
            sizes.append(len(probe.wait_for(FAMILY_SIZE)))

    result = run_process(
        FAMILY, env=child_environment(probe.env), timeout=3, grace=GRACE, on_line=look
    )
    assert sizes == [FAMILY_SIZE]  # all of them were there
    assert result.stopped == "timeout"
    assert not result.ok
    assert result.survivors == ()
    assert probe.alive() == []


@pytest.mark.parametrize("kind", ["event", "function"])
def test_cancel_leaves_nobody(probe: Probe, kind: str) -> None:
    cancel = threading.Event()

    def look(stream: str, line: str) -> None:
        if line == "spawned":
            probe.wait_for(FAMILY_SIZE)
            cancel.set()

    result = run_process(
        FAMILY,
        env=child_environment(probe.env),
        cancel=cancel if kind == "event" else cancel.is_set,
        grace=GRACE,
        on_line=look,
    )
    assert result.stopped == "cancelled"
    assert probe.alive() == []


def test_an_error_of_the_reader_leaves_nobody(probe: Probe) -> None:
    def look(stream: str, line: str) -> None:
        if line == "spawned":
            probe.wait_for(FAMILY_SIZE)
            raise ZeroDivisionError("the reader's own")

    with pytest.raises(ZeroDivisionError, match="the reader's own"):
        run_process(FAMILY, env=child_environment(probe.env), grace=GRACE, on_line=look)
    assert probe.alive() == []


def test_a_command_that_ends_takes_its_children_along(probe: Probe) -> None:
    script = FAMILY.replace("echo spawned\nsleep 300", "echo done")
    result = run_process(script, env=child_environment(probe.env), grace=GRACE)
    assert result.ok
    assert result.left == FAMILY_SIZE - 2
    assert probe.alive() == []


def test_a_parent_killed_with_sigkill_leaves_nobody(probe: Probe, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "from orchestrator.process.run import run_process\n"
        f"run_process({FAMILY!r}, grace={GRACE}, on_line=lambda *line: print(*line, flush=True))\n"
    )
    with _started(script, probe) as (parent, _):
        both = 2  # the parent and the supervisor
        assert len(probe.wait_for(FAMILY_SIZE + both)) == FAMILY_SIZE + both
        scratch = list((tmp_path / "tmp").iterdir())
        assert len(scratch) == 1
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert probe.wait_for(0) == []
        assert list((tmp_path / "tmp").iterdir()) == []  # the script is gone too


def test_what_is_said_to_a_parent_that_was_killed_fails_nobody(
    probe: Probe, tmp_path: Path
) -> None:
    """More than a pipe holds; but who closes a pipe of the command's own still breaks that."""
    told = tmp_path / "told"
    command = (
        "tidy() { for i in {1..9999}; do echo still saying something; done; "
        f"yes | head -n 1; echo ${{PIPESTATUS[0]}} > {told}; exit; }}\n"
        "trap tidy TERM; echo spawned; while :; do sleep 0.05; done"
    )
    script = tmp_path / "parent.py"
    script.write_text(
        "from orchestrator.process.run import run_process\n"
        f"run_process({command!r}, strict=False, on_line=lambda *line: print(*line, flush=True))\n"
    )
    with _started(script, probe) as (parent, _):
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        assert probe.wait_for(0) == []
    assert told.read_text() == f"{128 + signal.SIGPIPE}\n"


def test_an_interrupt_from_the_keyboard_stops_the_tree_first(probe: Probe, tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "from orchestrator.process.run import run_process\n"
        "try:\n"
        f"    run_process({FAMILY!r}, grace={GRACE}, on_line=lambda *line: print(*line, flush=True))\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted', flush=True)\n"
    )
    with _started(script, probe) as (parent, output):
        parent.send_signal(signal.SIGINT)
        assert output.read().splitlines()[-1] == "interrupted"
        assert parent.wait() == 0
    assert probe.alive() == []


def test_a_killed_supervisor_is_an_error_and_leaves_nobody(probe: Probe) -> None:
    def kill_supervisor(stream: str, line: str) -> None:
        if line == "spawned":
            family = probe.wait_for(FAMILY_SIZE)
            command = next(p for p in family if p.ppid() != 1 and "command.sh" in str(p.cmdline()))
            os.kill(command.ppid(), signal.SIGKILL)

    with pytest.raises(WorkerLostError, match="supervisor of 'bash' died"):
        run_process(FAMILY, env=child_environment(probe.env), grace=GRACE, on_line=kill_supervisor)
    assert probe.wait_for(0) == []


def test_a_supervisor_told_to_end_is_no_success(probe: Probe) -> None:
    result = run_process("kill -TERM $PPID; sleep 300", grace=GRACE)
    assert result.stopped == "signal"
    assert not result.ok


def test_a_child_that_takes_the_hint_may_tidy_up(tmp_path: Path) -> None:
    script = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.05; done"
    cancel = threading.Event()
    result = run_process(
        script, strict=False, cancel=cancel, grace=20, on_line=lambda *_: cancel.set()
    )
    assert result.last_lines[-1] == "bye"
    assert result.returncode == 0
    assert not result.ok  # stopped is stopped, whatever the exit code says


def test_other_systems_stop_the_process_group(
    probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "TREE", "group")
    script = "sleep 300 & sh -c 'trap \"\" TERM; sleep 300; sleep 300' & echo up; sleep 300"
    cancel = threading.Event()
    result = run_process(
        script,
        env=child_environment(probe.env),
        cancel=cancel,
        grace=GRACE,
        on_line=lambda *_: cancel.set(),
    )
    assert result.stopped == "cancelled"
    assert probe.wait_for(0, seconds=5) == []


@contextlib.contextmanager
def _started(script: Path, probe: Probe) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Yield a parent whose family is there, and what it prints; it is gone afterwards."""
    temporary = script.parent / "tmp"
    temporary.mkdir()
    environment = {**probe.env, "TMPDIR": temporary, "PYTHONPATH": os.getcwd()}
    with subprocess.Popen(
        [sys.executable, str(script)],
        env=child_environment(environment), stdout=subprocess.PIPE, text=True,
    ) as parent:  # fmt: skip
        assert parent.stdout is not None
        try:
            while "spawned" not in parent.stdout.readline():
                assert parent.poll() is None
            yield parent, parent.stdout
        finally:
            parent.kill()
