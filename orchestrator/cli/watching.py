"""Follows a run that another process drives, from what it writes into the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from orchestrator import instants
from orchestrator.cli import replay
from orchestrator.errors import WorkerLostError
from orchestrator.model.events import Event
from orchestrator.model.state import FINISHED, State
from orchestrator.service.last_words import Ending

if TYPE_CHECKING:
    from orchestrator.store.base import RunStore
    from orchestrator.store.records import FlowRun, TaskRun

_BEAT = 0.5
#: With more changes than this, all tasks are read at once instead of one by one.
_FEW = 20


class Watcher:
    """Tells a listener what happens in a run until it ends.

    Args:
        store: Where the run is kept.
        run_id: The whole id.
        tell: Gets each event.
        pause: Waits between two looks.
    """

    def __init__(
        self,
        store: RunStore,
        run_id: str,
        tell: Callable[[Event], None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.store, self.run_id, self.tell, self.pause = store, run_id, tell, pause
        self._tasks: dict[str, TaskRun] = {}
        self._event, self._line = 0, 0

    def watch(self) -> State:
        """Follow the run to its end and return its state.

        Raises:
            WorkerLostError: Nobody drives the run any more.
        """
        self._tasks = {task.key: task for task in self.store.task_runs(self.run_id)}
        run = self.store.run(self.run_id)
        expected = self.store.durations(run.flow, list(self._tasks), project=run.project or None)
        self.tell(replay.started(run, self._tasks.values(), expected))
        ending = Ending()
        while True:
            # The run is read first: what is written before its end is then told before its end.
            run = self.store.run(self.run_id)
            self._catch_up()
            if ending.is_reached(run):
                self.tell(replay.ended(run))
                return State(run.state, run.message)
            if run.state not in FINISHED:
                _check_driver(run)
            self.pause(_BEAT)

    def _catch_up(self) -> None:
        events = self.store.events(self.run_id, after=self._event)
        keys = {event.key for event in events if event.key is not None}
        if any(event.kind == "tasks_added" for event in events) or len(keys) > _FEW:
            self._read_all()
        else:
            for key in keys:
                self._tasks.update((t.key, t) for t in self.store.task_runs(self.run_id, key))
        for event in events:
            self._event = event.id
            if event.kind == "state" and event.key in self._tasks:
                self.tell(replay.moved(event, self._tasks[event.key]))
        self._logs()

    def _read_all(self) -> None:
        tasks = self.store.task_runs(self.run_id)
        new = [task for task in tasks if task.key not in self._tasks]
        self._tasks = {task.key: task for task in tasks}
        if new:
            self.tell(replay.added(new, instants.now()))

    def _logs(self) -> None:
        while lines := self.store.logs(self.run_id, after_seq=self._line):
            self._line = lines[-1].seq
            for entry in lines:
                self.tell(replay.said(entry))


def _check_driver(run: FlowRun) -> None:
    if run.lease_expires is not None and run.lease_expires < instants.now():
        raise WorkerLostError(
            f"run {run.id} has stopped: the process that drove it is gone",
            where=f"process {run.pid} on {run.host}",
            fix=f"orchestrator runs retry {run.id}",
        )
