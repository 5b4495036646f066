"""The inline executor: work runs in the driver's own thread, one piece at a time, for debugging."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from orchestrator.executors.base import (
    Channel,
    Completed,
    Executor,
    Handle,
    Kept,
    LocalChannel,
    resolved,
)


class InlineExecutor(Executor):
    """Runs each piece of work when it is submitted, so that a debugger stops in the task.

    Example:
        >>> executor = InlineExecutor()
        >>> with executor.start():
        ...     handle = executor.submit(lambda: Kept("done"))
        ...     executor.wait(0)[0].report
        'done'
    """

    name = "inline"
    runs_in_driver = True

    @property
    def channel(self) -> Channel:
        """A channel inside this process."""
        return LocalChannel(self._inbox)

    @contextmanager
    def start(self) -> Iterator[None]:
        """Nothing to set up."""
        yield

    def submit(
        self,
        fn: Callable[..., Kept],
        *args: Any,
        affinity: str | None = None,
        keep: bool = False,
        cluster: str | None = None,
    ) -> Handle:
        """Run the work now."""
        handle = Handle(affinity=affinity)
        try:
            kept = fn(*resolved(args))
        except Exception as error:
            self._inbox.put(Completed(handle, error=error))
        else:
            handle.future = kept.value if keep else None
            self._inbox.put(Completed(handle, report=kept.report))
        return handle

    def capacity(self, affinity: str | None = None, cluster: str | None = None) -> int:
        """One at a time."""
        return 1

    def broadcast(self, fn: Callable[..., Any], *args: Any) -> None:
        """Run it here."""
        fn(*args)
