"""What driver and worker tell each other: the order to try a task, that it began, what it said, its end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.binding import Promise, fill
from orchestrator.model.executed import Executed
from orchestrator.model.state import State
from orchestrator.model.task import Task
from orchestrator.model.warehouse import Warehouse


class Compact:
    """A dataclass that pickles as a call with its fields: a third of the time, half of the bytes."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        kind: Any = type(self)
        if kind not in _FIELDS:
            _FIELDS[kind] = attrgetter(*(field.name for field in fields(kind)))
        return kind, _FIELDS[kind](self)


_FIELDS: dict[Any, Callable[[Any], tuple[Any, ...]]] = {}

#: Numbers of two inputs that every attempt has: what its bundle made before it, and constants.
OWN, CONSTANTS = -1, -2


@dataclass(frozen=True, slots=True)
class Slot(Compact, Promise):
    """Stands in an argument for a value among the attempt's inputs.

    Args:
        input: Number of the input.
        path: What is taken of it: an element, an element of that, …; all of it, if empty.
    """

    input: int
    path: tuple[int, ...] = ()

    def take(self, inputs: Sequence[Any]) -> Any:
        """The value."""
        value = inputs[self.input]
        for number in self.path:
            value = value[number]
        return value


@dataclass(frozen=True, slots=True)
class Gathered(Promise):
    """Stands in an argument for a list of values, each an element of one of the inputs.

    Args:
        inputs: For each value, the number of the input.
        places: For each value, which element of it.
    """

    inputs: tuple[int, ...]
    places: tuple[int, ...]

    def take(self, inputs: Sequence[Any]) -> list[Any]:
        """The values."""
        return [inputs[n][place] for n, place in zip(self.inputs, self.places, strict=True)]


@dataclass(frozen=True, slots=True)
class Flattened(Promise):
    """Stands in an argument for a list of lists (with slots in it) taken as one list."""

    value: Any

    def take(self, inputs: Sequence[Any]) -> list[Any]:
        """The one list, without what was left out.

        Raises:
            FlowError: It is no list of lists.
        """
        lists = fill(self.value, lambda slot: slot.take(inputs))
        try:
            return [item for inner in lists if inner is not None for item in inner]
        except TypeError as error:
            raise FlowError(f"what is to be flattened is no list of lists: {error}") from error


@dataclass(frozen=True, slots=True)
class Attempt(Compact):
    """All that a worker needs to know.

    Args:
        token: Fence: unique to this attempt; the store takes no word from any other.
        arguments: By name, with :class:`Slot` for results of other tasks.
        warehouse: The connection to open and give to ``run``.
        upstream_states: For tasks that ask for them.
        state_dir: Where the project's secrets, results and cache are.
        checked: Whether the statements it runs are taken down.
        data_interval: Of a scheduled run.
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
    checked: bool = False
    data_interval: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Started(Compact):
    """Message: the attempt began."""

    key: str
    token: str
    at: datetime
    worker: str


@dataclass(frozen=True, slots=True)
class Logged(Compact):
    """Message: the attempt said something; lines are (instant, level, text)."""

    key: str
    number: int
    lines: tuple[tuple[datetime, str, str], ...]


@dataclass(frozen=True, slots=True)
class Report(Compact):
    """How an attempt ended.

    Args:
        state: Finished (or paused) state, without the value.
        error: What it raised; for the retry policy.
        result: ``{"value": …}`` if the value is small and JSON gives it back as it was;
            ``{"location": …, "format": …}`` if it is stored.
        length: Number of elements, where the value has one.
        executed: What its statements read and wrote, where they were taken down.
        code: What the error goes by (a SQLSTATE, dbt's status), for the retry policy.
        retry_after: Seconds to wait, where the task itself asked to be tried again.
        lengths: Number of elements of each element, where somebody flattens the value.
        cached: Where the result is kept for later runs, if it is.
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
    executed: Executed | None = None
    code: str | tuple[str, ...] | None = None
    retry_after: float | None = None
    lengths: tuple[int, ...] | None = None
    cached: str | None = None


def worker_name() -> str:
    """Host and process, as ``host:pid``."""
    return f"{socket.gethostname()}:{os.getpid()}"
