"""One place of the routing executor: opened with its first work, which waits until all is there."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import (
    ClusterError,
    InfrastructureError,
    OrchestratorError,
    WorkerLostError,
)
from orchestrator.executors.base import Channel, Completed, Executor, Handle, Kept, Message
from orchestrator.presets import written_at


@dataclass(eq=False, slots=True)
class Work:
    """Work that has not been handed over yet.

    Args:
        handle: What the driver has of it.
        fn: The work.
        args: Its arguments, with the driver's handles.
        affinity: As of any work.
        keep: As of any work.
    """

    handle: Handle
    fn: Callable[..., Kept]
    args: tuple[Any, ...]
    affinity: str | None
    keep: bool


@dataclass(eq=False, slots=True)
class Routed:
    """What the driver's handle stands for.

    Args:
        place: Where the value is kept.
        opening: Which opening of the place it belongs to.
        inner: The place's own handle.
        copies: Handles of other places that have the value too, by place and its opening.
    """

    place: Place
    opening: int
    inner: Handle
    copies: dict[tuple[Place, int], Future[Handle]] = field(default_factory=dict)

    def is_lost(self) -> bool:
        """Whether the value can no longer be had where it is kept."""
        gone = self.place.opening != self.opening or not self.place.is_open
        return gone or self.place.executor.is_lost(self.inner)

    def fetch(self) -> Any:
        """Bring the value here."""
        if self.is_lost():
            raise WorkerLostError(f"a result was lost with cluster {self.place.name!r}")
        return self.place.executor.fetch(self.inner)

    def release(self) -> None:
        """Forget the value everywhere."""
        if not self.is_lost():
            self.place.executor.release(self.inner)
        for (place, opening), copy in self.copies.items():
            if copy.done() and not copy.exception() and place.is_still(opening):
                place.executor.release(copy.result())
        self.copies.clear()


class AnyChannel:
    """Among the arguments of work, stands for the channel of the place that it goes to."""

    def attach(self) -> None:
        """Nothing speaks through it before it is replaced."""
        raise NotImplementedError

    def send(self, message: Any) -> None:
        """Nothing is sent."""
        raise NotImplementedError

    def publish(self, value: Any) -> Any:
        """Nothing is published."""
        raise NotImplementedError


class PlaceChannel:
    """The channel of one place, whose tickets say which.

    Args:
        name: The place's.
        channel: Its executor's own.
    """

    def __init__(self, name: str | None, channel: Channel) -> None:
        self._name, self._channel = name, channel

    def attach(self) -> None:
        """Bind the channel to the worker."""
        self._channel.attach()

    def send(self, message: Any) -> None:
        """Send it."""
        self._channel.send(message)

    def publish(self, value: Any) -> Any:
        """Publish it, and say where."""
        return self._name, self._channel.publish(value)


class Place:
    """An executor that starts with its first work; all but its threads is the driver's thread.

    Args:
        name: Of the cluster; None for the default.
        executor: What runs there, not started.
        bell: Rung when there is something to look at.
    """

    def __init__(self, name: str | None, executor: Executor, bell: threading.Event) -> None:
        self.name, self.executor, self._bell = name, executor, bell
        self.is_open, self.opening = False, 0
        self._stack = ExitStack()
        self._error: OrchestratorError | None = None
        self._thread: threading.Thread | None = None
        self._closing: list[threading.Thread] = []
        self._waiting: list[Work] = []
        self._outer: dict[Handle, Handle] = {}
        self._done: list[Completed | Message] = []

    def is_still(self, opening: int) -> bool:
        """Whether it is open, and was not opened anew since."""
        return self.is_open and self.opening == opening

    @property
    def is_opening(self) -> bool:
        """Whether it is being opened."""
        return self._thread is not None and self._thread.is_alive()

    # -- opening and closing ---------------------------------------------------------------

    def open(self) -> None:
        """Open it here and now, if it is not.

        Raises:
            InfrastructureError: It cannot be opened.
        """
        if self._thread is not None:
            self._thread.join()
            self._look_at_opening()
        if self._error is None and not self.is_open:
            if self.name is None:
                self._stack.enter_context(self.executor.start())
            else:
                self._try_to_open()
            if self._error is None:
                self._opened()
        if self._error is not None:
            raise _not_opened(self.name, self._error)

    def close(self, interrupt: KeyboardInterrupt | None = None) -> None:
        """Close it, if it was opened; one that is being opened is waited for.

        Args:
            interrupt: What ended the run, if it was ended hard.

        Raises:
            ClusterError: It does not close, and may go on.
        """
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self.executor.ring(None)
        self.is_open, self._error = False, None
        self._waiting.clear()
        self._outer.clear()
        self._done.clear()
        for thread in self._closing:
            thread.join()
        try:
            if interrupt is None:
                self._stack.close()
            else:
                self._stack.__exit__(type(interrupt), interrupt, interrupt.__traceback__)
        except OrchestratorError:
            raise
        except Exception as failure:  # a cloud's library raises what it likes
            if self.name is None:
                raise
            raise ClusterError(
                f"cluster {self.name!r} could not be closed: {type(failure).__name__}: {failure}",
                where=written_at(self.name),
                fix="see whether it still runs, and costs: look in its console",
            ) from failure

    def _open_beside(self) -> None:
        context = contextvars.copy_context()  # the secrets of the project
        self._thread = threading.Thread(
            target=context.run, args=(self._try_to_open,), name=f"opening {self.name}"
        )
        self._thread.start()

    def _try_to_open(self) -> None:
        try:
            self._stack.enter_context(self.executor.start())
        except OrchestratorError as error:
            self._error = error
        except BaseException as error:  # whatever it is, the driver waits for an end
            self._error = ClusterError(f"{type(error).__name__}: {error}")
            if not isinstance(error, Exception):
                raise
        finally:
            self._bell.set()

    def _opened(self) -> None:
        self.executor.ring(self._bell)
        self.is_open = True
        self.opening += 1

    def _look_at_opening(self) -> None:
        if self._thread is None or self.is_opening:
            return
        self._thread = None
        if self._error is None:
            self._opened()

    # -- work ------------------------------------------------------------------------------

    def add(self, work: Work) -> None:
        """Take work; it is sent when the place is open and what it needs is there."""
        self._waiting.append(work)
        self.go_on()

    def go_on(self) -> None:
        """Send what can be sent."""
        self._look_at_opening()
        if self._error is not None:
            self._fail(_not_opened(self.name, self._error))
        elif self._waiting and self.is_open:
            waiting, self._waiting = self._waiting, []
            for work in waiting:
                if self._is_ready(work):
                    self._send(work)
                else:
                    self._waiting.append(work)
        elif self._waiting and self._thread is None:
            self._open_beside()

    def give_up(self) -> None:
        """Let nothing begin that has not begun."""
        self._fail(WorkerLostError("it never began"))

    def _fail(self, error: InfrastructureError) -> None:
        failed, self._waiting = self._waiting, []
        self._done += [Completed(work.handle, error=error) for work in failed]
        if failed:
            self._bell.set()

    def _is_ready(self, work: Work) -> bool:
        """Whether every value it takes is here; has those carried here that are not."""
        copies = [self._copy(routed) for routed in _routed(work.args) if routed.place is not self]
        return all(copy.done() for copy in copies)

    def _copy(self, routed: Routed) -> Future[Handle]:
        where = (self, self.opening)
        if where not in routed.copies:
            copy = routed.copies[where] = Future()
            threading.Thread(
                target=self._carry, args=(routed, copy), name="carrying", daemon=True
            ).start()
        return routed.copies[where]

    def _carry(self, routed: Routed, copy: Future[Handle]) -> None:
        try:
            copy.set_result(self.executor.put(routed.fetch()))
        except OrchestratorError as error:
            copy.set_exception(error)
        except BaseException as error:  # what cannot travel
            copy.set_exception(
                WorkerLostError(
                    f"a result cannot go to cluster {self.name!r}: {type(error).__name__}: {error}"
                )
            )
        self._bell.set()

    def _send(self, work: Work) -> None:
        try:
            args = [self._translated(arg) for arg in work.args]
            inner = self.executor.submit(work.fn, *args, affinity=work.affinity, keep=work.keep)
        except Exception as error:  # also what cannot be pickled: work that waited has no caller
            self._done.append(Completed(work.handle, error=_named(self.name, error)))
            self._bell.set()
            return
        work.handle.future = Routed(self, self.opening, inner)
        self._outer[inner] = work.handle

    def _translated(self, arg: Any) -> Any:
        if isinstance(arg, Handle):
            routed: Routed = arg.future
            if routed.place is self:
                if routed.opening != self.opening:
                    raise WorkerLostError("a result was lost when its cluster went away")
                return routed.inner
            return routed.copies[self, self.opening].result()
        if isinstance(arg, AnyChannel):
            return PlaceChannel(self.name, self.executor.channel)
        return [self._translated(item) for item in arg] if isinstance(arg, list) else arg

    # -- ends ------------------------------------------------------------------------------

    def taken(self) -> list[Completed | Message]:
        """What has ended, or was said, since the last call.

        Raises:
            InfrastructureError: The default executor is gone.
        """
        found, self._done = self._done, []
        if not self.is_open:
            return found
        try:
            items = self.executor.wait(0)
        except InfrastructureError as error:
            if self.name is None:
                raise
            return [*found, *self._lost(error)]
        return [*found, *self._ended(items)]

    def _ended(self, items: list[Completed | Message]) -> Iterator[Completed | Message]:
        for item in items:
            if isinstance(item, Message):
                yield item
            elif item.handle in self._outer:
                yield Completed(self._outer.pop(item.handle), item.report, item.error)

    def _lost(self, error: InfrastructureError) -> list[Completed | Message]:
        """The cluster is gone, and what ran there with it; it is opened again for later work."""
        lost = WorkerLostError(f"cluster {self.name!r} is gone: {error.what}", fix=error.fix)
        handles, self._outer = list(self._outer.values()), {}
        self.is_open = False
        stack, self._stack = self._stack, ExitStack()
        closing = threading.Thread(target=_closed, args=(stack,), name=f"closing {self.name}")
        closing.start()
        self._closing.append(closing)
        return [Completed(handle, error=lost) for handle in handles]


def _closed(stack: ExitStack) -> None:
    with suppress(Exception):  # it is gone in any way a cluster can be gone
        stack.close()


def _routed(arg: Any) -> Iterator[Routed]:
    if isinstance(arg, Handle):
        yield arg.future
    elif isinstance(arg, (list, tuple)):
        for item in arg:
            yield from _routed(item)


def _not_opened(name: str | None, error: OrchestratorError) -> ClusterError:
    return ClusterError(
        f"cluster {name!r} could not be opened: {error.what}",
        where=error.where or written_at(name),
        fix=error.fix,
    )


def _named(name: str | None, error: Exception) -> Exception:
    if name is None or not isinstance(error, InfrastructureError):
        return error
    return type(error)(f"cluster {name!r}: {error.what}", where=error.where, fix=error.fix)
