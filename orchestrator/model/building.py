"""Which flow is being built, and the line of the user's file that builds it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING

from orchestrator.errors import FlowError

if TYPE_CHECKING:
    from orchestrator.model.flow import Flow
    from orchestrator.model.task import Task

_flow: ContextVar[Flow | None] = ContextVar("orchestrator_flow_being_built", default=None)
Observer = Callable[["Flow", "Task"], None]
_observers: ContextVar[tuple[Observer, ...]] = ContextVar("orchestrator_observers", default=())
_OURS = (
    str(Path(__file__).resolve().parents[1]),
    str(Path(__file__).resolve().parents[2] / "tasks"),
)


def current(task_name: str = "a task") -> Flow:
    """Return the flow being built.

    Raises:
        FlowError: There is none.
    """
    flow = _flow.get()
    if flow is None:
        raise FlowError(
            f"{task_name!r} was called outside a flow",
            where=place(caller()),
            fix='call it inside `with Flow("name"):`, or call .run() to do the work here and now',
        )
    return flow


def enter(flow: Flow) -> object:
    """Make ``flow`` the one being built; returns what :func:`leave` takes."""
    return _flow.set(flow)


def leave(token: object) -> None:
    """Go back to the flow that was being built before."""
    _flow.reset(token)  # type: ignore[arg-type]


@contextmanager
def into(flow: Flow) -> Iterator[None]:
    """Make ``flow`` the one being built for a block."""
    token = enter(flow)
    try:
        yield
    finally:
        leave(token)


@contextmanager
def watched(observer: Observer) -> Iterator[None]:
    """Have ``observer`` called with each task that is bound in a block, and its flow."""
    token = _observers.set((observer, *_observers.get()))
    try:
        yield
    finally:
        _observers.reset(token)


@contextmanager
def unwatched_by(observer: Observer) -> Iterator[None]:
    """Let only those who watch around ``observer`` be told of tasks that are bound in a block."""
    observers = _observers.get()
    outer = observers[observers.index(observer) + 1 :] if observer in observers else observers
    token = _observers.set(outer)
    try:
        yield
    finally:
        _observers.reset(token)


@contextmanager
def unwatched() -> Iterator[None]:
    """Let nobody be told of tasks that are bound in a block."""
    token = _observers.set(())
    try:
        yield
    finally:
        _observers.reset(token)


def bound(flow: Flow, task: Task) -> None:
    """Tell those who watch, the innermost first, that a task was bound."""
    for observer in _observers.get():
        observer(flow, task)


def place(line: tuple[str, int] | None) -> str | None:
    """Return a line of a file as messages name it: ``FILE:LINE``; None where none is known."""
    return "{}:{}".format(*line) if line else None


def caller() -> tuple[str, int] | None:
    """Return file and line of the nearest caller outside this project's own packages."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not name.startswith(_OURS) and not name.startswith("<"):
            return name, frame.f_lineno
        frame = frame.f_back  # type: ignore[assignment]
    return None
