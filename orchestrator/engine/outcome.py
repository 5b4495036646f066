"""How the work of an attempt came out, judged: its state, what it raised, what can be kept of it."""

from __future__ import annotations

import contextlib
import json
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.engine.codes import codes_of
from orchestrator.engine.messages import Attempt
from orchestrator.engine.stopping import Stop
from orchestrator.errors import OrchestratorError, WorkerLostError
from orchestrator.model.executed import Executed
from orchestrator.model.signals import FAIL, PAUSE, RETRY, SKIP, Result
from orchestrator.model.state import State, StateType
from orchestrator.secrets import masker

#: Results of at most this many bytes as JSON are kept with the task run, for a restart.
RESULT_LIMIT = 64 * 1024
_TRACEBACK_LIMIT = 64 * 1024
#: Of longer lists of lists the length of each inner list is not told.
_LENGTHS = 100_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the work came out.

    Args:
        state: Finished (or paused) state, without the value.
        error: What it raised, if it can travel to the driver; else a stand-in.
        detail: JSON-able facts for people.
        executed: What its statements read and wrote, where they were taken down.
        codes: What the error goes by, for the retry policy.
        retry_after: Seconds to wait, where the task itself asked to be tried again.
    """

    state: State
    error: BaseException | None = None
    rows: int | None = None
    failures: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    executed: Executed | None = None
    codes: tuple[str, ...] = ()
    retry_after: float | None = None

    def masked(self, mask: Callable[[str], str]) -> Outcome:
        """The same with secrets hidden in all text."""
        state = replace(self.state, message=mask(self.state.message))
        return replace(self, state=state, detail=_masked(self.detail, mask))


def returned(value: Any) -> tuple[Any, Outcome]:
    """Judge what a task returned; the first item is what downstream tasks receive."""
    if not isinstance(value, Result):
        return value, Outcome(State(StateType.SUCCESS))
    state = State(StateType.SUCCESS, value.message, status=value.status, told=value.told)
    return value.value, Outcome(state, None, value.rows, value.failures, value.detail)


def raised(error: BaseException, attempt: Attempt) -> Outcome:
    """Judge what a task raised: a signal or an error."""
    if isinstance(error, SKIP):
        return Outcome(State(StateType.SKIPPED, str(error), cause=attempt.key))
    if isinstance(error, PAUSE):
        return Outcome(State(StateType.PAUSED, error.message))
    if isinstance(error, RETRY):
        wait = error.delay
        if wait is None:
            wait = attempt.task.retry.wait(attempt.number).total_seconds()
        state = State(StateType.FAILED, error.message or "asked to be tried again")
        return Outcome(state, portable(error), retry_after=wait)
    return replace(_failed(error), error=portable(error), codes=codes_of(error))


def _failed(error: BaseException) -> Outcome:
    if isinstance(error, FAIL):
        state = State(StateType.FAILED, error.message, status=error.status, told=error.told)
        return Outcome(state, None, error.rows, error.failures, error.detail)
    if isinstance(error, OrchestratorError):
        # Written for people: the traceback would only hide what it says.
        message, detail = error.what, {"error": str(error)}
    else:
        message = f"{type(error).__name__}: {safe_text(error)}"
        detail = {"error": safe_text(error), "traceback": traceback_of(error)}
    return Outcome(State(StateType.FAILED, message), detail=detail)


def judged(state: State, stop: Stop) -> State:
    """What broke because it was told to stop was not broken by itself."""
    if stop.timed_out and not state.is_successful():
        return State(StateType.TIMED_OUT, f"stopped after {stop.timeout:g} s")
    if stop.cancelled and not state.is_successful():
        return State(StateType.CANCELLED, "cancelled")
    return state


def kept(value: Any) -> Mapping[str, Any] | None:
    """``{"value": …}`` of a small result that JSON gives back as it was, else None.

    One in which a secret stands is not kept: the store is no place for it, and masked it would be
    another value.
    """
    text = as_json(value)
    if text is None or len(text) > RESULT_LIMIT or masker().mask(text) != text:
        return None
    return {"value": value}


def lengths(value: Any) -> tuple[int | None, tuple[int, ...] | None]:
    """Number of elements of a list, and of each element if all of them are lists."""
    if not isinstance(value, list | tuple):
        return None, None
    return len(value), None if len(value) > _LENGTHS else inner_lengths(value)


def inner_lengths(value: Sequence[Any]) -> tuple[int, ...] | None:
    """The length of each of the lists in a list; of None, in the place of what was left out, 0.

    Example:
        >>> inner_lengths([[1, 2], None]), inner_lengths([[1, 2], 3])
        ((2, 0), None)
    """
    if not all(item is None or isinstance(item, list | tuple) for item in value):
        return None
    return tuple(0 if item is None else len(item) for item in value)


def as_json(value: Any) -> str | None:
    """The value as JSON, or None if reading it would not give the same value again.

    Example:
        >>> as_json({"a": [1, 2.5, None]}), as_json((1, 2)), as_json({1: "a"})
        ('{"a": [1, 2.5, null]}', None, None)
    """
    try:
        # A tuple would come back as a list: what cannot be given back as it was is not kept.
        return json.dumps(value, allow_nan=False) if _faithful(value) else None
    except (TypeError, ValueError, RecursionError):
        return None


def portable(error: BaseException) -> BaseException:
    """The error itself if it can travel between processes, else its type's name and text."""
    import pickle

    import cloudpickle

    for pickler in (pickle, cloudpickle):  # the second knows classes of a user's flow modules
        with contextlib.suppress(Exception):
            pickle.loads(pickler.dumps(error))
            return _bare(error)
    return RuntimeError(f"{type(error).__name__}: {safe_text(error)}")


def _bare(error: BaseException) -> BaseException:
    """The error without tracebacks, also those of what it came of: frames keep connections alive."""
    seen: set[int] = set()
    link: BaseException | None = error
    while link is not None and id(link) not in seen:
        seen.add(id(link.with_traceback(None)))
        link = link.__cause__ or link.__context__
    return error


def error_of(state: State, error: BaseException | None) -> BaseException | None:
    """What the retry policy judges of an attempt that was reported: an error, if it failed.

    None where its process died: another try is always worth it.
    """
    if isinstance(error, WorkerLostError):
        return None
    if state.type is StateType.TIMED_OUT:
        return TimeoutError(state.message)
    return error or (RuntimeError(state.message) if state.is_failed() else None)


def traceback_of(error: BaseException) -> str:
    """The end of an error's traceback, as text."""
    return "".join(traceback.format_exception(error))[-_TRACEBACK_LIMIT:]


def safe_text(error: BaseException) -> str:
    """An error's text, also of one that has none."""
    try:
        return str(error)[:_TRACEBACK_LIMIT]
    except Exception as second:
        return f"<{type(error).__name__} whose text cannot be made: {type(second).__name__}>"


def _faithful(value: Any) -> bool:
    if type(value) is dict:
        return all(type(key) is str and _faithful(item) for key, item in value.items())
    if type(value) is list:
        return all(_faithful(item) for item in value)
    return value is None or type(value) in (str, int, float, bool)


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    """Hide secrets in every text of a JSON-like structure."""
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {key: _masked(item, mask) for key, item in value.items()}
    return [_masked(item, mask) for item in value] if isinstance(value, (list, tuple)) else value
