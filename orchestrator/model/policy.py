"""Policies decide, the engine obeys: when a task may run, and whether a failure is tried again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from orchestrator.model.state import State


class Trigger(StrEnum):
    """When a task runs, given the finished states of what it waits for."""

    ALL_SUCCESSFUL = "all_successful"  #: each succeeded; the default
    ALL_FINISHED = "all_finished"  #: in any case (clean-up, closing hooks)
    ANY_SUCCESSFUL = "any_successful"
    ANY_FAILED = "any_failed"
    ALL_FAILED = "all_failed"
    NOT_ALL_SKIPPED = "not_all_skipped"  #: none failed, and at least one was not skipped


@dataclass(frozen=True, slots=True)
class Decision:
    """Run the task, or skip it because of ``cause``."""

    run: bool
    cause: str | None = None
    reason: str = ""


def decide(trigger: Trigger, upstream: Mapping[str, State]) -> Decision:
    """Decide whether a task runs.

    Args:
        trigger: The task's rule.
        upstream: Key and finished state of each task it waits for.

    Example:
        >>> from orchestrator.model.state import StateType
        >>> decide(Trigger.ALL_SUCCESSFUL, {"a": State(StateType.FAILED)}).cause
        'a'
    """
    if trigger is Trigger.ALL_FINISHED or not upstream:
        return Decision(True)
    if trigger is Trigger.ALL_SUCCESSFUL:
        return _unless(upstream, (k for k, s in upstream.items() if not s.is_successful()))
    if trigger is Trigger.NOT_ALL_SKIPPED:
        broken = [k for k, s in upstream.items() if not (s.is_successful() or s.is_skipped())]
        all_skipped = all(s.is_skipped() for s in upstream.values())
        return _unless(upstream, broken or (list(upstream) if all_skipped else []))
    if trigger is Trigger.ANY_SUCCESSFUL:
        return _if(any(s.is_successful() for s in upstream.values()), "nothing upstream succeeded")
    failed = [s.is_failed() for s in upstream.values()]
    holds = any(failed) if trigger is Trigger.ANY_FAILED else all(failed)
    return _if(holds, "nothing upstream failed" if not any(failed) else "not all upstream failed")


def _if(holds: bool, reason: str) -> Decision:
    return Decision(True) if holds else Decision(False, None, reason)


def _unless(upstream: Mapping[str, State], hindering: Iterable[str]) -> Decision:
    """Skip because of the first hindering task: a failure before a skip, for that is the cause."""
    keys = sorted(hindering, key=lambda key: upstream[key].is_skipped())
    if not keys:
        return Decision(True)
    key = keys[0]
    state = upstream[key]
    cause = state.cause if state.is_skipped() and state.cause else key
    via = f" (through {key})" if cause != key else ""
    word = "failed" if state.is_failed() or cause != key else state.type.lower()
    return Decision(False, cause, f"{cause} {word}{via}")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and after what wait, a failed attempt is tried again.

    Args:
        max_retries: Attempts after the first one.
        delay: Wait before each.
        on: Exception types that are worth another try; all, if empty.
    """

    max_retries: int = 0
    delay: timedelta = timedelta(0)
    on: tuple[type[BaseException], ...] = ()

    def decide(self, attempt: int, error: BaseException | None) -> timedelta | None:
        """Return the wait before the next attempt, or None if this failure is final.

        Args:
            attempt: Number of the attempt that failed, from 1.
            error: What it raised; None if the worker died, which is always worth another try.

        Example:
            >>> Retry(1, timedelta(seconds=5)).decide(1, ValueError("x")).total_seconds()
            5.0
            >>> Retry(1).decide(2, ValueError("x")) is None
            True
        """
        if attempt > self.max_retries:
            return None
        if error is not None and self.on and not isinstance(error, self.on):
            return None
        return self.delay
