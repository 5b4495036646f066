"""The Dask executor: work runs on a cluster; all imports of Dask are here."""

from __future__ import annotations

import importlib
import itertools
import os
import pickle
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, Worker, WorkerPlugin, get_worker
from distributed.scheduler import KilledWorker

from orchestrator.errors import ConfigurationError, InfrastructureError, WorkerLostError
from orchestrator.executors.base import Channel, Completed, Executor, Handle, Kept, Message

#: Seconds to wait for a worker to take over the work of one that died.
_WORKER_PATIENCE = 60.0
_SETTINGS = {
    # A dead worker's task must not run again behind our back: attempts are ours to count.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.comm.timeouts.connect": "30s",
}


class DaskChannel:
    """A channel from any worker of a cluster to the driver, over Dask's own connection."""

    def __init__(self, topic: str) -> None:
        self._topic = topic
        self._worker: Worker | None = None

    def send(self, message: Any) -> None:
        """Send from a task; after its first message also from other threads of the task."""
        if self._worker is None:
            self._worker = get_worker()
        self._worker.log_event(self._topic, pickle.dumps(message))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._topic,)


class _DeafToInterrupts(WorkerPlugin):
    """Keeps Ctrl-C at a terminal, which every process there hears, for the driver alone."""

    def setup(self, worker: Worker) -> None:
        """Ignore SIGINT in the worker's process; the driver says what is to stop."""
        if threading.current_thread() is threading.main_thread() and worker.nanny:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


class DaskExecutor(Executor):
    """Runs work on a Dask cluster.

    Args:
        address: Scheduler of a running cluster; it is left running.
        cluster_class: A cluster class, a function that returns a cluster, or the dotted path of
            one; ``distributed.LocalCluster`` if left out.
        cluster_kwargs: Its arguments. A local cluster has one worker process of four threads
            (or as many as there are cores) and listens on the loopback address only.
        adapt_kwargs: Arguments of ``cluster.adapt()``, for a cluster that grows and shrinks.
        client_kwargs: Arguments of ``distributed.Client``.

    Raises:
        ConfigurationError: ``address`` and ``cluster_class`` are both given, or the class is
            not found.

    Example:
        >>> DaskExecutor(cluster_kwargs={"n_workers": 2}).name
        'dask'
    """

    name = "dask"

    def __init__(
        self,
        address: str | None = None,
        cluster_class: str | Callable[..., Any] | None = None,
        cluster_kwargs: Mapping[str, Any] | None = None,
        adapt_kwargs: Mapping[str, Any] | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        if address and (cluster_class or cluster_kwargs or adapt_kwargs):
            raise ConfigurationError(
                "DaskExecutor got an address and arguments for a new cluster",
                fix="give address= for a running cluster, or cluster_class= and cluster_kwargs=",
            )
        self.address = address
        self.cluster_class = _cluster_class(cluster_class)
        self.cluster_kwargs = dict(cluster_kwargs or {})
        self.adapt_kwargs = dict(adapt_kwargs or {})
        self.client_kwargs = dict(client_kwargs or {})
        self._topic = f"orchestrator-{uuid.uuid4().hex}"
        self._client: Client | None = None
        self._owners: dict[str, str] = {}
        self._threads: dict[str, int] = {}
        self._threads_at = 0.0
        self._numbers = itertools.count()

    @property
    def channel(self) -> Channel:
        """A channel over Dask's own connection."""
        return DaskChannel(self._topic)

    @property
    def client(self) -> Client:
        """The connected client.

        Raises:
            InfrastructureError: The executor is not started.
        """
        if self._client is None:
            raise InfrastructureError("the Dask executor is not started", fix="enter start() first")
        return self._client

    @contextmanager
    def start(self) -> Iterator[None]:
        """Connect, after making the cluster unless an address was given."""
        with ExitStack() as stack:
            stack.enter_context(dask.config.set(_SETTINGS))
            target = self.address or stack.enter_context(self._cluster())
            client = stack.enter_context(_connect(target, self.client_kwargs))
            client.subscribe_topic(self._topic, self._received)
            self._client = client
            if self.address is None:
                client.register_plugin(_DeafToInterrupts())
            client.wait_for_workers(1, timeout=_WORKER_PATIENCE)
            self._refresh()
            try:
                yield
            finally:
                self._client = None
                self._owners.clear()

    def _cluster(self) -> Any:
        arguments = self.cluster_kwargs
        if self.cluster_class is LocalCluster:
            arguments = {**_local_defaults(arguments.get("processes", True)), **arguments}
        cluster = self.cluster_class(**arguments)
        if self.adapt_kwargs:
            cluster.adapt(**self.adapt_kwargs)
        return cluster

    # -- work ------------------------------------------------------------------------------

    def submit(
        self, fn: Callable[..., Kept], *args: Any, affinity: str | None = None, keep: bool = False
    ) -> Handle:
        """Send the work to a worker; kept values travel from worker to worker."""
        where = {} if affinity is None else {"workers": [self._owner(affinity)]}
        key = f"{getattr(fn, '__name__', 'work')}-{self._topic[-8:]}-{next(self._numbers)}"
        plain = [_plain(arg) for arg in args]
        options: dict[str, Any] = {"pure": False, "retries": 0, **where}
        work = self.client.submit(_kept, fn, keep, *plain, key=key, **options)
        handle = Handle(affinity=affinity)
        if not keep:
            work.add_done_callback(lambda future: self._ended(handle, future))
            return handle
        # The value stays with the worker; only the report, made beside it, comes to the driver.
        report = self.client.submit(_report, work, key=f"{key}-report", **options)
        handle.future = work
        report.add_done_callback(lambda future: self._ended(handle, future))
        return handle

    def _ended(self, handle: Handle, future: Future) -> None:
        """Hand an ended piece of work to the driver; runs in a thread of the client's."""
        try:
            if future.status == "finished":
                self._inbox.put(Completed(handle, report=future.result()))
            elif future.status == "cancelled":
                self._inbox.put(Completed(handle, error=_lost("the cluster forgot the task")))
            else:
                self._inbox.put(Completed(handle, error=_translated(future.exception())))
        except BaseException as error:  # a thread of the client's must never swallow an end
            self._inbox.put(Completed(handle, error=_translated(error)))

    def _received(self, event: tuple[Any, bytes]) -> None:
        self._inbox.put(Message(pickle.loads(event[1])))

    def release(self, handle: Handle) -> None:
        """Let the cluster forget a kept value."""
        if handle.future is not None:
            handle.future.release()
        handle.future = None

    def broadcast(self, fn: Callable[..., Any], *args: Any) -> None:
        """Run ``fn`` in every worker process, beside its tasks."""
        self.client.run(fn, *args, on_error="ignore")

    # -- workers ---------------------------------------------------------------------------

    def capacity(self, affinity: str | None = None) -> int:
        """Threads of the owner, or of all workers together."""
        if time.monotonic() - self._threads_at > 2.0:
            self._refresh()
        if affinity is not None and self._owners.get(affinity) in self._threads:
            return self._threads[self._owners[affinity]]
        if affinity is not None:
            return max(self._threads.values(), default=1)
        return max(1, sum(self._threads.values()))

    def _owner(self, affinity: str) -> str:
        """The worker that owns an affinity; another one takes over if it is gone."""
        if self._owners.get(affinity) not in self._threads:
            self._refresh()
        if self._owners.get(affinity) not in self._threads:
            if not self._threads:
                self.client.wait_for_workers(1, timeout=_WORKER_PATIENCE)
                self._refresh()
            owned = list(self._owners.values())
            self._owners[affinity] = min(
                self._threads, key=lambda worker: (owned.count(worker), worker)
            )
        return self._owners[affinity]

    def worker_lost(self) -> None:
        """Look at once which workers are left."""
        self._refresh()

    def _refresh(self) -> None:
        scheduler: Any = self.client.scheduler
        workers = self.client.sync(scheduler.identity, n_workers=-1)["workers"]
        self._threads = {address: worker["nthreads"] for address, worker in workers.items()}
        self._threads_at = time.monotonic()


def _kept(fn: Callable[..., Kept], keep: bool, *args: Any) -> Any:
    kept = fn(*_values(list(args)))
    return kept if keep else kept.report


def _report(kept: Kept) -> Any:
    return kept.report


def _values(args: list[Any]) -> list[Any]:
    """Take the values out of what earlier work kept."""
    return [
        arg.value if isinstance(arg, Kept) else _values(arg) if isinstance(arg, list) else arg
        for arg in args
    ]


def _plain(arg: Any) -> Any:
    """Replace handles by Dask's futures."""
    if isinstance(arg, Handle):
        return arg.future
    return [_plain(item) for item in arg] if isinstance(arg, list) else arg


def _connect(target: Any, arguments: Mapping[str, Any]) -> Client:
    try:
        return Client(target, **{"set_as_default": False, **arguments})
    except OSError as error:
        raise InfrastructureError(
            f"no Dask scheduler answers at {target}: {error}",
            fix="start one (dask scheduler), or leave out address= for a local cluster",
        ) from error


def _translated(error: BaseException) -> BaseException:
    """Turn Dask's words for a dead worker into ours."""
    if isinstance(error, KilledWorker):
        return _lost("the worker process that ran it died")
    return error


def _lost(what: str) -> WorkerLostError:
    return WorkerLostError(
        what,
        fix="look for memory or a crash in the worker's output; `orchestrator runs retry` goes on",
    )


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


def _cluster_class(given: str | Callable[..., Any] | None) -> Callable[..., Any]:
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
