"""Runs a task in a process of its own, which can be stopped whatever it does."""

from __future__ import annotations

import json
import marshal
import os
import pickle
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from orchestrator import secrets
from orchestrator.engine import outcome
from orchestrator.engine.attempts.isolated import WHOLE
from orchestrator.engine.messages import Attempt
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.stopping import Stop
from orchestrator.errors import FlowError, WorkerLostError
from orchestrator.model.state import State, StateType
from orchestrator.process.result import ProcessResult
from orchestrator.process.run import run_process

Say = Callable[[str, str], None]

#: Seconds between asking the process to end and killing it with all that it started.
GRACE = 3.0
#: Seconds that it may take, beyond the time limit, until the work begins.
_START = 60.0
#: Bytes of one message of the process; lines of a log are shorter.
_LONGEST = 2**20
#: Lines (and characters of each) of its output that are shown if it dies.
_SHOWN, _LONGEST_SHOWN = 20, 2_000
#: What it does first: the import path is this process's.
_BOOT = (
    "import marshal, sys; given = open(int(sys.argv[1]), 'rb'); sys.path[:] = marshal.load(given);"
    "from orchestrator.engine.attempts.isolated import main; main(given, int(sys.argv[2]))"
)


def wants_process(attempt: Attempt) -> bool:
    """Whether an attempt is to run in a process of its own.

    That is what ``isolate`` says; without it, a function with a time limit, unless it takes a
    connection (which belongs to this process) or stops by itself when it is told to.
    """
    task = attempt.task
    if task.isolate is not None:
        return bool(task.isolate)
    return task.timeout is not None and attempt.warehouse is None and not task.stops_when_told


def packed(attempt: Attempt, arguments: dict[str, Any]) -> bytes:
    """The attempt and its arguments as bytes.

    Raises:
        FlowError: They cannot leave this process.
    """
    import cloudpickle

    if attempt.warehouse is not None:
        raise FlowError(
            f"task {attempt.task.name!r} takes a connection, which belongs to its worker's process",
            fix="leave out isolate=True",
        )
    try:
        task = attempt.task.copy(state_handlers=(), on_failure=None, cache=None)
        slim = replace(attempt, task=task, arguments={}, upstream_states=None)
        return bytes(cloudpickle.dumps((slim, arguments)))
    except Exception as error:
        raise FlowError(
            f"task {attempt.task.name!r} cannot be sent to a process of its own: "
            f"{outcome.safe_text(error)}",
            fix="give it isolate=False; a call that blocks is then not stopped",
        ) from error


def run_apart(attempt: Attempt, call: bytes, say: Say, stop: Stop) -> tuple[Any, Outcome]:
    """Run the task in a process of its own and wait until nothing of it is left.

    Args:
        attempt: What runs.
        call: What :func:`packed` gave.
        say: Takes each line of its log.
        stop: Says when it is to stop.
    """
    # Files without a name: whatever dies, nothing of them is left.
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as made:
        given.write(marshal.dumps([path or os.getcwd() for path in sys.path]) + call)
        given.seek(0)
        listener = _Listener(say, stop)
        with stop.limited(_START):
            ended = run_process(
                [sys.executable, "-c", _BOOT, str(given.fileno()), str(made.fileno())],
                on_line=listener.take,
                cancel=stop.cancellation,
                grace=GRACE,
                longest=_LONGEST,
                pass_fds=(given.fileno(), made.fileno()),
            )
        made.seek(0)
        return _came_out(made.read(), ended, listener)


class _Listener:
    """Takes what the process says: messages on its standard output, anything else beside it."""

    def __init__(self, say: Say, stop: Stop) -> None:
        self._say, self._stop = say, stop
        self.last: deque[str] = deque(maxlen=_SHOWN)

    def take(self, stream: str, text: str) -> None:
        message = _message(text) if stream == "stdout" else None
        if message is None:
            self.last.append(secrets.masker().mask(text)[:_LONGEST_SHOWN])
            print(text, file=sys.stderr)
        elif "begun" in message:
            self._stop.begun()
        else:
            self._say(message["level"], secrets.masker().mask(message["text"]))


def _message(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _came_out(made: bytes, ended: ProcessResult, listener: _Listener) -> tuple[Any, Outcome]:
    if ended.survivors:
        pids = ", ".join(map(str, ended.survivors))
        what = f"it could not be stopped: processes {pids} are still there"
        return None, Outcome(State(StateType.FAILED, what), detail={"error": what})
    if made.endswith(WHOLE):
        value, found = pickle.loads(made)
        assert isinstance(found, Outcome)
        return value, found
    how = f"exit code {ended.returncode}"
    if ended.signal is not None:
        how = signal.Signals(ended.signal).name
    what = f"its process ended by itself ({how}) before the task did"
    detail = {"error": "\n".join([what, *listener.last])}
    return None, Outcome(State(StateType.FAILED, what), WorkerLostError(what), detail=detail)
