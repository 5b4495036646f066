"""Drives a run: submits what is ready, takes what ends, retries, skips, and ends it."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from pickle import PickleError
from typing import Any

from orchestrator import instants
from orchestrator.engine import verdict
from orchestrator.engine.attempt import Attempt, Logged, Report, Started, cancel_run, run_attempt
from orchestrator.engine.interrupts import Interrupts
from orchestrator.engine.lanes import Lanes
from orchestrator.engine.plan import Plan
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.telling import Listener, Teller
from orchestrator.engine.units import Unit, Values
from orchestrator.errors import FlowError, WorkerLostError
from orchestrator.executors.base import Completed, Executor, Handle, Message
from orchestrator.model.events import RunStarted
from orchestrator.model.policy import decide
from orchestrator.model.state import State, StateType
from orchestrator.model.warehouse import Warehouse

#: A task never seen before counts as this many seconds when the longest path is looked for.
_UNKNOWN = 0.05
#: Seconds between two looks at whether somebody wants the run to stop.
_LOOK = 0.5
_Ending = tuple[Unit, State, Report | None, Mapping[str, Any] | None]


@dataclass(frozen=True)
class Drive:
    """Everything one run needs.

    Args:
        run_id: The run; it is in the store already, with its planned tasks.
        plan: What to do.
        executor: Where; started by the caller.
        recorder: Writes to the store.
        find_warehouse: Gives a named connection.
        listeners: Told of each event, in the driver's thread.
        expected: Seconds that tasks took in the past.
        finished: Mapped runs that succeeded in the run that goes on here, by key, with their
            results as ``{"value": …}``.
        scheduled_time: The instant the run was due.
        state_dir: Where the project's secrets are.
        cancelled: Asked now and then whether somebody wants the run to stop.
    """

    run_id: str
    plan: Plan
    executor: Executor
    recorder: Recorder
    find_warehouse: Callable[[str | None], Warehouse | None] = lambda name: None
    listeners: Sequence[Listener] = ()
    expected: Mapping[str, float] = field(default_factory=dict)
    finished: Mapping[str, Any] = field(default_factory=dict)
    scheduled_time: datetime | None = None
    state_dir: Path | None = None
    cancelled: Callable[[], bool] = lambda: False


def drive(setting: Drive) -> State:
    """Drive a run to its end.

    Returns:
        The run's state; its result maps each task's key to its state.
    """
    return _Driver(setting).run()


class _Driver:
    def __init__(self, setting: Drive) -> None:
        self.setting = setting
        self.plan, self.executor = setting.plan, setting.executor
        self.units = {key: Unit(key, planned) for key, planned in self.plan.tasks.items()}
        self.values = Values(self.plan.given)
        self.needed = {need for planned in self.plan.tasks.values() for need in planned.needs()}
        self.unfinished = len(self.units)
        self.lanes = Lanes(self.executor)
        self.tell = Teller(setting.run_id, setting.recorder, setting.listeners, setting.state_dir)
        self.handles: dict[Handle, Unit] = {}
        self.by_token: dict[str, Unit] = {}
        self.endings: deque[_Ending] = deque()
        self.interrupts = Interrupts()
        self.look_again = time.monotonic() + _LOOK
        self.nonce = secrets.token_hex(4)
        self.stopping = False
        self.start = instants.now()

    # -- the loop --------------------------------------------------------------------------

    def run(self) -> State:
        with self.interrupts.listening():
            self._begin()
            while self.unfinished:
                for unit in self.lanes.take():
                    self._submit(unit)
                for item in self.executor.wait(self.lanes.patience()):
                    self._take(item)
                if not self.stopping and self._asked_to_stop():
                    self._stop()
        states = {key: unit.state for key, unit in self.units.items()}
        state = verdict.of_run(states, self.plan.reference, cancelled=self.stopping)
        self.tell.ended(state, self.start, list(self.units.values()))
        return state

    def _asked_to_stop(self) -> bool:
        if time.monotonic() > self.look_again:
            self.look_again = time.monotonic() + _LOOK
            return self.interrupts.asked or self.setting.cancelled()
        return self.interrupts.asked

    def _begin(self) -> None:
        tasks = ((u.key, u.name, u.planned.facts.resource_type) for u in self.units.values())
        self.tell.began(
            RunStarted(
                self.setting.run_id, self.plan.flow, tuple(tasks), self.setting.expected,
                self.start, self.executor.name, self.executor.capacity(),
            )
        )  # fmt: skip
        self._rank()
        for key, unit in self.units.items():
            unit.waiting = len(self.plan.graph.upstream(key))
        for unit in list(self.units.values()):
            if not unit.waiting:
                self._release(unit)

    def _rank(self) -> None:
        """Give each unit the length of the longest path below it: what holds most up goes first."""
        graph, expected = self.plan.graph, self.setting.expected
        for key in reversed(self.plan.order()):
            below = max((self.units[d].priority for d in graph.downstream(key)), default=0.0)
            self.units[key].priority = below + expected.get(key, _UNKNOWN)

    def _take(self, item: Completed | Message) -> None:
        if isinstance(item, Completed):
            unit = self.handles.pop(item.handle)
            self.lanes.ended(item.handle.affinity)
            self.by_token.pop(unit.token, None)
            if isinstance(item.report, Report):
                self._reported(unit, item.handle, item.report)
            else:
                self._lost(unit, item.error or WorkerLostError("the task gave no report"))
        elif isinstance(item.content, Started):
            unit_begun = self.by_token.get(item.content.token)
            if unit_begun is not None:
                self._started(unit_begun, item.content.at, item.content.worker)
        elif isinstance(item.content, Logged):
            self.tell.logged(item.content)

    def _stop(self) -> None:
        """Begin nothing more and ask what runs to stop."""
        self.stopping = True
        self.executor.broadcast(cancel_run, self.setting.run_id)
        for unit in self.lanes.clear():
            self._finish(unit, State(StateType.CANCELLED, "the run was cancelled"))

    # -- from waiting to running -----------------------------------------------------------

    def _release(self, unit: Unit) -> None:
        """Everything upstream has ended: run it, skip it, or open its elements."""
        if self.stopping:
            self._finish(unit, State(StateType.CANCELLED, "the run was cancelled"))
            return
        decision = decide(unit.planned.task.trigger, self._upstream(unit))
        if not decision.run:
            self._finish(unit, State(StateType.SKIPPED, decision.reason, cause=decision.cause))
        elif unit.planned.mapped:
            self._open(unit)
        else:
            self.lanes.add(unit)

    def _upstream(self, unit: Unit) -> dict[str, State]:
        return {up: self.units[up].state for up in self.plan.graph.upstream(unit.planned.key)}

    def _open(self, parent: Unit) -> None:
        """Make one unit for each element of a mapped task's arguments."""
        try:
            count = self._count(parent)
        except FlowError as error:
            self._finish(parent, State(StateType.FAILED, error.what))
            return
        parent.open(count)
        self.unfinished += count
        self.tell.added(parent.elements)
        self._move(parent, State(StateType.RUNNING, f"{count} elements"), instants.now())
        for unit in parent.elements:
            kept = self.setting.finished.get(unit.key)
            if kept is None:
                self.lanes.add(unit)
            else:
                unit.handle = kept["value"]
                done = "succeeded in the run that goes on here"
                self._finish(unit, State(StateType.CACHED, done))
        if not count:
            self._finish(parent, State(StateType.SUCCESS, "nothing to map over"))

    def _count(self, parent: Unit) -> int:
        lengths: dict[str, int] = {}
        for name, argument in parent.planned.arguments.items():
            if argument.mapped:
                length = self.values.length(argument.value)
                if length is None:
                    raise FlowError(f"argument {name!r} of {parent.key} is no list to map over")
                lengths[name] = length
        if len(set(lengths.values())) > 1:
            raise FlowError(f"{parent.key} is mapped over lists of different lengths: {lengths}")
        return next(iter(lengths.values()))

    def _submit(self, unit: Unit) -> None:
        unit.next_attempt(f"{self.setting.run_id}:{self.nonce}")
        planned = unit.planned
        arguments, inputs = self.values.slots(planned.arguments, unit.element)
        name = planned.task.warehouse
        attempt = Attempt(
            self.setting.run_id, self.plan.flow, unit.key, unit.attempt, unit.token, planned.task,
            arguments, self.plan.parameters, self.setting.scheduled_time or self.start,
            self.setting.find_warehouse(name) if name else None,
            self._upstream(unit) if planned.task.wants_upstream_states else None,
            self.setting.state_dir,
        )  # fmt: skip
        self.by_token[unit.token] = unit
        affinity, keep = planned.affinity, planned.key in self.needed
        try:
            handle = self.executor.submit(
                run_attempt, attempt, self.executor.channel, inputs, affinity=affinity, keep=keep
            )
        except (TypeError, AttributeError, PickleError) as error:
            self.lanes.ended(affinity)
            message = f"the task cannot be sent to a worker: {error}"
            self._finish(unit, State(StateType.FAILED, message), detail={"error": message})
            return
        self.handles[handle] = unit

    # -- from running to finished ----------------------------------------------------------

    def _started(self, unit: Unit, at: datetime, worker: str) -> None:
        if not unit.heard:
            unit.heard = True
            self._move(unit, State(StateType.RUNNING), at, worker=worker)

    def _reported(self, unit: Unit, handle: Handle, report: Report) -> None:
        # The report may overtake the message that the attempt began.
        self._started(unit, report.started, report.worker)
        if report.state.is_failed() and self._retried(unit, report.state, report.error, report):
            return
        unit.handle, unit.length = handle, report.length
        self._finish(unit, report.state, report)

    def _lost(self, unit: Unit, error: BaseException) -> None:
        """The attempt ended without a report: its worker died, or Dask could not run it."""
        if isinstance(error, WorkerLostError):
            self.executor.worker_lost()
            state, raised = State(StateType.FAILED, error.what), None
        else:
            state, raised = State(StateType.FAILED, f"{type(error).__name__}: {error}"), error
        if self.stopping:
            state = State(StateType.CANCELLED, f"cancelled; {state.message}")
        if not self._retried(unit, state, raised, None):
            self._finish(unit, state, detail={"error": str(error)})

    def _retried(
        self, unit: Unit, state: State, error: BaseException | None, report: Report | None
    ) -> bool:
        """Queue another attempt if the task's policy wants one."""
        wait = None if self.stopping else unit.planned.task.retry.decide(unit.attempt, error)
        if wait is None:
            return False
        seconds = wait.total_seconds()
        again = State(StateType.RETRYING, f"{state.message}; again in {seconds:g} s")
        self._move(unit, again, report.finished if report else instants.now(), report=report)
        self.lanes.add_later(unit, seconds)
        return True

    def _finish(
        self,
        unit: Unit,
        state: State,
        report: Report | None = None,
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Enter a final state and release what waited for it (in a loop: chains may be long)."""
        self.endings.append((unit, state, report, detail))
        if len(self.endings) > 1:
            return
        while self.endings:
            self._finish_one(*self.endings[0])
            self.endings.popleft()

    def _finish_one(
        self, unit: Unit, state: State, report: Report | None, detail: Mapping[str, Any] | None
    ) -> None:
        at = report.finished if report else instants.now()
        self._move(unit, state, at, report=report, detail=detail)
        self.unfinished -= 1
        if unit.parent is not None:
            unit.parent.remaining -= 1
            if not unit.parent.remaining:
                joined = verdict.of_elements([e.state for e in unit.parent.elements])
                self._finish(unit.parent, joined)
            return
        self.values.keep(unit)
        for key in self.plan.graph.downstream(unit.key):
            waiter = self.units[key]
            waiter.waiting -= 1
            if not waiter.waiting:
                self._release(waiter)

    def _move(self, unit: Unit, state: State, at: datetime, **told: Any) -> None:
        unit.state = state
        self.tell.moved(unit, at, **told)
