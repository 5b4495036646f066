"""The Dask executor: work runs on a cluster, and results stay with its workers."""

from __future__ import annotations

import itertools
import pickle
import signal
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from distributed import Client, Future, LocalCluster, Worker, WorkerPlugin
from distributed.protocol.pickle import dumps

from orchestrator.errors import ConfigurationError, InfrastructureError
from orchestrator.executors.base import (
    Channel,
    Completed,
    Executor,
    Handle,
    Kept,
    Message,
    Packed,
)
from orchestrator.executors.dask_channel import DaskChannel
from orchestrator.executors.dask_cluster import (
    check_report,
    cluster,
    connect,
    on_every_worker,
    once_only,
    refuse_arguments,
    report,
    settings,
)
from orchestrator.executors.dask_cluster import cluster_class as _found_class
from orchestrator.executors.dask_work import (
    handles_in,
    lost,
    plain,
    report_of,
    run_kept,
    translated,
)
from orchestrator.executors.dask_workers import Workers
from orchestrator.executors.versions import expected
from orchestrator.model.building import caller, place
from orchestrator.nearest import nearest
from orchestrator.presets import VERSION_CHECKS
from orchestrator.process.leftovers import end_children

#: Seconds to wait for a worker: to take over the work of one that died, or to come at all; and
#: where a machine has to be started for it.
_WORKER_PATIENCE, _MACHINE_PATIENCE = 60.0, 600.0


class _DeafToInterrupts(WorkerPlugin):
    """Keeps Ctrl-C at a terminal, which every process there hears, for the driver alone."""

    name = "deaf-to-interrupts"

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
        adapt_kwargs: Arguments of ``cluster.adapt()``, for a cluster that grows and shrinks. With
            ``maximum`` work waits at the scheduler, which asks for workers by what waits.
        client_kwargs: Arguments of ``distributed.Client``.
        name: Name of the cluster. One of that name that this process left running is used again;
            classes that take a name get it, and may find one that others left running.
        shutdown_on_close: Whether the cluster ends with the run.
        performance_report_path: File for Dask's performance report of the run (HTML).
        check_versions: What to do where the software of the cluster differs from that of this
            process: ``error``, ``warn`` (a line in the run's log) or ``off``.
        preset: Name of the preset it was made of, for messages.

    Raises:
        ConfigurationError: ``address`` and ``cluster_class`` are both given, the class is not
            found, takes no such argument, ``check_versions`` is no such word, or what draws the
            report is not installed.

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
        check_versions: str = "off",
        preset: str | None = None,
    ) -> None:
        super().__init__()
        if address and (cluster_class or cluster_kwargs or adapt_kwargs):
            raise ConfigurationError(
                "DaskExecutor got an address and arguments for a new cluster",
                where=place(caller()),
                fix="give address= for a running cluster, or cluster_class= and cluster_kwargs=",
            )
        self.address = address
        check_report(performance_report_path)
        if check_versions not in VERSION_CHECKS:
            raise ConfigurationError(
                f"DaskExecutor got check_versions={check_versions!r}",
                where=place(caller()),
                fix=nearest(check_versions, VERSION_CHECKS, "it is one of: "),
            )
        self.cluster_class = _found_class(cluster_class)
        self.cluster_kwargs = dict(cluster_kwargs or {})
        self.adapt_kwargs = dict(adapt_kwargs or {})
        self.client_kwargs = dict(client_kwargs or {})
        refuse_arguments(
            self.cluster_class, self.cluster_kwargs, self.adapt_kwargs, self.client_kwargs, preset
        )
        self.cluster_name, self.shutdown_on_close = name, shutdown_on_close
        self.performance_report_path = performance_report_path
        self.check_versions, self.preset = check_versions, preset
        self._expected = expected() if check_versions == "error" else None
        self._topic = f"orchestrator-{uuid.uuid4().hex}"
        self._mark = self._topic[-12:]
        self._client: Client | None = None
        self._workers: Workers | None = None
        self._numbers = itertools.count()
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
            raise _not_started()
        return self._client

    @property
    def workers(self) -> Workers:
        """What is known of the cluster's workers.

        Raises:
            InfrastructureError: The executor is not started.
        """
        if self._workers is None:
            raise _not_started()
        return self._workers

    @contextmanager
    def start(self) -> Iterator[None]:
        """Connect, after making the cluster unless an address was given.

        Raises:
            ClusterError: It cannot be made, has no worker, or its software differs.
        """
        with ExitStack() as stack:
            reported = self.performance_report_path is not None
            stack.enter_context(settings(steal=bool(self.adapt_kwargs), profile=reported))
            target = self.address or stack.enter_context(
                cluster(
                    self.cluster_class, self.cluster_kwargs, self.adapt_kwargs,
                    self.cluster_name, self.shutdown_on_close, self.preset,
                )
            )  # fmt: skip
            client = stack.enter_context(connect(target, self.client_kwargs, self.preset))
            workers = Workers(
                client, patience=self._patience(), maximum=self.adapt_kwargs.get("maximum"),
                check=self.check_versions, cluster=self.preset,
            )  # fmt: skip
            workers.await_first()
            client.subscribe_topic(self._topic, self._received)
            client.register_plugin(once_only(self._mark))
            if self.address is None:
                on_every_worker(client, _DeafToInterrupts())
            self._client, self._workers = client, workers
            try:
                with report(client, self.performance_report_path):
                    yield
            except KeyboardInterrupt:
                if self.address is None and self.shutdown_on_close:
                    self.broadcast(end_children)
                raise
            finally:
                if client.status == "running":
                    client.unregister_scheduler_plugin(self._mark)
                self._client = self._workers = None
                self._sent.clear()
                self._ends.clear()

    def _patience(self) -> float:
        local = self.address is not None or self.cluster_class is LocalCluster
        return _WORKER_PATIENCE if local else _MACHINE_PATIENCE

    # -- work ------------------------------------------------------------------------------

    def submit(
        self,
        fn: Callable[..., Kept],
        *args: Any,
        affinity: str | None = None,
        keep: bool = False,
        cluster: str | None = None,
    ) -> Handle:
        """Send the work to a worker; kept values travel from worker to worker."""
        handles = list(handles_in(args))
        with self._asking():
            workers = self.workers
            where = workers.place(handles) if affinity is None else workers.owner(affinity)
        key = f"{getattr(fn, '__name__', 'work')}-{self._mark}-{next(self._numbers)}"
        options: dict[str, Any] = {"pure": False, "retries": 0}
        if where is not None:
            options |= {"workers": [where], "allow_other_workers": affinity is None}
        if self.client.status != "running":
            raise self._gone()
        given = [plain(arg) for arg in args]
        work = self.client.submit(run_kept, fn, keep, self._expected, *given, key=key, **options)
        handle = Handle(affinity=affinity, where=where)
        workers.taken(where)
        self._sent.add(handle)
        if keep:
            handle.future = work
        work.add_done_callback(lambda future: self._ended(handle, future))
        return handle

    def packed(self, value: Any, cluster: str | None = None) -> Packed:
        """Pickle it as Dask would."""
        return Packed(dumps(value))

    def adopt(self, ticket: tuple[str, str]) -> Handle:
        """Hold a value that a worker published."""
        key, where = ticket
        return Handle(Future(key, self.client), where=where)

    def fetch(self, handle: Handle) -> Any:
        """Bring a kept value here.

        Raises:
            WorkerLostError: It was lost with the worker that kept it.
        """
        if self.is_lost(handle):
            raise lost("a result was lost with the worker that kept it")
        try:
            return handle.future.result().value
        except Exception as error:
            raise lost(f"a result could not be fetched from the cluster: {error}") from error

    def put(self, value: Any) -> Handle:
        """Send a value to a worker, which keeps it."""
        return Handle(self.client.scatter(Kept(None, value), hash=False))

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
                return Completed(handle, error=lost("the cluster forgot the task"))
            return Completed(handle, error=translated(future.exception()))
        except BaseException as error:  # a thread of the client's must never swallow an end
            return Completed(handle, error=translated(error))

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
                options: dict[str, Any] = {"key": f"{future.key}-report", "pure": False}
                if handle.where is not None:
                    options |= {"workers": [handle.where], "allow_other_workers": True}
                wanted = self.client.submit(report_of, future, **options)
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

    def _received(self, event: tuple[Any, bytes]) -> None:
        self._inbox.put(Message(pickle.loads(event[1])))

    def freed(self, handle: Handle) -> None:
        """Count the worker's thread as free, once."""
        if handle in self._sent:
            self._sent.discard(handle)
            self.workers.freed(handle.where)

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

    def capacity(self, affinity: str | None = None, cluster: str | None = None) -> int:
        """Threads of the owner, or of all workers together."""
        with self._asking():
            return self.workers.capacity(affinity)

    def worker_lost(self) -> None:
        """Look at once which workers are left."""
        with self._asking():
            self.workers.refresh()

    def words(self) -> list[str]:
        """What happened to workers since the last call."""
        return self.workers.words()

    def last_words(self) -> list[str]:
        """What the nannies of workers logged, if a worker was lost."""
        return self.workers.last_words()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        """Say in our words that the scheduler does not answer."""
        try:
            yield
        except (OSError, RuntimeError) as error:
            raise self._gone() from error

    def _gone(self) -> InfrastructureError:
        return InfrastructureError(
            "the Dask scheduler is gone, and with it the results that workers kept",
            where=self.address or "the cluster of this run",
            fix="start it again, then `orchestrator runs retry` goes on",
        )


@dataclass(frozen=True, slots=True)
class _Unread:
    """In the place of a report: it is still where the work ended."""

    future: Future


def _not_started() -> InfrastructureError:
    return InfrastructureError("the Dask executor is not started", fix="enter start() first")
