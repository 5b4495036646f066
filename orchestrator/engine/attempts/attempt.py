"""One attempt of one task, where the executor put it: run it, and report how it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from orchestrator import instants, secrets
from orchestrator.engine import outcome
from orchestrator.engine.attempts.logs import LineBuffer
from orchestrator.engine.attempts.running import filled, run_here, surroundings
from orchestrator.engine.messages import (
    Attempt,
    Logged,
    Report,
    Slot,
    Started,
    worker_name,
)
from orchestrator.engine.outcome import Outcome
from orchestrator.engine.stopping import Interruption, Stop, Stopped, cancel_run
from orchestrator.errors import FlowError
from orchestrator.executors.base import Channel, Kept
from orchestrator.model.state import State, StateType

__all__ = ["Attempt", "Logged", "Report", "Slot", "Started", "cancel_run", "run_attempt", "worker_name"]  # fmt: skip

_LOG = logging.getLogger("orchestrator.attempt")
_PENDING, _RUNNING = State(StateType.PENDING), State(StateType.RUNNING)


def run_attempt(
    attempt: Attempt,
    channel: Channel,
    inputs: list[Any],
    on_start: Callable[[], None] | None = None,
) -> Kept:
    """Run one attempt; whatever the task does, this returns.

    Args:
        attempt: What to run.
        channel: Way to the driver.
        inputs: Values that the slots in the arguments stand for.
        on_start: Called in the place of telling the driver that it began.
    """
    started, worker = instants.now(), worker_name()
    if on_start is not None:
        on_start()
    else:
        channel.send(Started(attempt.key, attempt.token, started, worker))
    lines = LineBuffer(lambda batch: channel.send(Logged(attempt.key, attempt.number, batch)))
    trial = _Trial(attempt, lines, Stop(attempt.run_id, attempt.task.timeout))
    try:
        trial.run(inputs)
    finally:
        lines.close()
    found = trial.found.masked(secrets.masker().mask)
    length, _ = outcome.lengths(trial.value)
    error = outcome.error_of(found.state, found.error)
    report = Report(
        attempt.key, attempt.token, found.state, started, instants.now(), worker, error,
        found.rows, found.failures, found.detail, trial.result, length, found.executed,
        found.codes or None, found.retry_after, cached=trial.cached,
    )  # fmt: skip
    return Kept(report, trial.value)


class _Trial:
    """An attempt under way, step by step.

    Attributes:
        value: What downstream tasks receive.
        found: How it came out, so far.
        result: What the run store keeps of the value.
        cached: Where the value is kept for later runs, if it is.
    """

    def __init__(self, attempt: Attempt, lines: LineBuffer, stop: Stop) -> None:
        self.attempt, self.task = attempt, attempt.task
        self.lines, self.stop = lines, stop
        self.value: Any = None
        self.found = Outcome(_PENDING)
        self.result: Mapping[str, Any] | None = None
        self.cached: str | None = None

    def run(self, inputs: list[Any]) -> None:
        """Go through the steps; whatever happens is in ``found``."""
        with self.stop.listening(self.attempt.token):
            try:
                with surroundings(self.attempt, self.lines.add, self.stop.cancellation):
                    self._steps(inputs)
            except (Exception, Stopped) as error:  # of what stands around the task
                self._end(None, outcome.raised(error, self.attempt))

    def _steps(self, inputs: list[Any]) -> None:
        if self.stop.cancelled:
            self._end(None, Outcome(State(StateType.CANCELLED, "cancelled")))
            return
        arguments = filled(self.attempt, inputs)
        if self.task.lies_at is not None and self._is_there(arguments):
            return
        looked = None
        if self.task.cache is not None:
            from orchestrator.engine.results import caching

            looked = caching.look(self.attempt, arguments)
        if looked is not None and looked.hit is not None:
            self._end(*looked.hit)
            self._keep(arguments)
            return
        if self._told(_PENDING, _RUNNING):
            self._end(*self._worked(arguments))
            self._told(_RUNNING, self.found.state)
        if self.found.state.is_successful():
            self._keep(arguments)
        if looked is not None:
            why = looked.why
            if self.found.state.is_successful():
                why, self.cached = caching.keep(looked, self.attempt, self.value, self.found)
            self.found = replace(self.found, detail={**self.found.detail, "cache": why})
        self._for_good()

    def _is_there(self, arguments: dict[str, Any]) -> bool:
        """Take what lies at the task's target, if something does."""
        from orchestrator.engine.results import targets

        there = targets.look(self.attempt, arguments)
        if there is not None:
            self._end(*there[:2])
            self.result = there[2]
        return there is not None

    def _end(self, value: Any, found: Outcome) -> None:
        self.found = replace(found, state=outcome.judged(found.state, self.stop))
        self.value = value if self.found.state.is_successful() else None
        keeps = self.found.state.is_successful() and self.task.keeps_result
        self.result = outcome.kept(value) if keeps else None

    # -- the work --------------------------------------------------------------------------

    def _worked(self, arguments: dict[str, Any]) -> tuple[Any, Outcome]:
        call = self._packed(arguments)
        if call is not None:
            from orchestrator.engine.attempts.isolation import run_apart

            return run_apart(self.attempt, call, self.lines.add, self.stop)
        heeded = None if self.task.stops_when_told else self.stop.cancellation
        interruption = Interruption(heeded)
        try:
            try:
                with self.stop.limited():
                    return run_here(self.attempt, arguments)
            finally:
                interruption.end()
        except Stopped as error:
            interruption.end()
            return None, outcome.raised(error, self.attempt)

    def _packed(self, arguments: dict[str, Any]) -> bytes | None:
        """The call for a process of its own, or None if it is to run in this thread."""
        if self.task.timeout is None and self.task.isolate is None:
            return None
        from orchestrator.engine.attempts.isolation import packed, wants_process

        if not wants_process(self.attempt):
            return None
        try:
            return packed(self.attempt, arguments)
        except FlowError as error:
            if self.task.isolate:
                raise
            _LOG.warning("%s: it runs in the worker's own process", error.what)
            return None

    # -- what comes of it ------------------------------------------------------------------

    def _keep(self, arguments: dict[str, Any]) -> None:
        """Store the result, if the task wants it; one that cannot be stored fails the attempt."""
        if not (self.task.persist or self.task.result):
            return
        from orchestrator.engine.results import stored

        try:
            self.result = stored.store(self.attempt, self.value, arguments).described()
        except Exception as error:
            before = self.found.state
            failure = outcome.raised(error, self.attempt)
            message = f"its result could not be stored: {failure.state.message}"
            self._end(None, replace(failure, state=replace(failure.state, message=message)))
            self._told(before, self.found.state)

    def _told(self, old: State, new: State) -> bool:
        """Call the state handlers; returns whether the attempt may go on as it was."""
        if not self.task.state_handlers:
            return True
        from orchestrator.engine.attempts import handlers

        try:
            said = handlers.changed(self.task, old, replace(new, result=self.value))
        except handlers.HandlerFailed as error:
            failure = outcome.raised(error.raised, self.attempt)
            self._end(None, replace(failure, state=State(StateType.FAILED, str(error))))
            return False
        if said.type is new.type and said.result is self.value:
            self.found = replace(self.found, state=replace(said, result=None))
            return True
        return self._replaced(said)

    def _replaced(self, said: State) -> bool:
        """Enter the state that a handler returned; a state that does not end it changes nothing."""
        if not (said.is_finished() or said.is_paused()):
            return True
        state = replace(said, result=None)
        if state.is_skipped() and state.cause is None:
            state = replace(state, cause=self.attempt.key)
        value = said.result if said.result is not None else self.value
        self._end(value, replace(self.found, state=state))
        return False

    def _for_good(self) -> None:
        """Call ``on_failure`` if the attempt failed and no other one follows."""
        found, task = self.found, self.task
        if task.on_failure is None or not found.state.is_failed():
            return
        error = outcome.error_of(found.state, found.error)
        wait = task.retry.decide(self.attempt.number, error, found.codes, found.retry_after)
        if wait is not None and not self.stop.cancelled:
            return
        from orchestrator.engine.attempts import handlers

        try:
            handlers.failed(task, found.state)
        except handlers.HandlerFailed as error:
            _LOG.error("%s", error, exc_info=error.raised)
