"""Drives a run: submits what is ready, takes what ends, retries, skips, and ends it."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestrator import instants
from orchestrator.engine.attempts import progress
from orchestrator.engine.attempts.checking import OFF, STRICT, Checking
from orchestrator.engine.attempts.handlers import Hooks, concluded, left_to_driver
from orchestrator.engine.driving import verdict
from orchestrator.engine.driving.batching import Batching
from orchestrator.engine.driving.deciding import Deciding
from orchestrator.engine.driving.elementwise import Elementwise
from orchestrator.engine.driving.handing import UNSENDABLE, Handing
from orchestrator.engine.driving.inputs import Values, flattened, small
from orchestrator.engine.driving.interrupts import EndedHard, Interrupts
from orchestrator.engine.driving.landing import Landing
from orchestrator.engine.driving.lanes import Lanes
from orchestrator.engine.driving.limits import Limiter
from orchestrator.engine.driving.opening import Opening
from orchestrator.engine.driving.requests import Desk
from orchestrator.engine.driving.watching import Watch
from orchestrator.engine.messages import Attempt, Report
from orchestrator.engine.plan import Plan
from orchestrator.engine.stopping import Stopped, cancel_run
from orchestrator.engine.telling.recorder import Recorder
from orchestrator.engine.telling.teller import Listener, Teller
from orchestrator.engine.units import Unit
from orchestrator.errors import InfrastructureError, StoreError, WorkerLostError
from orchestrator.executors.base import Executor, Handle
from orchestrator.model.events import RunStarted
from orchestrator.model.flow import Flow
from orchestrator.model.state import State, StateType
from orchestrator.model.warehouse import Warehouse
from orchestrator.store.records import Ask

#: A task never seen before counts as this many seconds when the longest path is looked for.
_UNKNOWN = 0.05
#: Seconds between two looks at whether somebody wants the run to stop.
_LOOK = 0.5
#: Seconds that state handlers may go on when the run has ended.
_HOOKS = 30.0
_ASKED = "stopping: what is under way is asked to end; {}"
_LEFT = "it was under way, and not waited for"
_HARD = "what was under way was not waited for"
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
        data_interval: From when until when its data go.
        state_dir: Where the project's secrets are.
        requests: Asked now and then what people want of the run.
        limiter: Takes and gives back the slots of limits.
        prepare: Called when the run may begin, before its first task is handed over.
        lineage_check: ``off``, ``warn`` or ``strict``: what to do about what ran and was not derived.
        root: The project's folder.
        timeout: Seconds after which the run is stopped.
        flow: Whose handlers are called.
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
    data_interval: tuple[datetime, datetime] | None = None
    state_dir: Path | None = None
    requests: Callable[[], Sequence[Ask]] = tuple
    limiter: Limiter = field(default_factory=Limiter)
    prepare: Callable[[], None] = lambda: None
    lineage_check: str = OFF
    root: Path | None = None
    timeout: float | None = None
    flow: Flow | None = None


def drive(setting: Drive) -> State:
    """Drive a run to its end.

    Returns:
        The run's state; its result maps each task's key to its state.

    Raises:
        InfrastructureError: What the run needs is gone (a cluster's scheduler, the store).
        EndedHard: What was under way did not end in time, or was not to be waited for.
    """
    return _Driver(setting).run()


class _Driver:
    def __init__(self, setting: Drive) -> None:
        self.setting = setting
        self.plan, self.executor = setting.plan, setting.executor
        self.units = {key: Unit(key, planned) for key, planned in self.plan.tasks.items()}
        self.elementwise = Elementwise(self.plan, self.units, setting.finished)
        self.deciding = Deciding(
            self.plan.graph, self.units, self.elementwise,
            may_follow=setting.lineage_check != STRICT,
        )  # fmt: skip
        self.unfinished = len(self.units)
        self.lanes = Lanes(self.executor, setting.limiter)
        self.batching = Batching(setting.expected)
        self.tell = Teller(setting.run_id, setting.recorder, setting.listeners, setting.state_dir)
        self.checking = Checking(
            setting.lineage_check, self.plan.facts, self.plan.whole, setting.root, self.tell.warned
        )
        self.values = Values(self.units, self.plan.given)
        needed = {need for planned in self.plan.tasks.values() for need in planned.needs()}
        flat = {key for planned in self.plan.tasks.values() for key in flattened(planned)}
        self.handing = Handing(
            self.executor, self.lanes, self.batching, self.values, self._attempt, self.deciding.followers,
            self.deciding.before, needed, flat, f"{setting.run_id}:{secrets.token_hex(4)}",
        )  # fmt: skip
        self.landing = Landing(self.executor, self.handing, self.lanes, self.tell, self)
        self.opening = Opening(
            self.units, self.elementwise, self.deciding, self.values, setting.finished, self
        )
        self.paused: dict[str, Unit] = {}
        setting.limiter.say = self.tell.said
        self.hooks = Hooks()
        self.interrupts = Interrupts()
        self.watch = Watch(setting.run_id, setting.requests, self._wants_stop, self._hurry)
        self.desk = Desk(
            self.watch, self.units, self.paused, self.lanes, stop=self._stop,
            go_on=self._let_run, finish=self.finish, say=self.tell.said,
            fixed=self.elementwise.takers,
        )  # fmt: skip
        self.endings: deque[_Ending] = deque()
        self.look_again = time.monotonic() + _LOOK
        self.stopping = False
        self.start = instants.now()
        self.may_begin = False
        self.deadline: float | None = None
        self.timed_out = False

    # -- the loop --------------------------------------------------------------------------

    def run(self) -> State:
        busy = self.executor.runs_in_driver
        self._tell_flow(State(StateType.PENDING), State(StateType.RUNNING))
        with self.interrupts.listening(), self.watch.beside(busy):
            self._begin()
            try:
                self._loop()
                self._pass_on([*self.executor.words(), *self.executor.last_words()])
            except InfrastructureError as error:
                self._abandon(error)
                raise
            except (KeyboardInterrupt, Stopped) as error:
                if not self.stopping:  # the second one came before the first one was heeded
                    self.executor.broadcast(cancel_run, self.setting.run_id)
                raise self._ended_hard(isinstance(error, Stopped)) from None
            finally:
                progress.forget(self.handing.notes)
        states = {key: unit.state for key, unit in self.units.items()}
        state = verdict.of_run(states, self.plan.reference, cancelled=self.stopping)
        if self.timed_out:
            state = State(StateType.TIMED_OUT, self._stopped_after(), result=states)
        return self._ended(state, states)

    def _ended(self, state: State, states: Mapping[str, State]) -> State:
        state = self._concluded(state, states)
        self.tell.ended(state, self.start, list(self.units.values()))
        self.hooks.close(_HOOKS)
        return state

    def _stopped_after(self) -> str:
        return f"stopped after {self.setting.timeout:g} s"

    def _ended_hard(self, within: bool) -> EndedHard:
        """Leave what is under way, and tell everybody: of each task, and of the run.

        Args:
            within: Whether it is driven by a task, which was told to stop.
        """
        self.interrupts.over()
        asked = within or self.interrupts.asked or not self.interrupts.hurried
        for unit in [each for one in self.units.values() for each in (*(one.elements or ()), one)]:
            if not unit.state.is_finished():
                never = unit.state.type is StateType.PENDING and not unit.token
                message = "the run was cancelled" if never else _LEFT
                self.move(unit, State(StateType.CANCELLED, message), instants.now())
        states = {key: unit.state for key, unit in self.units.items()}
        state = State(StateType.CANCELLED, "stopped at once" if asked else f"cancelled; {_HARD}")
        if self.timed_out and not asked:
            state = State(StateType.TIMED_OUT, f"{self._stopped_after()}; {_HARD}")
        state = replace(state, result=states)
        if asked:  # nobody wants to wait, not for handlers either
            self.tell.ended(state, self.start, list(self.units.values()))
        else:
            state = self._ended(state, states)
        return EndedHard(self.setting.run_id, state, asked=asked)

    def _concluded(self, state: State, states: Mapping[str, State]) -> State:
        """Let the flow's own handlers have the last word."""
        if self.setting.flow is not None:
            deciding = states if self.plan.reference is None else self.plan.reference
            decided = {key: states[key] for key in deciding if key in states}
            state = concluded(self.setting.flow, state, decided)
            self._tell_flow(State(StateType.RUNNING), state)
        return state

    def _tell_flow(self, old: State, new: State) -> None:
        if self.setting.flow is not None:
            self.hooks.tell(self.setting.flow, old, new)

    def _loop(self) -> None:
        while self.unfinished:
            if self.may_begin or self._may_begin():
                for unit, share in self.lanes.take():
                    self._submit(self.handing.together(unit, share))
            for item in self.executor.wait(self.lanes.patience()):
                self.landing.take(item)
            self.interrupts.heed()
            if not self.stopping and self._asked_to_stop():
                self._stop()

    def _may_begin(self) -> bool:
        """Whether the limit on the flow, if there is one, lets the run begin now."""
        if self.setting.limiter.take_flow(self.plan.flow):
            self.setting.prepare()
            self.may_begin = True
            if self.setting.timeout is not None:
                self.deadline = time.monotonic() + self.setting.timeout
        return self.may_begin

    def _asked_to_stop(self) -> bool:
        if time.monotonic() > self.look_again:
            self.look_again = time.monotonic() + _LOOK
            self.desk.look()
            self._pass_on(self.executor.words())
            return self._wants_stop()
        return self.interrupts.asked

    def _wants_stop(self) -> bool:
        return self.interrupts.asked or self._is_late()

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    def _hurry(self) -> None:
        """The run is to stop: note why, and let its time to do so begin; a person decides that."""
        if not (self.stopping or self.interrupts.asked or self.interrupts.hurried):
            self.timed_out = self._is_late()
            self.interrupts.hurry()

    def _pass_on(self, words: Sequence[str]) -> None:
        for text in words:
            self.tell.said(None, text)

    def _begin(self) -> None:
        tasks = ((u.key, u.name, u.planned.facts.resource_type) for u in self.units.values())
        self.tell.began(
            RunStarted(
                self.setting.run_id, self.plan.flow, tuple(tasks), self.setting.expected,
                self.start, self.executor.name, self.executor.capacity(),
            ),
            self.plan,
        )  # fmt: skip
        self._rank()
        for key, unit in self.units.items():
            unit.waiting = len(self.plan.graph.upstream(key))
        roots = [unit for unit in self.units.values() if not unit.waiting]
        self.desk.look()
        for unit in roots:
            self.release(unit)

    def _rank(self) -> None:
        """Give each unit the length of the longest path below it: what holds most up goes first."""
        graph, expected = self.plan.graph, self.setting.expected
        for key in reversed(self.plan.order()):
            below = min((self.units[d].rank[0] for d in graph.downstream(key)), default=0.0)
            self.units[key].rank = (below - expected.get(key, _UNKNOWN), 0)

    def _stop(self) -> None:
        """Begin nothing more and ask what runs to stop."""
        if self.stopping:
            return
        self._hurry()
        self.stopping = True
        if self.landing.away():
            self.tell.said(None, _ASKED.format(self.interrupts.terms))
        self.executor.give_up()
        self.executor.broadcast(cancel_run, self.setting.run_id)
        for unit in (*self.lanes.clear(), *self.paused.values()):
            self.finish(unit, State(StateType.CANCELLED, "the run was cancelled"))
        self.paused.clear()

    def _abandon(self, error: InfrastructureError) -> None:
        """What the run needs is gone: what was under way is lost, the rest never runs."""
        self.stopping = True
        with suppress(StoreError):
            for unit in self.landing.away():
                lost = State(StateType.FAILED, f"lost: {error.what}")
                self.finish(unit, lost, detail={"error": str(error)})
            for unit in (*self.lanes.clear(), *self.paused.values()):
                self.finish(unit, State(StateType.CANCELLED, f"never ran: {error.what}"))

    # -- from waiting to running -----------------------------------------------------------

    def release(self, unit: Unit) -> None:
        """Everything upstream has ended: run it, skip it, or open its elements."""
        if unit.flight is not None or unit.state.is_finished():
            return  # it travelled with what it waited for, or was given its state by hand
        if self.stopping:
            self.finish(unit, State(StateType.CANCELLED, "the run was cancelled"))
            return
        if unit.planned.mapped and unit.element is None and self.opening.takes_elements(unit):
            return
        decision = self.deciding.decided(unit)
        if decision.wait:
            self._pause(unit, decision.state())
        elif not decision.run:
            self.finish(unit, decision.state())
        else:
            self._let_run(unit)

    def _let_run(self, unit: Unit) -> None:
        if unit.planned.mapped and unit.element is None:
            self.opening.open(unit)
        else:
            self.lanes.add(unit)

    def _pause(self, unit: Unit, state: State, report: Report | None = None) -> None:
        """Hold a unit until somebody lets it go on."""
        self.paused[unit.key] = unit
        self.move(unit, state, report.finished if report else instants.now(), report=report)
        unit.token = ""
        self.setting.limiter.ended(unit)

    # -- handing over ----------------------------------------------------------------------

    def _submit(self, units: list[Unit]) -> None:
        try:
            flight = self.handing.submit(units)
        except (*UNSENDABLE, WorkerLostError) as error:
            self.lanes.ended(units[0].planned.lane)
            for unit in units:
                unit.give_back()
            if len(units) == 1:
                message = f"the task cannot be sent to a worker: {error}"
                if isinstance(error, WorkerLostError):
                    message = error.what
                self.finish(units[0], State(StateType.FAILED, message), detail={"error": message})
                return
            for unit in units:
                self.handing.alone(unit)
                if not unit.waiting:
                    self.lanes.add(unit)
            return
        self.landing.sent(flight)

    def _attempt(self, unit: Unit, task: Any, arguments: Mapping[str, Any]) -> Attempt:
        setting, name = self.setting, unit.planned.task.warehouse
        states = self.deciding.upstream(unit) if unit.planned.task.wants_upstream_states else None
        return Attempt(
            setting.run_id, self.plan.flow, unit.key, unit.attempt, unit.token, task,
            arguments, self.plan.parameters, setting.scheduled_time or self.start,
            setting.find_warehouse(name) if name else None, states,
            setting.state_dir, setting.lineage_check != OFF, setting.data_interval,
        )  # fmt: skip

    # -- from running to finished ----------------------------------------------------------

    def started(self, unit: Unit, at: datetime, worker: str) -> None:
        """An attempt began."""
        if not unit.heard:
            unit.heard = True
            self.move(unit, State(StateType.RUNNING), at, worker=worker)

    def reported(self, unit: Unit, handle: Handle, report: Report) -> None:
        """An attempt ended."""
        if report.state.is_paused() and not self.stopping:
            self._pause(unit, report.state, report)
            return
        if report.state.is_failed() and self._retried(unit, report.state, report.error, report):
            return
        report = self.checking.judged(report, unit.planned.key, unit.attempt)
        self.batching.learn(unit, (report.finished - report.started).total_seconds())
        unit.handle, unit.length, unit.lengths = handle, report.length, report.lengths
        if unit.planned.key in self.handing.needed and self.executor.costs(unit.planned.cluster):
            unit.spare = small(report.result)
        self.finish(unit, report.state, report)

    def lost(self, unit: Unit, error: BaseException) -> None:
        """The attempt ended without a report: its worker died, or nothing could run it."""
        if isinstance(error, InfrastructureError):
            state, raised = State(StateType.FAILED, error.what), None
        else:
            state, raised = State(StateType.FAILED, f"{type(error).__name__}: {error}"), error
        if self.stopping:
            state = State(StateType.CANCELLED, f"cancelled; {state.message}")
        if not self._retried(unit, state, raised, None):
            self.finish(unit, state, detail={"error": str(error)})

    def _retried(
        self, unit: Unit, state: State, error: BaseException | None, report: Report | None
    ) -> bool:
        """Queue another attempt if the task's policy wants one."""
        code, asked = (report.code, report.retry_after) if report else (None, None)
        wait = unit.planned.task.retry.decide(unit.attempt, error, code, asked)
        if wait is None or self.stopping:
            return False
        seconds = wait.total_seconds()
        again = State(StateType.RETRYING, f"{state.message}; again in {seconds:g} s")
        self.move(unit, again, report.finished if report else instants.now(), report=report)
        unit.token = ""
        self.setting.limiter.ended(unit)
        if unit.waiting:
            return True  # lost together with what it waits for, which comes first
        decision = self.deciding.decided(unit)
        if decision.run:
            self.lanes.add_later(unit, seconds)
        else:
            self.finish(unit, decision.state())
        return True

    def finish(
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
        self.landing.forget(unit)
        self.move(unit, state, at, report=report, detail=detail)
        unit.token = ""
        self.setting.limiter.ended(unit)
        self.unfinished -= 1
        if unit.parent is not None:
            for below in self.elementwise.below(unit):
                below.waiting -= 1
                if not below.waiting:
                    self.release(below)
            unit.parent.remaining -= 1
            if not unit.parent.remaining:
                assert unit.parent.elements is not None
                joined = verdict.of_elements([e.state for e in unit.parent.elements])
                self.finish(unit.parent, self._of_tasks(joined))
            return
        for key in self.plan.graph.downstream(unit.key):
            waiter = self.units[key]
            opened_before = unit.elements is not None and not waiter.whole
            if not (opened_before and unit.key in self.elementwise.sources.get(key, ())):
                self.upstream_ended(waiter)

    def added(self, elements: list[Unit]) -> None:
        """Count units that were opened."""
        self.unfinished += len(elements)
        self.tell.added(elements)

    def upstream_ended(self, waiter: Unit) -> None:
        """Release a unit when the last of what it waits for has ended."""
        waiter.waiting -= 1
        if not waiter.waiting and waiter.elements is None:
            self.release(waiter)

    def _of_tasks(self, state: State) -> State:
        """A mapped task's state, its cause named by the task, not by the element."""
        cause = state.cause
        if cause is None or cause in self.units or "[" not in cause:
            return state
        whole = cause[: cause.rindex("[")]
        return replace(state, cause=whole) if whole in self.units else state

    def move(self, unit: Unit, state: State, at: datetime, **told: Any) -> None:
        """Enter a state, and tell everybody."""
        old, unit.state = unit.state, state
        self.tell.moved(unit, at, **told)
        report = told.get("report")
        if unit.elements is None and left_to_driver(state, report and report.state):
            self.hooks.tell(unit.planned.task, old, state)
