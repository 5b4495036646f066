"""The threads executor: work runs in threads of the driver's process."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

from orchestrator.errors import FlowError, InfrastructureError
from orchestrator.executors.base import (
    Channel,
    Completed,
    Executor,
    Handle,
    Kept,
    LocalChannel,
    resolved,
)
from orchestrator.process.leftovers import end_children

#: Seconds that work has to end when it is not waited for: a statement that was interrupted is over
#: by then, and the process does not end in the midst of it.
_LAST = 1.5


class ThreadsExecutor(Executor):
    """Runs up to ``threads`` pieces of work at the same time in this process.

    Args:
        threads: How many; four, or the number of cores if that is more, if left out.
    """

    name = "threads"

    def __init__(self, threads: int | None = None) -> None:
        super().__init__()
        if threads is not None and threads < 1:
            raise FlowError(f"{threads} threads cannot run anything", fix="use at least 1")
        self.threads = threads or max(4, os.cpu_count() or 1)
        self._pool: _Pool | None = None

    @property
    def channel(self) -> Channel:
        """A channel inside this process."""
        return LocalChannel(self._inbox)

    @contextmanager
    def start(self) -> Iterator[None]:
        """Open the pool; leaving waits for work in progress, but not for long if it is by Ctrl-C."""
        pool = self._pool = _Pool(self.threads)
        patience = None
        try:
            yield
        except KeyboardInterrupt:
            patience = _LAST
            raise
        finally:
            self._pool = None
            pool.close(patience)

    def submit(
        self,
        fn: Callable[..., Kept],
        *args: Any,
        affinity: str | None = None,
        keep: bool = False,
        cluster: str | None = None,
    ) -> Handle:
        """Run the work in the next free thread."""
        if self._pool is None:
            raise InfrastructureError("the executor is not started", fix="enter start() first")
        handle = Handle(affinity=affinity)
        self._pool.add(partial(self._run, handle, fn, args, keep))
        return handle

    def _run(
        self, handle: Handle, fn: Callable[..., Kept], args: tuple[Any, ...], keep: bool
    ) -> None:
        try:
            kept = fn(*resolved(args))
        except BaseException as error:  # whatever it is, the driver waits for an end
            self._inbox.put(Completed(handle, error=error))
            return
        if keep:
            handle.future = Future()
            handle.future.set_result(kept.value)
        self._inbox.put(Completed(handle, report=kept.report))

    def capacity(self, affinity: str | None = None, cluster: str | None = None) -> int:
        """The number of threads."""
        return self.threads

    def broadcast(self, fn: Callable[..., Any], *args: Any) -> None:
        """Run it here, beside the pool."""
        fn(*args)


class _Pool:
    """Threads that take work in the order in which it came; the process need not wait for them.

    (Those of the standard library's pool are waited for whenever the interpreter ends, however long
    what they call takes.)

    Args:
        threads: How many.
    """

    def __init__(self, threads: int) -> None:
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=self._run, name=f"task_{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def add(self, work: Callable[[], None]) -> None:
        """Run it in the next free thread; it must not raise."""
        self._work.put(work)

    def close(self, patience: float | None) -> None:
        """Begin nothing more, and wait for work in progress; ``patience`` seconds, if not None."""
        with suppress(queue.Empty):
            while True:
                self._work.get_nowait()
        for _ in self._threads:
            self._work.put(None)
        until = time.monotonic() + (patience or 0.0)
        for thread in self._threads:
            thread.join(None if patience is None else max(0.0, until - time.monotonic()))
        if patience is not None:
            end_children(self._threads)

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            del work  # or its values would live until the next
