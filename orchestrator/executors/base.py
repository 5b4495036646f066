"""The executor's contract: start, submit, wait; results stay where they were made."""

from __future__ import annotations

import queue
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol


class Channel(Protocol):
    """What work in progress speaks to the driver through; can be sent to other processes."""

    def send(self, message: Any) -> None:
        """Send a small picklable message; messages of one sender arrive in order."""
        ...


@dataclass(frozen=True, slots=True)
class Kept:
    """What submitted work returns: a report for the driver, and a value that stays where it is."""

    report: Any
    value: Any = field(default=None, repr=False)


@dataclass(eq=False, slots=True)
class Handle:
    """Work that was submitted; given to other work, it stands for the kept value.

    Args:
        future: The executor's own object.
        affinity: What it was submitted with.
    """

    future: Any = field(default=None, repr=False)
    affinity: str | None = None


@dataclass(frozen=True, slots=True)
class Completed:
    """Work that ended: with a report, or with the error that kept it from giving one."""

    handle: Handle
    report: Any = None
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """Something that work in progress sent through the channel."""

    content: Any


class Executor(ABC):
    """Runs functions; subclasses say where.

    Between entering and leaving :meth:`start`, work is submitted and its ends are waited for
    by one thread, the driver's.
    """

    name: str = "executor"

    def __init__(self) -> None:
        self._inbox: queue.SimpleQueue[Completed | Message] = queue.SimpleQueue()

    @property
    @abstractmethod
    def channel(self) -> Channel:
        """The channel to give to submitted work; messages come out of :meth:`wait`."""

    @abstractmethod
    def start(self) -> AbstractContextManager[None]:
        """Set up the place where work runs; leaving the block takes it down."""

    @abstractmethod
    def submit(
        self, fn: Callable[..., Kept], *args: Any, affinity: str | None = None, keep: bool = False
    ) -> Handle:
        """Run ``fn(*args)`` as soon as there is room.

        Args:
            fn: Returns :class:`Kept`.
            args: May hold handles, also in lists: ``fn`` gets what they kept.
            affinity: Work of one affinity runs in one process.
            keep: Whether the value will be given to other work.
        """

    @abstractmethod
    def capacity(self, affinity: str | None = None) -> int:
        """How many pieces of work of this affinity can run at the same time."""

    @abstractmethod
    def broadcast(self, fn: Callable[..., Any], *args: Any) -> None:
        """Run ``fn(*args)`` now, beside the work, in every process that work runs in."""

    def worker_lost(self) -> None:  # noqa: B027 - most executors have no workers to lose
        """Learn that work was lost with its worker; what is left of the cluster is looked at."""

    def release(self, handle: Handle) -> None:
        """Forget a kept value that nothing needs any more."""
        handle.future = None

    def wait(self, timeout: float | None) -> list[Completed | Message]:
        """Return what has ended or was sent since the last call, waiting for the first one.

        Args:
            timeout: Seconds; None waits for ever. Nothing in time gives an empty list.
        """
        try:
            found = [self._inbox.get(timeout=timeout)]
        except queue.Empty:
            return []
        while True:
            try:
                found.append(self._inbox.get_nowait())
            except queue.Empty:
                return found


class LocalChannel:
    """A channel inside one process."""

    def __init__(self, inbox: queue.SimpleQueue[Completed | Message]) -> None:
        self._inbox = inbox

    def send(self, message: Any) -> None:
        """Put the message where the driver waits."""
        self._inbox.put(Message(message))


def resolved(args: tuple[Any, ...]) -> list[Any]:
    """Replace handles (also in lists) by what they kept, for executors of this process."""
    return [_resolved(arg) for arg in args]


def _resolved(arg: Any) -> Any:
    if isinstance(arg, Handle):
        return arg.future.result() if hasattr(arg.future, "result") else arg.future
    if isinstance(arg, list):
        return [_resolved(item) for item in arg]
    return arg
