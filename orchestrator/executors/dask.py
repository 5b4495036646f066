"""The Dask executor: work runs on a cluster, and results stay with its workers."""

from __future__ import annotations

import asyncio
import itertools
import pickle
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import dask
from distributed import Client, Future, Worker, WorkerPlugin, get_worker
from distributed.protocol.pickle import dumps
from distributed.scheduler import KilledWorker

from orchestrator.errors import ConfigurationError, InfrastructureError, WorkerLostError
from orchestrator.executors.base import (
    Channel,
    Completed,
    Executor,
    Handle,
    Kept,
    Message,
    Packed,
)
from orchestrator.executors.dask_cluster import (
    check_report,
    cluster,
    connect,
    once_only,
    report,
)
from orchestrator.executors.dask_cluster import cluster_class as _found_class

#: Seconds to wait for a worker to take over the work of one that died.
_WORKER_PATIENCE = 60.0
#: So many lines of each nanny's log are shown when a worker was lost.
_LAST_LINES = 20
#: Seconds to wait for the scheduler to learn of a published value.
_PUBLISHING = 30.0
_SETTINGS = {
    # A dead worker's task must not run again behind our back: attempts are ours to count.
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.work-stealing": False,
    "distributed.comm.timeouts.connect": "30s",
    # How often each process asks its event loop whether it is late: a tenth of what it works.
    "distributed.admin.tick.interval": "500ms",
}
#: Looks at every task's stack a hundred times a second, for reports alone.
_PROFILER = "distributed.worker.profile.enabled"


class DaskChannel:
    """A channel from any worker of a cluster to the driver, over Dask's own connection."""

    def __init__(self, topic: str, client: str) -> None:
        self._topic, self._client = topic, client
        self._worker: Worker | None = None

    def attach(self) -> None:
        """Remember whose task calls this; then any thread may send."""
        self._worker = get_worker()

    def send(self, message: Any) -> None:
        """Send from a task; after its first message also from other threads of the task."""
        if self._worker is None:
            self.attach()
        assert self._worker is not None
        self._worker.log_event(self._topic, pickle.dumps(message))

    def publish(self, value: Any) -> tuple[str, str]:
        """Put a value into the worker's memory under a key of its own, held for the driver."""
        worker = self._worker
        assert worker is not None
        key = f"published-{uuid.uuid4().hex}"

        async def put() -> None:
            found = worker.update_data({key: Kept(None, value)})
            await worker.scheduler.update_data(
                who_has={key: [worker.address]}, nbytes=found["nbytes"], client=self._client
            )

        loop: Any = worker.loop
        asyncio.run_coroutine_threadsafe(put(), loop.asyncio_loop).result(_PUBLISHING)
        return key, worker.address

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._topic, self._client)


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
        name: Name of the cluster. One of that name that this process left running is used again;
            classes that take a name get it, and may find one that others left running.
        shutdown_on_close: Whether the cluster ends with the run.
        performance_report_path: File for Dask's performance report of the run (HTML).

    Raises:
        ConfigurationError: ``address`` and ``cluster_class`` are both given, the class is not
            found, or what draws the report is not installed.

    Example:
        >>> DaskExecutor(cluster_kwargs={"n_workers": 2}).name
        'dask'
    """

    name = "dask"
    hand_over = 0.001

    def __init__(
        self,
        address: str | None = None,
        cluster_class: str | Callable[..., Any] | None = None,
        cluster_kwargs: Mapping[str, Any] | None = None,
        adapt_kwargs: Mapping[str, Any] | None = None,
        client_kwargs: Mapping[str, Any] | None = None,
        *,
        name: str | None = None,
        shutdown_on_close: bool = True,
        performance_report_path: str | None = None,
    ) -> None:
        super().__init__()
        if address and (cluster_class or cluster_kwargs or adapt_kwargs):
            raise ConfigurationError(
                "DaskExecutor got an address and arguments for a new cluster",
                fix="give address= for a running cluster, or cluster_class= and cluster_kwargs=",
            )
        self.address = address
        check_report(performance_report_path)
        self.cluster_class = _found_class(cluster_class)
        self.cluster_kwargs = dict(cluster_kwargs or {})
        self.adapt_kwargs = dict(adapt_kwargs or {})
        self.client_kwargs = dict(client_kwargs or {})
        self.cluster_name, self.shutdown_on_close = name, shutdown_on_close
        self.performance_report_path = performance_report_path
        self._topic = f"orchestrator-{uuid.uuid4().hex}"
        self._mark = self._topic[-12:]
        self._client: Client | None = None
        self._owners: dict[str, str] = {}
        self._threads: dict[str, int] = {}
        self._threads_at = 0.0
        self._words: list[str] = []
        self._lost_some = False
        self._numbers = itertools.count()
        self._busy: Counter[str] = Counter()
        self._sent: set[Handle] = set()
        self._ends: list[tuple[Handle, Future]] = []

    @property
    def channel(self) -> Channel:
        """A channel over Dask's own connection."""
        return DaskChannel(self._topic, self.client.id)

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
            profiled = self.performance_report_path is not None
            stack.enter_context(dask.config.set({**_SETTINGS, _PROFILER: profiled}))
            target = self.address or stack.enter_context(
                cluster(
                    self.cluster_class, self.cluster_kwargs, self.adapt_kwargs,
                    self.cluster_name, self.shutdown_on_close,
                )
            )  # fmt: skip
            client = stack.enter_context(connect(target, self.client_kwargs))
            client.subscribe_topic(self._topic, self._received)
            self._client = client
            client.register_plugin(once_only(self._mark))
            if self.address is None:
                client.register_plugin(_DeafToInterrupts())
            client.wait_for_workers(1, timeout=_WORKER_PATIENCE)
            self._refresh()
            try:
                with report(client, self.performance_report_path):
                    yield
            finally:
                if client.status == "running":
                    client.unregister_scheduler_plugin(self._mark)
                self._client = None
                self._owners.clear()
                self._threads.clear()
                self._busy.clear()
                self._sent.clear()
                self._ends.clear()

    # -- work ------------------------------------------------------------------------------

    def submit(
        self, fn: Callable[..., Kept], *args: Any, affinity: str | None = None, keep: bool = False
    ) -> Handle:
        """Send the work to a worker; kept values travel from worker to worker."""
        handles = list(_handles(args))
        where = self._place(handles) if affinity is None else self._owner(affinity)
        key = f"{getattr(fn, '__name__', 'work')}-{self._mark}-{next(self._numbers)}"
        plain = [_plain(arg) for arg in args]
        options: dict[str, Any] = {"pure": False, "retries": 0, "workers": [where]}
        if affinity is None:
            options["allow_other_workers"] = True
        if self.client.status != "running":
            raise self._gone()
        work = self.client.submit(_kept, fn, keep, *plain, key=key, **options)
        handle = Handle(affinity=affinity, where=where)
        self._busy[where] += 1
        self._sent.add(handle)
        if keep:
            handle.future = work
        work.add_done_callback(lambda future: self._ended(handle, future))
        return handle

    def packed(self, value: Any) -> Packed:
        """Pickle it as Dask would."""
        return Packed(dumps(value))

    def adopt(self, ticket: tuple[str, str]) -> Handle:
        """Hold a value that a worker published."""
        key, where = ticket
        return Handle(Future(key, self.client), where=where)

    def _ended(self, handle: Handle, future: Future) -> None:
        """Hand an ended piece of work to the driver; runs in a thread of the client's."""
        self._inbox.put(self._completed(handle, future, lambda: _Unread(future)))

    def _read(self, handle: Handle, future: Future) -> None:
        """Hand over the report of an ended piece of work; runs in a thread of the client's."""
        self._inbox.put(self._completed(handle, future, future.result))

    def _completed(self, handle: Handle, future: Future, report: Callable[[], Any]) -> Completed:
        try:
            if future.status == "finished":
                return Completed(handle, report=report())
            if future.status == "cancelled":
                return Completed(handle, error=_lost("the cluster forgot the task"))
            return Completed(handle, error=_translated(future.exception()))
        except BaseException as error:  # a thread of the client's must never swallow an end
            return Completed(handle, error=_translated(error))

    def _known_ends(self) -> list[Completed | Message]:
        """The ends that the driver had word of before; the reports of the others are sent for.

        What work says last tells its end sooner than its report could be fetched, and there is no
        need to fetch that then. The value, if it is kept, stays with the worker all the same.
        """
        known: list[Completed | Message] = []
        for handle, future in self._ends:
            if handle not in self._sent:
                known.append(Completed(handle))
                continue
            wanted = future
            if handle.future is not None:
                options = {"workers": [handle.where], "allow_other_workers": True}
                key = f"{future.key}-report"
                wanted = self.client.submit(_report, future, key=key, pure=False, **options)
            wanted.add_done_callback(partial(self._read, handle))
        self._ends.clear()
        return known

    def wait(self, timeout: float | None) -> list[Completed | Message]:
        """As of any executor.

        Raises:
            InfrastructureError: The scheduler is gone, and with it all that was under way.
        """
        while not (found := self._known_ends()):
            items = super().wait(timeout)
            found = [item for item in items if not self._put_off(item)]
            if found or not items:
                break
        for item in found:
            if isinstance(item, Completed):
                self.freed(item.handle)
        if self._client is not None and self._client.status != "running":
            raise self._gone()
        return found

    def _put_off(self, item: Completed | Message) -> bool:
        """Keep an end whose report is unread until the driver has heard all that came before it."""
        if isinstance(item, Completed) and isinstance(item.report, _Unread):
            self._ends.append((item.handle, item.report.future))
            return True
        return False

    def _gone(self) -> InfrastructureError:
        return InfrastructureError(
            "the Dask scheduler is gone, and with it the results that workers kept",
            where=self.address or "the cluster of this run",
            fix="start it again, then `orchestrator runs retry` goes on",
        )

    def _received(self, event: tuple[Any, bytes]) -> None:
        self._inbox.put(Message(pickle.loads(event[1])))

    def freed(self, handle: Handle) -> None:
        """Count the worker's thread as free, once."""
        if handle in self._sent:
            self._sent.discard(handle)
            self._busy[handle.where or ""] -= 1

    def is_lost(self, handle: Handle) -> bool:
        """Whether the worker that kept the value died, or the cluster forgot it."""
        return handle.future is None or handle.future.status in ("lost", "cancelled", "error")

    def release(self, handle: Handle) -> None:
        """Let the cluster forget a kept value."""
        if handle.future is not None:
            handle.future.release()
        handle.future = None

    def broadcast(self, fn: Callable[..., Any], *args: Any) -> None:
        """Run ``fn`` in every worker process, beside its tasks."""
        if self.client.status == "running":
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

    def _place(self, handles: Sequence[Handle]) -> str:
        """A worker with room, the one that keeps most of what is needed; else the least busy.

        Dask itself sends work only where its inputs are, however much waits there already.
        """
        if not self._threads:
            self._refresh()
        if not self._threads:
            self.client.wait_for_workers(1, timeout=_WORKER_PATIENCE)
            self._refresh()
        kept = Counter(handle.where for handle in handles)
        free = [w for w, threads in self._threads.items() if self._busy[w] < threads]
        if free:
            return min(free, key=lambda w: (-kept[w], self._busy[w] / self._threads[w]))
        return min(self._threads, key=lambda w: self._busy[w] / self._threads[w])

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

    def words(self) -> list[str]:
        """What happened to workers since the last call."""
        said, self._words = self._words, []
        return said

    def last_words(self) -> list[str]:
        """What the nannies of workers logged, if a worker was lost."""
        if not self._lost_some or self.client.status != "running":
            return []
        logs = self.client.get_worker_logs(n=_LAST_LINES, nanny=True)
        return [
            f"{address}: {line}" for address, lines in logs.items() for _, line in reversed(lines)
        ]

    def _refresh(self) -> None:
        scheduler: Any = self.client.scheduler
        try:
            workers = self.client.sync(scheduler.identity, n_workers=-1)["workers"]
        except (OSError, RuntimeError) as error:
            raise self._gone() from error
        threads = {address: worker["nthreads"] for address, worker in workers.items()}
        lost = [address for address in self._threads if address not in threads]
        self._words += [f"lost the Dask worker at {address}" for address in lost]
        if self._threads:
            joined = [address for address in threads if address not in self._threads]
            self._words += [f"a Dask worker joined at {address}" for address in joined]
        self._lost_some |= bool(lost)
        self._threads, self._threads_at = threads, time.monotonic()


@dataclass(frozen=True, slots=True)
class _Unread:
    """In the place of a report: it is still where the work ended."""

    future: Future


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


def _handles(arg: Any) -> Iterator[Handle]:
    """The handles among the arguments."""
    if isinstance(arg, Handle):
        yield arg
    elif isinstance(arg, (list, tuple)):
        for item in arg:
            yield from _handles(item)


def _plain(arg: Any) -> Any:
    """Replace handles by Dask's futures."""
    if isinstance(arg, Handle):
        return arg.future
    return [_plain(item) for item in arg] if isinstance(arg, list) else arg


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
