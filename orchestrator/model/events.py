"""Typed things that happen in a run; the terminal and other listeners are told of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.model.state import State, StateType


@dataclass(frozen=True, slots=True)
class RunStarted:
    """A run begins.

    Args:
        run_id: The run.
        flow: The flow's name.
        tasks: Key, name and resource type of each task that will run.
        expected: Seconds each task took in the past, where known.
        at: Aware UTC.
    """

    run_id: str
    flow: str
    tasks: tuple[tuple[str, str, str], ...]
    expected: Mapping[str, float]
    at: datetime
    executor: str = ""
    slots: int = 1


@dataclass(frozen=True, slots=True)
class TasksAdded:
    """Mapped runs became known: key, name and resource type of each."""

    tasks: tuple[tuple[str, str, str], ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class TaskChanged:
    """A task run entered a state."""

    key: str
    name: str
    state: State
    at: datetime
    attempt: int = 0
    seconds: float | None = None
    rows: int | None = None
    failures: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogEmitted:
    """A task said something."""

    key: str | None
    level: str
    text: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RunFinished:
    """A run ended."""

    run_id: str
    state: State
    at: datetime
    seconds: float
    counts: Mapping[StateType, int] = field(default_factory=dict)


Event = RunStarted | TasksAdded | TaskChanged | LogEmitted | RunFinished
