"""The process that one isolated attempt runs in: started by :mod:`orchestrator.engine.attempts.isolation`."""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import signal
import threading
from types import FrameType
from typing import Any, BinaryIO

from orchestrator import secrets
from orchestrator.engine import outcome
from orchestrator.engine.attempts.running import run_here, surroundings
from orchestrator.engine.messages import Attempt
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.stopping import Stopped
from orchestrator.errors import FlowError
from orchestrator.model.context import Cancellation

#: Ends what is written: what does not end so was not written to its end.
WHOLE = b"\0whole"


def main(given: BinaryIO, made: int) -> None:
    """Run the call that ``given`` holds, and write to ``made`` how it came out."""
    for descriptor in (given.fileno(), made):
        os.set_inheritable(descriptor, False)
    faulthandler.enable()
    speaker = _Speaker()
    cancelled = Cancellation()

    def asked_to_stop(number: int, frame: FrameType | None) -> None:
        cancelled.set()
        raise Stopped

    signal.signal(signal.SIGTERM, asked_to_stop)
    try:
        found = _done(given, speaker, cancelled)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the work has ended; its word must not
    except Stopped:
        return  # between the work and its word: who asked knows
    with open(made, "wb") as file:
        file.write(found + WHOLE)


class _Speaker:
    """Sends messages on what was the standard output; all else that is printed goes to the errors."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        os.dup2(2, 1)

    def say(self, level: str, text: str) -> None:
        self.send({"level": level, "text": text})

    def send(self, message: dict[str, Any]) -> None:
        with self._lock:
            self._out.write(json.dumps(message) + "\n")


def _done(given: BinaryIO, speaker: _Speaker, cancelled: Cancellation) -> bytes:
    attempt, arguments = pickle.load(given)
    with surroundings(attempt, speaker.say, cancelled):
        speaker.send({"begun": True})
        value, found = run_here(attempt, arguments)
        return _packed(attempt, value, found.masked(secrets.masker().mask))


def _packed(attempt: Attempt, value: Any, found: Outcome) -> bytes:
    try:
        return _pickled((value, found))
    except Exception as error:
        failure = FlowError(
            f"the result of task {attempt.task.name!r} cannot leave its process: "
            f"{outcome.safe_text(error)}",
            fix="give the task isolate=False, or return something that can be pickled",
        )
        return _pickled((None, outcome.raised(failure, attempt)))


def _pickled(made: Any) -> bytes:
    try:
        return pickle.dumps(made, protocol=5)
    except Exception:  # classes and functions of a user's flow modules
        import cloudpickle

        return bytes(cloudpickle.dumps(made))
