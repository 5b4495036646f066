"""One attempt of one task, where the executor put it: run it, and report how it ended."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator import instants, log, secrets
from orchestrator.engine.logs import LineBuffer
from orchestrator.errors import OrchestratorError
from orchestrator.executors.base import Channel, Kept
from orchestrator.model import context
from orchestrator.model.binding import Promise, fill
from orchestrator.model.signals import FAIL, SKIP, Result
from orchestrator.model.state import State, StateType
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse

#: Results of at most this many bytes as JSON are kept with the task run, for a restart.
RESULT_LIMIT = 64 * 1024
_TRACEBACK_LIMIT = 64 * 1024

_live: dict[str, context.Cancellation] = {}
_cancelled_runs: set[str] = set()


@dataclass(frozen=True, slots=True)
class Slot(Promise):
    """Stands in an argument for the value of one of the attempt's inputs.

    Args:
        input: Its number.
        element: Which element of it is taken; None takes it whole.
    """

    input: int
    element: int | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """All that a worker needs to know.

    Args:
        token: Fence: unique to this attempt; the store takes no word from any other.
        arguments: By name, with :class:`Slot` for results of other tasks.
        warehouse: The connection to open and give to ``run``.
        upstream_states: For tasks that ask for them.
        state_dir: Where the project's secrets are.
    """

    run_id: str
    flow: str
    key: str
    number: int
    token: str
    task: Task
    arguments: Mapping[str, Any] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    scheduled_time: datetime | None = None
    warehouse: Warehouse | None = None
    upstream_states: Mapping[str, State] | None = None
    state_dir: Path | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """Message: the attempt began."""

    key: str
    token: str
    at: datetime
    worker: str


@dataclass(frozen=True, slots=True)
class Logged:
    """Message: the attempt said something; lines are (instant, level, text)."""

    key: str
    number: int
    lines: tuple[tuple[datetime, str, str], ...]


@dataclass(frozen=True, slots=True)
class Report:
    """How an attempt ended.

    Args:
        state: Finished state, without the value.
        error: What it raised; for the retry policy.
        result: ``{"value": …}`` if the value is small and JSON gives it back as it was.
        length: Number of elements, where the value has one.
    """

    key: str
    token: str
    state: State
    started: datetime
    finished: datetime
    worker: str
    error: BaseException | None = None
    rows: int | None = None
    failures: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] | None = None
    length: int | None = None


def run_attempt(attempt: Attempt, channel: Channel, inputs: list[Any]) -> Kept:
    """Run one attempt; whatever the task does, this returns.

    Args:
        attempt: What to run.
        channel: Way to the driver.
        inputs: Values that the slots in the arguments stand for.
    """
    started, worker = instants.now(), worker_name()
    channel.send(Started(attempt.key, attempt.token, started, worker))
    lines = LineBuffer(lambda batch: channel.send(Logged(attempt.key, attempt.number, batch)))
    cancelled = _live[attempt.token] = context.Cancellation()
    timer = _Timeout(attempt.task.timeout, cancelled)
    if attempt.run_id in _cancelled_runs:
        cancelled.set()
    try:
        with timer:
            value, outcome = _run(attempt, inputs, lines, cancelled)
    finally:
        _live.pop(attempt.token, None)
        lines.close()
    state = _judged(outcome.state, timer, cancelled, attempt)
    mask = secrets.masker().mask
    result, length = _described(value) if state.is_successful() else (None, None)
    return Kept(
        Report(
            attempt.key, attempt.token, replace(state, message=mask(state.message)), started, instants.now(), worker, outcome.error,
            outcome.rows, outcome.failures, _masked(outcome.detail, mask), result, length,
        ),
        value,
    )  # fmt: skip


def cancel_run(run_id: str) -> None:
    """Ask every attempt of a run in this process to stop, and let no further one begin."""
    _cancelled_runs.add(run_id)
    for token, event in list(_live.items()):
        if token.startswith(run_id):
            event.set()


def worker_name() -> str:
    """Host and process, as ``host:pid``."""
    return f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True, slots=True)
class _Outcome:
    state: State
    error: BaseException | None = None
    rows: int | None = None
    failures: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def _run(
    attempt: Attempt, inputs: list[Any], lines: LineBuffer, cancelled: context.Cancellation
) -> tuple[Any, _Outcome]:
    running = context.RunContext(
        attempt.run_id, attempt.flow, attempt.key, attempt.number, attempt.parameters,
        attempt.scheduled_time, logging.getLogger(f"orchestrator.task.{attempt.task.name}"), cancelled,
    )  # fmt: skip
    try:
        with (
            context.entered(running),
            _secrets(attempt.state_dir),
            log.capture(lines.add, stdout=attempt.task.log_stdout),
            _connected(attempt.warehouse) as connected,
        ):
            arguments = {name: _filled(value, inputs) for name, value in attempt.arguments.items()}
            if attempt.upstream_states is not None:
                arguments["upstream_states"] = attempt.upstream_states
            return _succeeded(attempt.task.run(**arguments, **connected))
    except SKIP as signal:
        return None, _Outcome(State(StateType.SKIPPED, str(signal), cause=attempt.key))
    except FAIL as signal:
        state = State(StateType.FAILED, signal.message, status=signal.status)
        return None, _Outcome(state, _portable(signal), signal.rows, signal.failures, signal.detail)
    except BaseException as error:
        return None, _failed(error)


def _succeeded(returned: Any) -> tuple[Any, _Outcome]:
    if not isinstance(returned, Result):
        return returned, _Outcome(State(StateType.SUCCESS))
    state = State(StateType.SUCCESS, returned.message, status=returned.status)
    return returned.value, _Outcome(state, None, returned.rows, returned.failures, returned.detail)


def _failed(error: BaseException) -> _Outcome:
    if isinstance(error, OrchestratorError):
        # Written for people: the traceback would only hide what it says.
        message, detail = error.what, {"error": str(error)}
    else:
        message = f"{type(error).__name__}: {_safe_text(error)}"
        text = "".join(traceback.format_exception(error))[-_TRACEBACK_LIMIT:]
        detail = {"error": _safe_text(error), "traceback": text}
    return _Outcome(State(StateType.FAILED, message), _portable(error), detail=detail)


def _judged(
    state: State, timer: _Timeout, cancelled: context.Cancellation, attempt: Attempt
) -> State:
    """What broke because it was told to stop was not broken by itself."""
    if timer.fired and not state.is_successful():
        return State(StateType.TIMED_OUT, f"stopped after {attempt.task.timeout:g} s")
    if cancelled.is_set() and attempt.run_id in _cancelled_runs and not state.is_successful():
        return State(StateType.CANCELLED, "cancelled")
    return state


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    """Hide secrets in every text of a JSON-like structure."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(item, mask) for key, item in value.items()}
    return [_masked(item, mask) for item in value] if isinstance(value, (list, tuple)) else value


def _filled(value: Any, inputs: list[Any]) -> Any:
    def take(slot: Slot) -> Any:
        whole = inputs[slot.input]
        return whole if slot.element is None else whole[slot.element]

    return fill(value, take)


def _secrets(state_dir: Path | None) -> contextlib.AbstractContextManager[None]:
    if state_dir is None:
        return contextlib.nullcontext()
    return secrets.provided_by(secrets.default_provider(state_dir))


@contextlib.contextmanager
def _connected(warehouse: Warehouse | None) -> Any:
    if warehouse is None:
        yield {}
        return
    with warehouse.connect() as connection:
        yield {"warehouse": connection}


def _described(value: Any) -> tuple[Mapping[str, Any] | None, int | None]:
    length = len(value) if isinstance(value, (list, tuple)) else None
    try:
        text = json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None, length
    # A tuple would come back as a list: what cannot be given back as it was is not kept.
    kept = len(text) <= RESULT_LIMIT and _faithful(value)
    return ({"value": value} if kept else None), length


def _faithful(value: Any) -> bool:
    if isinstance(value, dict):
        return all(type(key) is str and _faithful(item) for key, item in value.items())
    if isinstance(value, list):
        return all(_faithful(item) for item in value)
    return value is None or type(value) in (str, int, float, bool)


def _portable(error: BaseException) -> BaseException:
    """The error itself if it can travel between processes, else its type's name and text."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {_safe_text(error)}")
    return error.with_traceback(None)


def _safe_text(error: BaseException) -> str:
    try:
        return str(error)[:_TRACEBACK_LIMIT]
    except Exception as second:
        return f"<{type(error).__name__} whose text cannot be made: {type(second).__name__}>"


class _Timeout:
    """Sets the cancel event after a time; remembers that it did."""

    def __init__(self, seconds: float | None, cancelled: context.Cancellation) -> None:
        self.fired = False
        self._cancelled = cancelled
        self._timer = threading.Timer(seconds, self._fire) if seconds else None

    def _fire(self) -> None:
        self.fired = True
        self._cancelled.set()

    def __enter__(self) -> _Timeout:
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        if self._timer is not None:
            self._timer.cancel()
