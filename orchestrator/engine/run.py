"""Drives a run: submits what is ready, records what happens, retries, skips, and ends it."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from pickle import PickleError
from typing import Any

from orchestrator import instants
from orchestrator.engine.attempt import Attempt, Logged, Report, Started, cancel_run, run_attempt
from orchestrator.engine.failure_logs import failure_log
from orchestrator.engine.plan import Plan
from orchestrator.engine.recorder import Recorder
from orchestrator.engine.units import Unit, Values
from orchestrator.errors import FlowError, WorkerLostError
from orchestrator.executors.base import Completed, Executor, Handle, Message
from orchestrator.model.events import (
    Event,
    LogEmitted,
    RunFinished,
    RunStarted,
    TaskChanged,
    TasksAdded,
)
from orchestrator.model.policy import decide
from orchestrator.model.state import State, StateType
from orchestrator.model.warehouse import Warehouse
from orchestrator.store.records import Change, LogLine, TaskRun

Listener = Callable[[Event], None]
_LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
#: A task never seen before counts as this many seconds when the longest path is looked for.
_UNKNOWN = 0.05
#: Seconds between two looks at whether somebody wants the run to stop.
_LOOK = 0.5


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
        self.lanes: dict[str | None, list[tuple[float, int, Unit]]] = defaultdict(list)
        self.in_flight: Counter[str | None] = Counter()
        self.handles: dict[Handle, Unit] = {}
        self.by_token: dict[str, Unit] = {}
        self.retries: list[tuple[float, int, Unit]] = []
        self.numbers = itertools.count()
        self.endings: deque[tuple[Unit, State, Report | None, Mapping[str, Any] | None]] = deque()
        self.look_again = time.monotonic() + _LOOK
        self.stopping = False
        self.began = instants.now()

    # -- the loop --------------------------------------------------------------------------

    def run(self) -> State:
        self._begin()
        while self.unfinished:
            try:
                self._turn()
            except KeyboardInterrupt:
                if self.stopping:
                    raise
                self.stop()
        return self._end()

    def _turn(self) -> None:
        self._submit_ready()
        for item in self.executor.wait(self._patience()):
            self._take(item)
        if not self.stopping and time.monotonic() > self.look_again:
            self.look_again = time.monotonic() + _LOOK
            if self.setting.cancelled():
                self.stop()

    def _begin(self) -> None:
        self._tell(
            RunStarted(
                self.setting.run_id, self.plan.flow,
                tuple((u.key, u.name, u.planned.facts.resource_type) for u in self.units.values()),
                self.setting.expected, self.began, self.executor.name, self.executor.capacity(),
            )
        )  # fmt: skip
        self._record(Change(None, StateType.RUNNING, at=self.began))
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

    def _patience(self) -> float:
        """Seconds until something must be looked at without being told."""
        if not self.retries:
            return 0.5
        return max(0.0, min(0.5, self.retries[0][0] - time.monotonic()))

    def _take(self, item: Completed | Message) -> None:
        if isinstance(item, Completed):
            unit = self.handles.pop(item.handle)
            self.in_flight[item.handle.affinity] -= 1
            self.by_token.pop(unit.token, None)
            if isinstance(item.report, Report):
                self._reported(unit, item.handle, item.report)
            else:
                self._lost(unit, item.error or WorkerLostError("the task gave no report"))
        elif isinstance(item.content, Started):
            self._started(item.content)
        elif isinstance(item.content, Logged):
            self._logged(item.content)

    # -- from waiting to running -----------------------------------------------------------

    def _release(self, unit: Unit) -> None:
        """Everything upstream has ended: run it, skip it, or open its elements."""
        if self.stopping:
            self._finish(unit, State(StateType.CANCELLED, "the run was cancelled"))
            return
        upstream = {up: self.units[up].state for up in self.plan.graph.upstream(unit.key)}
        decision = decide(unit.planned.task.trigger, upstream)
        if not decision.run:
            self._finish(unit, State(StateType.SKIPPED, decision.reason, cause=decision.cause))
        elif unit.planned.mapped and unit.element is None:
            self._open(unit)
        else:
            self._queue(unit)

    def _queue(self, unit: Unit) -> None:
        item = (-unit.priority, next(self.numbers), unit)
        heapq.heappush(self.lanes[unit.planned.affinity], item)

    def _open(self, parent: Unit) -> None:
        """Make one unit for each element of a mapped task's arguments."""
        try:
            count = self._count(parent)
        except FlowError as error:
            self._finish(parent, State(StateType.FAILED, error.what))
            return
        facts = parent.planned.facts
        parent.elements = [
            Unit(f"{parent.key}[{i}]", parent.planned, parent, i, priority=parent.priority)
            for i in range(count)
        ]
        parent.remaining = count
        self.unfinished += count
        self.setting.recorder.put(
            tuple(
                TaskRun(self.setting.run_id, u.key, u.name, facts.resource_type, path=facts.path)
                for u in parent.elements
            )
        )
        added = tuple((u.key, u.name, facts.resource_type) for u in parent.elements)
        self._tell(TasksAdded(added, instants.now()))
        self._move(parent, State(StateType.RUNNING, f"{count} elements"), instants.now())
        for unit in parent.elements:
            self._open_element(unit)
        if not count:
            self._finish(parent, State(StateType.SUCCESS, "nothing to map over"))

    def _open_element(self, unit: Unit) -> None:
        kept = self.setting.finished.get(unit.key)
        if kept is not None:
            unit.handle = kept["value"]
            self._finish(unit, State(StateType.CACHED, "succeeded in the run that goes on here"))
        else:
            self._queue(unit)

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

    def _submit_ready(self) -> None:
        now = time.monotonic()
        while self.retries and self.retries[0][0] <= now:
            self._queue(heapq.heappop(self.retries)[2])
        for affinity, lane in list(self.lanes.items()):
            room = self.executor.capacity(affinity) if lane else 0
            while lane and self.in_flight[affinity] < room:
                self._submit(heapq.heappop(lane)[2])

    def _submit(self, unit: Unit) -> None:
        if unit.state.is_finished():
            return
        unit.next_attempt(self.setting.run_id)
        planned = unit.planned
        arguments, inputs = self.values.slots(planned.arguments, unit.element)
        states = None
        if planned.task.wants_upstream_states:
            states = {up: self.units[up].state for up in self.plan.graph.upstream(unit.key)}
        name = planned.task.warehouse
        attempt = Attempt(
            self.setting.run_id, self.plan.flow, unit.key, unit.attempt, unit.token, planned.task,
            arguments, self.plan.parameters, self.setting.scheduled_time or self.began,
            self.setting.find_warehouse(name) if name else None, states, self.setting.state_dir,
        )  # fmt: skip
        self.by_token[unit.token] = unit
        affinity = planned.affinity
        self.in_flight[affinity] += 1
        keep = planned.key in self.needed
        try:
            handle = self.executor.submit(
                run_attempt, attempt, self.executor.channel, inputs, affinity=affinity, keep=keep
            )
        except (TypeError, AttributeError, PickleError) as error:
            self.in_flight[affinity] -= 1
            message = f"the task cannot be sent to a worker: {error}"
            self._finish(unit, State(StateType.FAILED, message), None, {"error": message})
            return
        self.handles[handle] = unit

    # -- from running to finished ----------------------------------------------------------

    def _started(self, message: Started) -> None:
        unit = self.by_token.get(message.token)
        if unit is None or unit.heard:
            return
        unit.heard, unit.started = True, message.at
        self._move(unit, State(StateType.RUNNING), message.at, worker=message.worker)

    def _reported(self, unit: Unit, handle: Handle, report: Report) -> None:
        if not unit.heard:
            self._started_late(unit, report)
        delay = None
        if report.state.is_failed() and not self.stopping:
            delay = unit.planned.task.retry.decide(unit.attempt, report.error)
        if delay is not None:
            self._retry(unit, report.state, delay.total_seconds(), report)
            return
        unit.handle, unit.length = handle, report.length
        self._finish(unit, report.state, report)

    def _started_late(self, unit: Unit, report: Report) -> None:
        """The report overtook the message that it began."""
        unit.heard, unit.started = True, report.started
        self._move(unit, State(StateType.RUNNING), report.started, worker=report.worker)

    def _lost(self, unit: Unit, error: BaseException) -> None:
        """The attempt ended without a report: its worker died, or it could not be sent."""
        lost = isinstance(error, WorkerLostError)
        if lost:
            refresh = getattr(self.executor, "worker_lost", None)
            if refresh is not None:
                refresh()
        what = (
            error.what if isinstance(error, WorkerLostError) else f"{type(error).__name__}: {error}"
        )
        state = State(StateType.FAILED, what)
        delay = unit.planned.task.retry.decide(unit.attempt, None if lost else error)
        if delay is not None and not self.stopping:
            self._retry(unit, state, delay.total_seconds(), None)
        else:
            self._finish(unit, state, None, {"error": str(error)})

    def _retry(self, unit: Unit, state: State, seconds: float, report: Report | None) -> None:
        waiting = State(StateType.RETRYING, f"{state.message}; again in {seconds:g} s")
        self._move(unit, waiting, report.finished if report else instants.now(), report=report)
        heapq.heappush(self.retries, (time.monotonic() + seconds, next(self.numbers), unit))

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
        if unit.state.is_finished():
            return
        at = report.finished if report else instants.now()
        self._move(unit, state, at, report=report, detail=detail)
        self.unfinished -= 1
        if unit.parent is not None:
            unit.parent.remaining -= 1
            if not unit.parent.remaining:
                self._finish(unit.parent, _joined([e.state for e in unit.parent.elements]))
            return
        self.values.keep(unit)
        for key in self.plan.graph.downstream(unit.key):
            waiter = self.units[key]
            waiter.waiting -= 1
            if not waiter.waiting:
                self._release(waiter)

    # -- ending ----------------------------------------------------------------------------

    def stop(self) -> None:
        """Begin nothing more and ask what runs to stop."""
        self.stopping = True
        self.executor.broadcast(cancel_run, self.setting.run_id)
        waiting = [unit for lane in self.lanes.values() for _, _, unit in lane]
        waiting += [unit for _, _, unit in self.retries]
        self.lanes.clear()
        self.retries.clear()
        for unit in waiting:
            self._finish(unit, State(StateType.CANCELLED, "the run was cancelled"))

    def _end(self) -> State:
        state = self._judge()
        at = instants.now()
        self._record(Change(None, state.type, at=at, message=state.message))
        counts = Counter(unit.state.type for unit in self.units.values())
        seconds = (at - self.began).total_seconds()
        self._tell(RunFinished(self.setting.run_id, state, at, seconds, counts))
        return state

    def _judge(self) -> State:
        states = {key: unit.state for key, unit in self.units.items()}
        deciding = self.plan.reference if self.plan.reference is not None else states.keys()
        decided = [states[key] for key in deciding if key in states]
        if self.stopping:
            return State(StateType.CANCELLED, "cancelled", result=states)
        failed = sum(state.is_failed() for state in decided)
        if failed or self._skipped_by_failure(decided):
            return State(StateType.FAILED, f"{failed or 'upstream'} failed", result=states)
        return State(StateType.SUCCESS, f"{len(states)} tasks", result=states)

    def _skipped_by_failure(self, states: Collection[State]) -> bool:
        """Whether a deciding task was left out because of one that does not decide."""
        causes = {state.cause for state in states if state.is_skipped() and state.cause}
        return any(cause in self.units and self.units[cause].state.is_failed() for cause in causes)

    # -- telling ---------------------------------------------------------------------------

    def _move(
        self,
        unit: Unit,
        state: State,
        at: datetime,
        *,
        report: Report | None = None,
        detail: Mapping[str, Any] | None = None,
        worker: str | None = None,
    ) -> None:
        unit.state = state
        shown = dict(report.detail) if report else dict(detail or {})
        if state.is_failed() and self.setting.state_dir is not None:
            path = failure_log(self.setting.state_dir, self.setting.run_id, unit.key)
            shown["log_path"] = str(path)
        change = Change(
            unit.key, state.type, at=at, message=state.message, cause=state.cause,
            status=state.status, attempt=unit.attempt or None, token=unit.token or None,
            rows=report.rows if report else None, failures=report.failures if report else None,
            detail=shown or None, result=report.result if report else None, worker=worker,
        )  # fmt: skip
        self._record(change)
        seconds = (report.finished - report.started).total_seconds() if report else None
        self._tell(
            TaskChanged(
                unit.key, unit.name, state, at, unit.attempt, seconds,
                change.rows, change.failures, shown,
            )
        )  # fmt: skip

    def _logged(self, message: Logged) -> None:
        for at, level, text in message.lines:
            line = LogLine(text, message.key, message.number, _LEVELS.get(level, 20), at)
            self.setting.recorder.put(line)
            self._tell(LogEmitted(message.key, level, text, at))

    def _record(self, change: Change) -> None:
        self.setting.recorder.put(change)

    def _tell(self, event: Event) -> None:
        for listener in self.setting.listeners:
            listener(event)


def _joined(states: Sequence[State]) -> State:
    """The state of a mapped task from those of its elements."""
    counts = Counter(state.type for state in states)
    total = len(states)
    broken = [state for state in states if state.is_failed()]
    if broken:
        return State(StateType.FAILED, f"{len(broken)} of {total} failed: {broken[0].message}")
    if counts[StateType.CANCELLED]:
        return State(StateType.CANCELLED, f"{counts[StateType.CANCELLED]} of {total} cancelled")
    if total and counts[StateType.SKIPPED] == total:
        return State(StateType.SKIPPED, "every element was skipped", cause=states[0].cause)
    return State(StateType.SUCCESS, f"{total} elements")
