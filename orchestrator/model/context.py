"""What a running task can ask: which run it is part of, its logger, its parameters, whether to stop."""

from __future__ import annotations

import importlib
import logging
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import Any

from orchestrator import instants
from orchestrator.errors import FlowError
from orchestrator.model.executed import StatementRecorder
from orchestrator.secrets import Secret


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
        self.call(callback)
        try:
            yield
        finally:
            self.forget(callback)

    def call(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` when the event is set; now, if it is."""
        self._callbacks.append(callback)
        if self.is_set():
            callback()

    def forget(self, callback: Callable[[], None]) -> None:
        """Do not call ``callback`` any more."""
        if callback in self._callbacks:
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
        executed: Takes down the statements that run; None where they are not to be checked.
        task_name: What people call the task.
        data_interval: From when until when (not included) a scheduled run's data go; None for runs
            by hand.

    Example:
        >>> running = RunContext("a1", "nightly", "load[2]", scheduled_time=datetime(2026, 3, 1, 5))
        >>> running.map_index, running.get("today"), running.get("tomorrow_nodash")
        (2, '2026-03-01', '20260302')
    """

    run_id: str
    flow: str
    task: str
    attempt: int = 1
    parameters: Mapping[str, object] = field(default_factory=dict)
    scheduled_time: datetime | None = None
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger("orchestrator.task"))
    cancelled: Cancellation = field(default_factory=Cancellation)
    executed: StatementRecorder | None = None
    task_name: str = ""
    data_interval: tuple[datetime, datetime] | None = None

    @property
    def map_index(self) -> int | None:
        """Which element of a mapped task runs; None outside one."""
        found = _ELEMENT.search(self.task)
        return int(found[1]) if found else None

    def secret(self, name: str) -> str:
        """Return the value of a secret; from now on it is masked in logs.

        Raises:
            ConfigurationError: It is set nowhere.
        """
        return Secret(name).get()

    def get(self, name: str, default: Any = None) -> Any:
        """Return what Prefect 1 keeps under a name in its context, or ``default``.

        Known are the attributes, ``flow_name``, ``flow_run_id``, ``task_full_name``,
        ``task_run_count``, ``scheduled_start_time``, ``date``; Airflow's ``data_interval_start`` and
        ``data_interval_end``; and as texts ``today``, ``yesterday``
        and ``tomorrow`` of the scheduled time (UTC), each also with ``_nodash``.
        """
        attribute = _NAMES.get(name, name)
        if attribute in _ATTRIBUTES:
            return getattr(self, attribute)
        if name in _ENDS:
            return default if self.data_interval is None else self.data_interval[_ENDS[name]]
        at = (self.scheduled_time or instants.now()).astimezone(UTC)
        day, dash, _ = name.partition("_nodash")
        if name == "date":
            return at
        if day not in _DAYS:
            return default
        return f"{at + timedelta(days=_DAYS[day]):{'%Y%m%d' if dash else '%Y-%m-%d'}}"


_ELEMENT = re.compile(r"\[(\d+)\]$")
_ENDS = {"data_interval_start": 0, "data_interval_end": 1}
_DAYS = {"today": 0, "yesterday": -1, "tomorrow": 1}
#: Prefect 1's names for attributes of :class:`RunContext`.
_NAMES = {
    "flow_name": "flow",
    "flow_run_id": "run_id",
    "task_full_name": "task",
    "task_run_count": "attempt",
    "scheduled_start_time": "scheduled_time",
}
_ATTRIBUTES = {"map_index", *RunContext.__dataclass_fields__}

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


def get(name: str, default: Any = None) -> Any:
    """Return what the running attempt's context has under a name; see :meth:`RunContext.get`.

    Outside a running task everything is ``default``, but for ``logger``.
    """
    found = _current.get()
    if found is None:
        return logging.getLogger("orchestrator") if name == "logger" else default
    return found.get(name, default)


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


class _Asked(ModuleType):
    """Lets the context be asked as Prefect 1's was: ``context["today"]``, ``context.parameters``."""

    def __getitem__(self, name: str) -> Any:
        found = get(name, _MISSING)
        if found is _MISSING:
            raise KeyError(name)
        return found

    def __getattr__(self, name: str) -> Any:
        found = _MISSING if name.startswith("__") else get(name, _MISSING)
        if found is _MISSING:
            raise AttributeError(f"the context has no {name!r} here")
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return importlib.import_module, (self.__name__,)


_MISSING = object()
sys.modules[__name__].__class__ = _Asked
