"""What a running task can ask: which run it is part of, its logger, its parameters, whether to stop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from orchestrator.errors import FlowError


class Cancellation(threading.Event):
    """An event that is set when an attempt should stop, and then calls those who asked.

    Example:
        >>> cancellation, called = Cancellation(), []
        >>> with cancellation.calling(lambda: called.append("stop")):
        ...     cancellation.set()
        >>> called
        ['stop']
    """

    def __init__(self) -> None:
        super().__init__()
        self._callbacks: list[Callable[[], None]] = []

    def set(self) -> None:
        """Set the event and call everyone who asked, in this thread."""
        super().set()
        for callback in list(self._callbacks):
            callback()

    @contextmanager
    def calling(self, callback: Callable[[], None]) -> Iterator[None]:
        """Have ``callback`` called once if the event is set during the block, or was before it."""
        self._callbacks.append(callback)
        try:
            if self.is_set():
                callback()
            yield
        finally:
            self._callbacks.remove(callback)


@dataclass(frozen=True, slots=True)
class RunContext:
    """The surroundings of one attempt.

    Args:
        run_id: The flow run.
        flow: Name of the flow.
        task: Key of the task.
        attempt: Counted from 1.
        parameters: Values of the flow's parameters.
        scheduled_time: The instant the run was due (aware UTC); its start for runs by hand.
        logger: What is logged here is kept with the task run.
        cancelled: Set when the attempt should stop; long work looks at it.
    """

    run_id: str
    flow: str
    task: str
    attempt: int = 1
    parameters: Mapping[str, object] = field(default_factory=dict)
    scheduled_time: datetime | None = None
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("orchestrator.task"))
    cancelled: Cancellation = field(default_factory=Cancellation)


_current: ContextVar[RunContext | None] = ContextVar("orchestrator_run_context", default=None)


def current() -> RunContext:
    """Return the context of the attempt that runs here.

    Raises:
        FlowError: Called outside a running task.
    """
    found = _current.get()
    if found is None:
        raise FlowError(
            "there is no run context here",
            fix="ask for it inside a task while a flow runs (not while the flow is defined)",
        )
    return found


def active() -> RunContext | None:
    """Return the context of the attempt that runs here, or None outside a run."""
    return _current.get()


@contextmanager
def entered(context: RunContext) -> Iterator[RunContext]:
    """Make ``context`` the current one for a block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
