"""The executor's contract: start, submit, wait; results stay where they were made."""

from __future__ import annotations

import pickle
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol


class Channel(Protocol):
    """What work in progress speaks to the driver through; can be sent to other processes."""

    def attach(self) -> None:
        """Bind the channel to the worker whose task calls this; then any thread there may send."""
        ...

    def send(self, message: Any) -> None:
        """Send a small picklable message; messages of one sender arrive in order."""
        ...

    def publish(self, value: Any) -> Any:
        """Make a value available to other work while the work that made it goes on.

        Returns:
            What :meth:`Executor.adopt` makes a handle of; to be sent with the next message.
        """
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
        where: The worker it was sent to, where an executor chooses one.
    """

    future: Any = field(default=None, repr=False)
    affinity: str | None = None
    where: str | None = None


class Packed:
    """Something ready to be sent to workers many times; each opens it once."""

    __slots__ = ("_data", "_opened")

    def __init__(self, data: bytes) -> None:
        self._data, self._opened = data, None

    def open(self) -> Any:
        """What was packed."""
        if self._opened is None:
            self._opened = pickle.loads(self._data)
        return self._opened

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._data,)


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


class Inbox(queue.SimpleQueue[Any]):
    """Where ends and messages come in; somebody who waits at several may have a bell rung."""

    bell: threading.Event | None = None

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put something in, and ring."""
        super().put(item)
        if self.bell is not None:
            self.bell.set()


class Executor(ABC):
    """Runs functions; subclasses say where.

    Between entering and leaving :meth:`start`, work is submitted and its ends are waited for
    by one thread, the driver's.
    """

    name: str = "executor"
    #: Whether work runs in the driver's own thread, which then hears nothing meanwhile.
    runs_in_driver: bool = False
    #: Seconds that handing over one piece of work costs; where it costs something, small pieces
    #: are better handed over together.
    hand_over: float = 0.0
    #: Names of the clusters that it tells apart; to all others it is one place.
    clusters: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._inbox = Inbox()

    @property
    @abstractmethod
    def channel(self) -> Channel:
        """The channel to give to submitted work; messages come out of :meth:`wait`."""

    @abstractmethod
    def start(self) -> AbstractContextManager[None]:
        """Set up the place where work runs; leaving the block takes it down."""

    @abstractmethod
    def submit(
        self,
        fn: Callable[..., Kept],
        *args: Any,
        affinity: str | None = None,
        keep: bool = False,
        cluster: str | None = None,
    ) -> Handle:
        """Run ``fn(*args)`` as soon as there is room.

        Args:
            fn: Returns :class:`Kept`.
            args: May hold handles, also in lists: ``fn`` gets what they kept.
            affinity: Work of one affinity runs in one process.
            keep: Whether the value will be given to other work.
            cluster: Where, for an executor that has several places; others have but one.
        """

    @abstractmethod
    def capacity(self, affinity: str | None = None, cluster: str | None = None) -> int:
        """How many pieces of work of this affinity can run there at the same time."""

    @abstractmethod
    def broadcast(self, fn: Callable[..., Any], *args: Any) -> None:
        """Run ``fn(*args)`` now, beside the work, in every process that work runs in."""

    def packed(self, value: Any, cluster: str | None = None) -> Any:
        """Make ready what will be sent to workers many times: itself, where nothing is sent."""
        return value

    def costs(self, cluster: str | None = None) -> float:
        """Seconds that handing over one piece of work costs there."""
        return self.hand_over

    def fetch(self, handle: Handle) -> Any:
        """Return a kept value, to be put elsewhere; any thread may ask.

        Raises:
            WorkerLostError: It was lost with the worker that kept it.
        """
        return _resolved(handle)

    def put(self, value: Any) -> Handle:
        """Keep a value that was made elsewhere, to be given to work; any thread may ask."""
        done: Future[Any] = Future()
        done.set_result(value)
        return Handle(done)

    def within(self, cluster: str | None) -> Executor:
        """The executor of one place, open; to be used alone, while nothing else is under way.

        Raises:
            InfrastructureError: It cannot be opened.
        """
        return self

    def ring(self, bell: threading.Event | None) -> None:
        """Set the bell whenever something comes in for :meth:`wait`."""
        self._inbox.bell = bell

    def give_up(self) -> None:  # noqa: B027 - most executors begin everything at once
        """Learn that the run is to stop: what has not begun need not begin any more."""

    def adopt(self, ticket: Any) -> Handle:
        """Return a handle for a value that work under way has published."""
        raise NotImplementedError

    def worker_lost(self) -> None:  # noqa: B027 - most executors have no workers to lose
        """Learn that work was lost with its worker; what is left of the cluster is looked at."""

    def freed(self, handle: Handle) -> None:  # noqa: B027 - most executors need not know
        """Learn that work has ended, before its end comes out of :meth:`wait`."""

    def is_lost(self, handle: Handle) -> bool:
        """Whether a kept value can no longer be had."""
        return False

    def words(self) -> list[str]:
        """Lines for the run's log about what happened to the workers since the last call."""
        return []

    def last_words(self) -> list[str]:
        """Lines for the run's log at its end: what the workers' own logs say, if one was lost."""
        return []

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

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def attach(self) -> None:
        """Nothing to do: every thread of the process can send."""

    def publish(self, value: Any) -> Any:
        """Nothing needs it here."""
        raise NotImplementedError

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
