"""Writes what happens in a run to the store, in batches, beside the driver."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

from orchestrator import instants
from orchestrator.engine.plan import Plan
from orchestrator.engine.telling.graph import graph_of
from orchestrator.store.base import FencedError, RunStore
from orchestrator.store.records import Change, LogLine, TaskRun
from orchestrator.store.texts import Text

#: How long a driver counts as alive after its last word.
LEASE = timedelta(seconds=30)
_BEAT = LEASE.total_seconds() / 3
#: Seconds after its last word in which it need not say so again.
_OFTEN = 1.0
#: So much may wait to be written; then the driver waits too, lest memory fills up.
_WAITING = 5_000
#: So much is written at once at most.
_BATCH = 2_000
#: Seconds to wait for more to be written with it: a commit costs more than what it writes.
_LINGER = 0.03

_Item = Change | LogLine | Text | tuple[TaskRun, ...] | Plan


class Recorder:
    """Takes changes from the driver at once and writes them in order, as many together as wait.

    The driver waits for the disk only when very much is unwritten. What is lost when the driver dies is at most what it
    had not yet written; those tasks count as not finished and run again.

    Args:
        store: Where to.
        run_id: The run.
        fence: The driver's number; when another driver takes over, writing stops.
    """

    def __init__(self, store: RunStore, run_id: str, fence: int = 1) -> None:
        self._store, self._run_id, self._fence = store, run_id, fence
        self._queue: queue.Queue[_Item | None] = queue.Queue(_WAITING)
        self._error: BaseException | None = None
        self._beaten = float("-inf")
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, name="recorder", daemon=True)
        self._thread.start()

    def put(self, item: _Item) -> None:
        """Record a change, a log line, a text, new tasks, or the plan whose graph is to be kept.

        Raises:
            StoreError: The store failed earlier, or another driver has taken over.
        """
        if self._error is not None:
            raise self._error
        self._queue.put(item)

    def close(self) -> None:
        """Write what is left.

        Raises:
            StoreError: The store failed, or another driver has taken over.
        """
        self._queue.put(None)
        self._closing.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _work(self) -> None:
        ended = False
        while not ended:
            batch, ended = self._batch()
            if self._error is None:
                try:
                    self._write(batch)
                except BaseException as error:  # the driver learns of it with its next word
                    self._error = error

    def _batch(self) -> tuple[list[_Item], bool]:
        batch: list[_Item] = []
        try:
            item = self._queue.get(timeout=_BEAT)
            self._closing.wait(_LINGER)
            while item is not None:
                batch.append(item)
                if len(batch) == _BATCH:
                    return batch, False
                item = self._queue.get_nowait()
        except queue.Empty:
            return batch, False
        return batch, True

    def _write(self, batch: Sequence[_Item]) -> None:
        self._beat(batch)
        for added in (item for item in batch if isinstance(item, tuple)):
            self._store.add_tasks(self._run_id, added, fence=self._fence)
        texts = [item for item in batch if isinstance(item, Text)]
        if texts:  # before the changes that name them
            self._store.keep_texts(self._run_id, texts)
        lines = [item for item in batch if isinstance(item, LogLine)]
        if lines:  # before the end of the run, after which nobody reads on
            self._store.append_logs(self._run_id, lines)
        changes = [item for item in batch if isinstance(item, Change)]
        if changes:
            refused = self._store.transition(self._run_id, changes, fence=self._fence)
            if refused:
                self._still_ours()
        for plan in (item for item in batch if isinstance(item, Plan)):
            # Last, and here: drawing ten thousand tasks takes a while, and nobody waits for it.
            self._store.keep_graph(self._run_id, graph_of(plan))

    def _beat(self, batch: Sequence[_Item]) -> None:
        """Renew the lease. Changes say by themselves whether the run is still ours."""
        now = time.monotonic()
        told = any(isinstance(item, Change) for item in batch)
        if told and now - self._beaten < _OFTEN:
            return
        until = instants.now() + LEASE
        if self._store.heartbeat(self._run_id, self._fence, until):
            self._beaten = now
        elif batch:
            self._still_ours()

    def _still_ours(self) -> None:
        run = self._store.run(self._run_id)
        if run.fence != self._fence:
            raise FencedError(
                f"run {self._run_id} was taken over by another driver",
                where=f"{run.host}:{run.pid}",
                fix="follow it with `orchestrator runs watch`",
            )
