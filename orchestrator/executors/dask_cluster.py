"""Dask clusters: which one an executor uses, how it is made, reused and left; with dask.py, all of Dask."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from distributed import Client, LocalCluster, SchedulerPlugin, performance_report

from orchestrator.errors import ConfigurationError, InfrastructureError

#: Clusters that were left running in this process, by name.
_left_running: dict[str, Any] = {}


@contextmanager
def cluster(
    kind: Callable[..., Any],
    arguments: Mapping[str, Any],
    adapt: Mapping[str, Any],
    name: str | None,
    shutdown_on_close: bool,
) -> Iterator[Any]:
    """Make a cluster for a block, or use the one of that name that was left running.

    Args:
        kind: The class.
        arguments: Its arguments; ``name`` and ``shutdown_on_close`` are added where it takes them.
        adapt: Arguments of ``adapt()``, if it is to grow and shrink.
        name: What to find it by.
        shutdown_on_close: Whether it ends with the block.
    """
    made = _left_running.pop(name, None) if name else None
    if made is None or getattr(made.status, "name", made.status) != "running":
        made = kind(**_completed(kind, arguments, name, shutdown_on_close))
        if adapt:
            made.adapt(**adapt)
    if name and not shutdown_on_close:
        _left_running[name] = made
    try:
        yield made
    finally:
        if shutdown_on_close:
            made.close()


def _completed(
    kind: Callable[..., Any], given: Mapping[str, Any], name: str | None, shutdown_on_close: bool
) -> dict[str, Any]:
    arguments = dict(given)
    if kind is LocalCluster:
        arguments = {**_local_defaults(arguments.get("processes", True)), **arguments}
    takes: Mapping[str, Any] = {}
    with suppress(TypeError, ValueError):
        takes = inspect.signature(kind).parameters
    if name and "name" in takes:
        arguments.setdefault("name", name)
    if not shutdown_on_close and "shutdown_on_close" in takes:
        arguments.setdefault("shutdown_on_close", False)
    return arguments


def _local_defaults(processes: bool) -> dict[str, Any]:
    # Workers that are threads of this process talk to it without any address.
    address = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"} if processes else {}
    return {
        "n_workers": 1,
        "threads_per_worker": max(4, os.cpu_count() or 1),
        "dashboard_address": ":0",
        "memory_limit": 0,
        "silence_logs": 50,
        **address,
    }


def cluster_class(given: str | Callable[..., Any] | None) -> Callable[..., Any]:
    """Return the class of a cluster.

    Args:
        given: The class or a function, its dotted path, or None for a local cluster.

    Raises:
        ConfigurationError: There is no such class.
    """
    if given is None:
        return LocalCluster
    if not isinstance(given, str):
        return given
    module, _, name = given.rpartition(".")
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(
            f"cluster class {given!r} cannot be imported: {error}",
            fix="give the dotted path of a class, as distributed.LocalCluster, and install it",
        ) from error
    return found


def connect(target: Any, arguments: Mapping[str, Any]) -> Client:
    """Return a client of a cluster, or of the scheduler at an address.

    Raises:
        InfrastructureError: Nobody answers.
    """
    try:
        return Client(target, **{"set_as_default": False, **arguments})
    except OSError as error:
        raise InfrastructureError(
            f"no Dask scheduler answers at {target}: {error}",
            fix="start one (dask scheduler), or leave out address= for a local cluster",
        ) from error


def check_report(path: str | None) -> None:
    """See to it that a performance report can be written.

    Raises:
        ConfigurationError: What Dask draws it with is not installed.
    """
    if path and importlib.util.find_spec("bokeh") is None:
        raise ConfigurationError(
            "a performance report needs bokeh, which is not installed", fix="pip install bokeh"
        )


def once_only(mark: str) -> SchedulerPlugin:
    """Return a plugin that keeps a scheduler from running work a second time by itself.

    Work whose worker dies fails at once, whatever ``allowed-failures`` says; and values that are
    lost with a worker are forgotten instead of made again. Other people's work is left alone.

    Args:
        mark: What keys of the work contain.
    """

    # A class of a function travels whole: the scheduler need not have this package.
    class OnceOnly(SchedulerPlugin):
        name = mark

        async def start(self, scheduler: Any) -> None:
            self.scheduler = scheduler

        def transition(self, key: Any, start: Any, finish: Any, *args: Any, **kwargs: Any) -> None:
            if finish in ("processing", "memory") and mark in str(key):
                task = self.scheduler.tasks.get(key)
                if task is not None and finish == "memory":
                    task.run_spec = None
                elif task is not None:
                    task.suspicious = max(task.suspicious, self.scheduler.allowed_failures)

    return OnceOnly()


@contextmanager
def report(client: Client, path: str | None) -> Iterator[None]:
    """Write Dask's performance report of a block, if a path is given."""
    if path is None:
        yield
        return
    with client.as_current(), performance_report(filename=path):
        yield
