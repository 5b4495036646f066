"""Work as Dask gets it: handles become futures on the way, and kept values on the worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from distributed.scheduler import KilledWorker

from orchestrator.errors import WorkerLostError
from orchestrator.executors.base import Handle, Kept
from orchestrator.executors.versions import Expected


def run_kept(fn: Callable[..., Kept], keep: bool, expected: Expected | None, *args: Any) -> Any:
    """Run work on a worker.

    Args:
        fn: The work.
        keep: Whether its value is kept; else the report alone is.
        expected: The versions that it is to find.
        args: Of ``fn``; what earlier work kept stands for its value.

    Raises:
        ClusterError: The versions are others.
    """
    if expected is not None:
        expected.insist()
    kept = fn(*_values(list(args)))
    return kept if keep else kept.report


def report_of(kept: Kept) -> Any:
    """The report of work whose value was kept."""
    return kept.report


def _values(args: list[Any]) -> list[Any]:
    """Take the values out of what earlier work kept."""
    return [
        arg.value if isinstance(arg, Kept) else _values(arg) if isinstance(arg, list) else arg
        for arg in args
    ]


def handles_in(arg: Any) -> Iterator[Handle]:
    """The handles among the arguments."""
    if isinstance(arg, Handle):
        yield arg
    elif isinstance(arg, (list, tuple)):
        for item in arg:
            yield from handles_in(item)


def plain(arg: Any) -> Any:
    """Replace handles by Dask's futures."""
    if isinstance(arg, Handle):
        return arg.future
    return [plain(item) for item in arg] if isinstance(arg, list) else arg


def translated(error: BaseException) -> BaseException:
    """Turn Dask's words for a dead worker into ours."""
    if isinstance(error, KilledWorker):
        return lost("the worker process that ran it died")
    return error


def lost(what: str) -> WorkerLostError:
    """Work, or a value, that a worker took with it."""
    return WorkerLostError(
        what,
        fix="look for memory or a crash in the worker's output; `orchestrator runs retry` goes on",
    )
