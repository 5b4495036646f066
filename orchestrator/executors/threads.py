"""The threads executor: work runs in threads of the driver's process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
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
        self._pool: ThreadPoolExecutor | None = None

    @property
    def channel(self) -> Channel:
        """A channel inside this process."""
        return LocalChannel(self._inbox)

    @contextmanager
    def start(self) -> Iterator[None]:
        """Open the pool; leaving waits for work in progress."""
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="task")
        try:
            yield
        finally:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

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
        self._pool.submit(self._run, handle, fn, args, keep)
        return handle

    def _run(
        self, handle: Handle, fn: Callable[..., Kept], args: tuple[Any, ...], keep: bool
    ) -> None:
        try:
            kept = fn(*resolved(args))
        except Exception as error:
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
