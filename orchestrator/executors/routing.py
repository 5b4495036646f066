"""The routing executor: work goes to the cluster it names, the rest to another executor."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from orchestrator.errors import InfrastructureError
from orchestrator.executors.base import Channel, Completed, Executor, Handle, Kept, Message
from orchestrator.executors.place import AnyChannel, Place, Routed, Work

_OPENING = "it is still being opened, and is closed as soon as it is open"


class RoutingExecutor(Executor):
    """Runs work on the cluster that it names; what names none runs on the default.

    A cluster is opened, beside the driver, when the first work for it comes. Values that work on
    another cluster needs travel through this process. A cluster that cannot be opened, or that is
    lost, fails its own work only; one that is lost is opened again for later work.

    Args:
        default: Runs what names no cluster.
        clusters: By name, what runs the work of each; not started.

    Example:
        >>> from orchestrator.executors.inline import InlineExecutor
        >>> executor = RoutingExecutor(InlineExecutor(), {"big": InlineExecutor()})
        >>> with executor.start():
        ...     handle = executor.submit(lambda: Kept("done"), cluster="big")
        ...     executor.wait(None)[0].report
        'done'
    """

    def __init__(self, default: Executor, clusters: Mapping[str, Executor]) -> None:
        super().__init__()
        self.name = default.name
        self.runs_in_driver, self.hand_over = default.runs_in_driver, default.hand_over
        self._bell = threading.Event()
        self._default = Place(None, default, self._bell)
        self._clusters = {name: Place(name, made, self._bell) for name, made in clusters.items()}
        self.clusters = frozenset(clusters)

    @property
    def channel(self) -> Channel:
        """Stands for the channel of the place that work goes to."""
        return AnyChannel()

    @contextmanager
    def start(self) -> Iterator[None]:
        """Start the default; clusters that were opened meanwhile end with it."""
        interrupt: KeyboardInterrupt | None = None

        def close(place: Place) -> None:
            place.close(interrupt)

        with ExitStack() as stack:
            for place in self._places():
                stack.callback(close, place)
            self._default.open()
            try:
                yield
            except KeyboardInterrupt as error:
                interrupt = error
                raise

    def _places(self) -> list[Place]:
        return [self._default, *self._clusters.values()]

    def _open(self) -> list[Place]:
        return [place for place in self._places() if place.is_open]

    def _place(self, cluster: str | None) -> Place:
        return self._default if cluster is None else self._clusters[cluster]

    # -- work ------------------------------------------------------------------------------

    def submit(
        self,
        fn: Callable[..., Kept],
        *args: Any,
        affinity: str | None = None,
        keep: bool = False,
        cluster: str | None = None,
    ) -> Handle:
        """Send the work where it belongs: at once, or when the cluster is open and all is there."""
        handle = Handle(affinity=affinity)
        self._place(cluster).add(Work(handle, fn, args, affinity, keep))
        return handle

    def capacity(self, affinity: str | None = None, cluster: str | None = None) -> int:
        """What the place says; one piece of work is enough to open a cluster."""
        place = self._place(cluster)
        if not place.is_open:
            return 1
        try:
            return place.executor.capacity(affinity)
        except InfrastructureError:
            if cluster is None:
                raise
            return 1  # it is gone, as waiting for its work will tell

    def costs(self, cluster: str | None = None) -> float:
        """As of the place."""
        return self._place(cluster).executor.costs()

    def packed(self, value: Any, cluster: str | None = None) -> Any:
        """As of the place."""
        return self._place(cluster).executor.packed(value)

    def wait(self, timeout: float | None) -> list[Completed | Message]:
        """As of any executor.

        Raises:
            InfrastructureError: The default executor is gone.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            self._bell.clear()
            found: list[Completed | Message] = []
            for place in self._places():
                place.go_on()
                found += place.taken()
            left = None if until is None else until - time.monotonic()
            if found or (left is not None and left <= 0):
                return found
            self._bell.wait(left)

    def give_up(self) -> None:
        """Let work that waits for a cluster, or for a value, wait no more."""
        for place in self._places():
            place.give_up()

    def broadcast(self, fn: Callable[..., Any], *args: Any) -> None:
        """Run it in every process of every place that is open."""
        for place in self._open():
            with suppress(InfrastructureError):
                place.executor.broadcast(fn, *args)

    def within(self, cluster: str | None) -> Executor:
        """The executor of a place, which is opened for it if it is not."""
        place = self._place(cluster if cluster in self.clusters else None)
        place.open()
        return place.executor

    # -- values ----------------------------------------------------------------------------

    def adopt(self, ticket: Any) -> Handle:
        """Hold a value that work somewhere has published."""
        name, own = ticket
        place = self._place(name)
        inner = place.executor.adopt(own) if place.is_open else Handle()
        return Handle(Routed(place, place.opening, inner))

    def fetch(self, handle: Handle) -> Any:
        """Bring a kept value here."""
        routed: Routed = handle.future
        return routed.fetch()

    def put(self, value: Any) -> Handle:
        """Keep a value with the default."""
        return Handle(
            Routed(self._default, self._default.opening, self._default.executor.put(value))
        )

    def is_lost(self, handle: Handle) -> bool:
        """Whether the value was lost where it is kept."""
        return not isinstance(handle.future, Routed) or handle.future.is_lost()

    def release(self, handle: Handle) -> None:
        """Forget a kept value, and what was carried elsewhere of it."""
        if isinstance(handle.future, Routed):
            handle.future.release()
        handle.future = None

    def freed(self, handle: Handle) -> None:
        """Tell the place."""
        routed = handle.future
        if isinstance(routed, Routed) and routed.place.is_still(routed.opening):
            routed.place.executor.freed(routed.inner)

    # -- workers ---------------------------------------------------------------------------

    def worker_lost(self) -> None:
        """Let every place look."""
        for place in self._open():
            try:
                place.executor.worker_lost()
            except InfrastructureError:
                if place is self._default:
                    raise

    def words(self) -> list[str]:
        """What happened to workers anywhere."""
        return [
            line for place in self._open() for line in self._said(place, place.executor.words())
        ]

    def last_words(self) -> list[str]:
        """What the workers' own logs say, of every place that lost one; and what is waited for."""
        said = [
            line
            for place in self._open()
            for line in self._said(place, place.executor.last_words())
        ]
        opening = [place for place in self._places() if place.is_opening]
        return [*said, *(line for place in opening for line in self._said(place, [_OPENING]))]

    def _said(self, place: Place, lines: list[str]) -> list[str]:
        return [f"cluster {place.name}: {line}" if place.name else line for line in lines]
