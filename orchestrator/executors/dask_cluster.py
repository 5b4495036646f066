"""Dask clusters: which one an executor uses, how it is made, reused and left."""

from __future__ import annotations

import importlib
import importlib.util
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import dask
from distributed import (
    Client,
    LocalCluster,
    Nanny,
    SchedulerPlugin,
    Worker,
    WorkerPlugin,
    performance_report,
)
from distributed.comm import CommClosedError
from distributed.deploy.adaptive import Adaptive
from distributed.deploy.spec import SpecCluster

from orchestrator.errors import (
    ClusterError,
    ConfigurationError,
    InfrastructureError,
    OrchestratorError,
)
from orchestrator.executors.arguments import parameters, refused
from orchestrator.model.building import caller, place
from orchestrator.presets import written_at

#: Seconds in which a cluster that was left running answers, if it still does.
_ANSWER = 10.0
_STEALING = "distributed.scheduler.work-stealing"
_PROFILE = "distributed.worker.profile.enabled"
_SETTINGS = {
    # A dead worker's task must not run again behind our back: attempts are ours to count.
    "distributed.scheduler.allowed-failures": 0,
    _STEALING: False,
    "distributed.comm.timeouts.connect": "30s",
    # It looks at the frames of all threads a hundred times a second, which before Python 3.12 can
    # hang the process for good (CPython's gh-106883).
    _PROFILE: False,
    # A task may make a local cluster of its own: processes that are daemons have no children.
    "distributed.worker.daemon": False,
}
_LOOK_AT = "look at its arguments, and at what you may do there (credentials, quotas)"
_NOT_STARTED = "failed to start"
_NANNY = (
    "look at what the worker said above; a script that makes a cluster needs "
    "`if __name__ == '__main__':` around what it does"
)
_lock = threading.RLock()


@dataclass(frozen=True, slots=True)
class _LeftRunning:
    """A cluster that this process left running, and what it was made of."""

    made: Any
    recipe: tuple[Any, ...]


#: By name.
_left_running: dict[str, _LeftRunning] = {}
#: How many executors use the settings, and what undoes them when the last one ends.
_users: list[None] = []
_undo = ExitStack()


@contextmanager
def settings(*, steal: bool, profile: bool) -> Iterator[None]:
    """Set Dask's own settings for a block; several executors may do so at the same time.

    Args:
        steal: Whether schedulers that are made in it move work that waits to workers that join.
        profile: Whether workers that are made in it look where their time goes, for a report.
    """
    global _undo
    with _lock:
        if not _users:
            _undo = ExitStack()
            _undo.enter_context(dask.config.set(_SETTINGS))
        _users.append(None)
        wanted = {name: True for name, on in ((_STEALING, steal), (_PROFILE, profile)) if on}
        _undo.enter_context(dask.config.set(wanted))
    try:
        yield
    finally:
        with _lock:
            _users.pop()
            if not _users:
                _undo.close()


@contextmanager
def cluster(
    kind: Callable[..., Any],
    arguments: Mapping[str, Any],
    adapt: Mapping[str, Any],
    name: str | None,
    shutdown_on_close: bool,
    preset: str | None = None,
) -> Iterator[Any]:
    """Make a cluster for a block, or use the one of that name that was left running.

    Args:
        kind: The class.
        arguments: Its arguments; ``name`` and ``shutdown_on_close`` are added where it takes them.
        adapt: Arguments of ``adapt()``, if it is to grow and shrink.
        name: What to find it by.
        shutdown_on_close: Whether it ends with the block.
        preset: Its name in ``orchestrator.toml``, for messages.

    Raises:
        ClusterError: It cannot be made.
    """
    recipe = (kind, dict(arguments), dict(adapt))
    made = _found(name, recipe) if name else None
    if made is None:
        made = _made(kind, _completed(kind, arguments, name, shutdown_on_close), adapt, preset)
    if name and not shutdown_on_close:
        _left_running[name] = _LeftRunning(made, recipe)
    try:
        yield made
    finally:
        if shutdown_on_close:
            made.close()


def _found(name: str, recipe: tuple[Any, ...]) -> Any | None:
    """The cluster of a name that was left running, if it still runs and is made of the same."""
    left = _left_running.pop(name, None)
    if left is None:
        return None
    if left.recipe == recipe and _answers(left.made):
        return left.made
    # To close what does not answer may take as long as to give up on an answer.
    threading.Thread(target=_close, args=(left.made,), name=f"closing {name}", daemon=True).start()
    return None


def _close(made: Any) -> None:
    with suppress(Exception):  # it may be gone in any way a cluster can be gone
        made.close()


def _answers(made: Any) -> bool:
    for status in (made.status, getattr(getattr(made, "scheduler", None), "status", "running")):
        if getattr(status, "name", status) != "running":
            return False
    try:
        with Client(made, set_as_default=False, timeout=_ANSWER):
            return True
    except OSError:
        return False


def _made(
    kind: Callable[..., Any],
    arguments: dict[str, Any],
    adapt: Mapping[str, Any],
    preset: str | None,
) -> Any:
    try:
        made = kind(**arguments)
    except OrchestratorError:
        raise
    except Exception as error:  # a cloud's library raises what it likes
        name = getattr(kind, "__name__", str(kind))
        cause = _root(error)
        raise ClusterError(
            f"{name} cannot be made: {type(cause).__name__}: {cause}",
            where=written_at(preset),
            fix=_NANNY if _NOT_STARTED in str(cause) else _LOOK_AT,
        ) from error
    if adapt:
        made.adapt(**adapt)
    return made


def _root(error: BaseException) -> BaseException:
    """What an error comes from: Dask itself says only which part did not start."""
    while error.__cause__ is not None and _NOT_STARTED in str(error):
        error = error.__cause__
    return error


def _completed(
    kind: Callable[..., Any], given: Mapping[str, Any], name: str | None, shutdown_on_close: bool
) -> dict[str, Any]:
    arguments = dict(given)
    if kind is LocalCluster:
        arguments = {**_local_defaults(arguments.get("processes", True)), **arguments}
    takes = parameters(kind)
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
            where=place(caller()),
            fix="give the dotted path of a class, as distributed.LocalCluster, and install it",
        ) from error
    return found


def refused_arguments(kind: Callable[..., Any], given: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong with arguments of a cluster class, and what to do; None if nothing is.

    Args:
        kind: The class.
        given: Its arguments.

    Example:
        >>> refused_arguments(LocalCluster, {"n_worker": 2})
        ("LocalCluster takes no argument 'n_worker'", "did you mean 'n_workers'?")
    """
    # A local cluster passes on what it does not know, to classes that are known here.
    passed_on = kind is LocalCluster and "worker_class" not in given
    return refused(kind, given, (Worker, Nanny) if passed_on else ())


def refuse_arguments(
    kind: Callable[..., Any],
    given: Mapping[str, Any],
    adapt: Mapping[str, Any],
    client: Mapping[str, Any],
    preset: str | None,
) -> None:
    """Refuse arguments that a cluster, its ``adapt()`` or a client does not take.

    Raises:
        ConfigurationError: There is one; names the nearest.
    """
    adapts = getattr(kind, "adapt", None)
    for found in (
        refused_arguments(kind, given),
        refused(adapts, adapt, (Adaptive,)) if adapts is SpecCluster.adapt else None,
        refused(Client, client, (Client,)),  # it passes on nothing once it has a cluster
    ):
        if found is not None:
            where = written_at(preset) or place(caller())
            raise ConfigurationError(found[0], where=where, fix=found[1])


def connect(target: Any, arguments: Mapping[str, Any], preset: str | None = None) -> Client:
    """Return a client of a cluster, or of the scheduler at an address.

    Args:
        target: The cluster, or the address.
        arguments: Of the client.
        preset: Its name in ``orchestrator.toml``, for messages.

    Raises:
        InfrastructureError: Nobody answers, or nobody can at such an address.
    """
    try:
        return Client(target, **{"set_as_default": False, **arguments})
    except (OSError, ValueError, TypeError) as error:  # no port, no known scheme, TLS without keys
        raise InfrastructureError(
            f"no Dask scheduler answers at {target}: {error}",
            where=written_at(preset),
            fix="start one (dask scheduler), or correct the address, as in tcp://10.0.0.1:8786",
        ) from error


def check_report(path: str | None) -> None:
    """See to it that a performance report can be written.

    Raises:
        ConfigurationError: What Dask draws it with is not installed.
    """
    if path and importlib.util.find_spec("bokeh") is None:
        raise ConfigurationError(
            "a performance report needs bokeh, which is not installed",
            where=place(caller()),
            fix="pip install bokeh",
        )


def on_every_worker(client: Client, plugin: WorkerPlugin) -> None:
    """Give a plugin with a name to the workers that there are, and to all that come.

    A worker of a cluster that shrinks may leave while it is asked.

    Raises:
        OSError: The scheduler cannot be asked.
    """
    for last in (False, False, True):
        try:
            client.register_plugin(plugin)
        except CommClosedError:
            if last:
                raise
        else:
            return


def once_only(mark: str) -> SchedulerPlugin:
    """Return a plugin that keeps a scheduler from running work a second time by itself.

    Work whose worker dies fails at once, whatever ``allowed-failures`` says; and values that are
    lost with a worker are forgotten instead of made again. Other people's work is left alone.

    Args:
        mark: What keys of the work contain.
    """

    # A class of a function travels whole: the scheduler imports no module for it.
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
