"""Prefect 1's executor for the cores of one machine, as what it is here: threads of this process."""

from __future__ import annotations

from orchestrator.errors import FlowError
from orchestrator.executors.inline import InlineExecutor
from orchestrator.executors.threads import ThreadsExecutor

_ONE = ("sync", "synchronous", "single-threaded")
_THREADS = ("threads", "threading")


class LocalDaskExecutor(ThreadsExecutor):
    """Runs tasks on threads of this process, with the arguments of Prefect 1.

    Args:
        scheduler: ``threads``, or ``synchronous`` for one thread. Processes are those of a
            ``DaskExecutor()``.
        num_workers: Threads.

    Raises:
        FlowError: ``scheduler`` is another.

    Example:
        >>> LocalDaskExecutor(num_workers=3).threads
        3
    """

    def __init__(self, scheduler: str = "threads", num_workers: int | None = None) -> None:
        if scheduler not in (*_THREADS, *_ONE):
            raise FlowError(
                f"LocalDaskExecutor cannot run on {scheduler!r}",
                fix="use DaskExecutor() for processes, or scheduler='threads'",
            )
        super().__init__(1 if scheduler in _ONE else num_workers)


LocalExecutor = InlineExecutor

__all__ = ["LocalDaskExecutor", "LocalExecutor"]
