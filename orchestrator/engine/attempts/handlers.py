"""Calls state handlers: around an attempt on the worker, and for what the driver decides beside it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator.engine import outcome
from orchestrator.model.state import State, StateType

_LOG = logging.getLogger("orchestrator.handlers")


class HandlerFailed(Exception):  # noqa: N818 - the name says what happened
    """Raised when a state handler raises.

    Args:
        message: Names the handler and what it raised.
        raised: What it raised.
    """

    def __init__(self, message: str, raised: Exception) -> None:
        super().__init__(message)
        self.raised = raised


def changed(task: Any, old: State, new: State) -> State:
    """Tell a task's or flow's handlers of a change of state, in order.

    Args:
        task: The task or flow.
        old: The state it leaves.
        new: The state it enters; of a successful attempt with its value as ``result``.

    Returns:
        The state it enters after all: what a handler returns counts, None leaves it.

    Raises:
        HandlerFailed: A handler raised.
    """
    for handler in task.state_handlers:
        said = _called(handler, task, old, new)
        if isinstance(said, State):
            new = said
    return new


def failed(task: Any, state: State) -> None:
    """Tell ``on_failure`` that a task or flow has failed for good.

    Raises:
        HandlerFailed: It raised.
    """
    if task.on_failure is not None and state.is_failed():
        _called(task.on_failure, task, state)


def _called(handler: Callable[..., Any], *args: Any) -> Any:
    try:
        return handler(*args)
    except Exception as error:
        name = getattr(handler, "__name__", type(handler).__name__)
        what = f"state handler {name} raised {type(error).__name__}: {outcome.safe_text(error)}"
        raise HandlerFailed(what, error) from error


def left_to_driver(state: State, reported: State | None) -> bool:
    """Whether the driver is to tell of a state: what an attempt entered was told where it ran.

    Args:
        state: The state that a task run enters.
        reported: The state in which its attempt ended, if one did.
    """
    if state.type in (StateType.SUBMITTED, StateType.RUNNING):
        return False
    cached = state.type is StateType.CACHED
    return cached or reported is None or reported.type is not state.type


class Hooks:
    """Calls handlers for the driver in a thread of their own, in order, so that it never waits.

    What they raise goes to the log; what they return changes nothing, for the state is decided.

    Example:
        >>> with_hooks = Hooks()
        >>> with_hooks.close(5.0)
        True
    """

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[tuple[Any, State, State] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def tell(self, told: Any, old: State, new: State) -> None:
        """Have the handlers of a task or flow called.

        Args:
            told: The task or flow.
            old: The state it leaves.
            new: The state it enters. Where that is a failure, it is one for good.
        """
        if not (told.state_handlers or told.on_failure):
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="handlers", daemon=True)
            self._thread.start()
        self._queue.put((told, old, new))

    def close(self, seconds: float) -> bool:
        """Wait until all handlers were called, but not longer than a number of seconds.

        Returns:
            Whether they were.
        """
        if self._thread is None:
            return True
        self._queue.put(None)
        self._thread.join(seconds)
        if self._thread.is_alive():
            _LOG.warning("state handlers are still at work after %g s; the run ends", seconds)
            return False
        self._thread = None
        return True

    def _work(self) -> None:
        while (item := self._queue.get()) is not None:
            told, old, new = item
            for call, states in ((changed, (old, new)), (failed, (new,))):
                try:
                    call(told, *states)
                except HandlerFailed as error:
                    _LOG.error("%s: %s", told.name, error, exc_info=error.raised)


def concluded(flow: Any, state: State, deciding: Mapping[str, State]) -> State:
    """Ask a flow's ``terminal_state_handler`` for its final state.

    Args:
        flow: The flow.
        state: How the run would end.
        deciding: State of each reference task, by key.
    """
    handler = getattr(flow, "terminal_state_handler", None)
    if handler is None:
        return state
    try:
        said = _called(handler, flow, state, list(deciding.values()))
    except HandlerFailed as error:
        _LOG.error("%s: %s", flow.name, error, exc_info=error.raised)
        return State(StateType.FAILED, str(error), state.result)
    if not isinstance(said, State) or not said.is_finished():
        return state
    return said if said.result is not None else replace(said, result=state.result)
