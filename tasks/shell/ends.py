"""How a command ended, judged: the error of one that failed, with the hint that helps."""

from __future__ import annotations

import signal
from collections.abc import Sequence

from orchestrator.process.result import (
    CommandCancelled,
    CommandFailed,
    CommandTimedOut,
    ProcessResult,
)
from orchestrator.secrets import masker

_HINTS = {
    126: "a file is not a program: make it executable (chmod +x)",
    127: "a program was not found: check the PATH of this task, or name its full path",
    141: "a program wrote into a pipe whose reader had ended (`… | head`): let the reader read to "
    "the end, or give strict=False",
    -int(signal.SIGKILL): "something killed it; often the machine had run out of memory",
}


def failure(
    command: str, result: ProcessResult, output: Sequence[str], timeout: float | None
) -> CommandFailed:
    """Return the error of a command that failed or was stopped; no secret is in its text.

    Args:
        command: Its text, or its words; the first line is shown.
        result: How it ended.
        output: The lines that say what went wrong; the last ones, if none are known.
        timeout: Seconds that it had.
    """
    kind, how = _end(result, timeout)
    first = command.strip().splitlines()[0][:200]
    fix = _HINTS.get(result.returncode) if not result.stopped else None
    if result.survivors:
        fix = "end these processes by hand: " + ", ".join(map(str, result.survivors))
    mask = masker().mask
    error = kind(mask(f"command {how}: {first}"), fix=fix)
    error.output = tuple(mask(line) for line in output or result.last_lines)
    error.result = result
    return error


def _end(result: ProcessResult, timeout: float | None) -> tuple[type[CommandFailed], str]:
    if result.stopped == "timeout":
        return CommandTimedOut, f"stopped after {timeout:g} s"
    if result.stopped == "cancelled":
        return CommandCancelled, "cancelled"
    if result.stopped:
        return CommandFailed, "stopped from outside"
    if result.signal is not None:
        return CommandFailed, f"ended by signal {_signal_name(result.signal)}"
    return CommandFailed, f"failed with exit code {result.returncode}"


def _signal_name(number: int) -> str:
    try:
        return f"{number} ({signal.Signals(number).name})"
    except ValueError:
        return str(number)
