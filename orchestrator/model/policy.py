"""Policies decide, the engine obeys: when a task may run, and whether a failure is tried again."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from orchestrator.errors import FlowError, UsageError
from orchestrator.model.state import State, StateType


class Trigger(StrEnum):
    """When a task runs, given the finished states of what it waits for.

    A task that was left out because something failed counts as failed.
    """

    ALL_SUCCESSFUL = "all_successful"  #: each succeeded; the default
    ALL_FINISHED = "all_finished"  #: in any case (clean-up, closing hooks)
    ALWAYS_RUN = "all_finished"  #: Prefect 1's second name
    ANY_SUCCESSFUL = "any_successful"
    ANY_FAILED = "any_failed"
    ALL_FAILED = "all_failed"
    SOME_SUCCESSFUL = "some_successful"  #: as many as :func:`some_successful` says; else one
    SOME_FAILED = "some_failed"  #: as many as :func:`some_failed` says; else one
    NOT_ALL_SKIPPED = "not_all_skipped"  #: none failed, and at least one was not skipped
    MANUAL_ONLY = "manual_only"  #: each succeeded, and then somebody approves


@dataclass(frozen=True, slots=True)
class Some:
    """A trigger that counts: made by :func:`some_failed` and :func:`some_successful`.

    Args:
        of: What is counted: ``Trigger.SOME_FAILED`` or ``Trigger.SOME_SUCCESSFUL``.
        at_least: The fewest; a float from 0.0 to 1.0 is a share of what the task waits for.
        at_most: The most, likewise; no limit, if None.
    """

    of: Trigger
    at_least: float | None = 1
    at_most: float | None = None

    def __post_init__(self) -> None:
        for bound in (self.at_least, self.at_most):
            if bound is not None and (bound < 0 or (isinstance(bound, float) and bound > 1)):
                raise FlowError(
                    f"{bound!r} is no bound for {self.of.value}",
                    fix="give a count as a whole number, or a share as a float from 0.0 to 1.0",
                )

    def holds(self, count: int, total: int) -> bool:
        """Whether ``count`` of ``total`` lies between the bounds."""
        least = _absolute(self.at_least, total, 0)
        return least <= count <= _absolute(self.at_most, total, total)

    def __str__(self) -> str:
        bounds = {"at_least": self.at_least, "at_most": self.at_most}
        said = ", ".join(f"{name}={bound}" for name, bound in bounds.items() if bound is not None)
        return f"{self.of.value}({said})"


def some_failed(at_least: float | None = None, at_most: float | None = None) -> Some:
    """The task runs if so many of those it waits for failed; elements of mapped tasks count.

    Args:
        at_least: The fewest; a float from 0.0 to 1.0 is a share.
        at_most: The most, likewise.

    Example:
        >>> some_failed(at_least=2).holds(1, 10)
        False
    """
    return Some(Trigger.SOME_FAILED, at_least, at_most)


def some_successful(at_least: float | None = None, at_most: float | None = None) -> Some:
    """The task runs if so many of those it waits for succeeded; elements of mapped tasks count.

    Args:
        at_least: The fewest; a float from 0.0 to 1.0 is a share.
        at_most: The most, likewise.

    Example:
        >>> some_successful(at_least=0.5).holds(5, 10)
        True
    """
    return Some(Trigger.SOME_SUCCESSFUL, at_least, at_most)


@dataclass(frozen=True, slots=True)
class AfterAll:
    """A trigger for closing what was opened: whatever became of the rest, once it was opened.

    Args:
        needed: Tasks that must have succeeded; in a plan, their keys.
    """

    needed: tuple[Any, ...]


AnyTrigger = Trigger | Some | AfterAll
_AFTER_FAILURES = (
    Trigger.ALL_FINISHED,
    Trigger.ANY_FAILED,
    Trigger.ALL_FAILED,
    Trigger.SOME_FAILED,
)


@dataclass(frozen=True, slots=True)
class Decision:
    """Run the task, skip it, or wait until somebody approves.

    Args:
        run: Whether it runs now.
        cause: For a skip: the key of the task it comes from.
        reason: One line for people.
        wait: Whether it runs once somebody approves.
        hindered: For a skip: whether something that broke is behind it.
    """

    run: bool
    cause: str | None = None
    reason: str = ""
    wait: bool = False
    hindered: bool = False

    def state(self) -> State:
        """The state of a task that does not run now."""
        if self.wait:
            return State(StateType.PAUSED, self.reason)
        return State(StateType.SKIPPED, self.reason, cause=self.cause, hindered=self.hindered)


_RUN = Decision(True)


def decide(
    trigger: AnyTrigger, upstream: Mapping[str, State], skip_on_upstream_skip: bool = True
) -> Decision:
    """Decide whether a task runs.

    Args:
        trigger: The task's rule.
        upstream: Key and finished state of each task it waits for.
        skip_on_upstream_skip: Whether it is left out, whatever its trigger, if something it waits
            for was left out and nothing broke.

    Example:
        >>> decide(Trigger.ALL_SUCCESSFUL, {"a": State(StateType.FAILED)}).cause
        'a'
    """
    if isinstance(trigger, AfterAll):
        needed = {key: state for key, state in upstream.items() if key in trigger.needed}
        return decide(Trigger.ALL_SUCCESSFUL, needed)
    if trigger is Trigger.MANUAL_ONLY:
        decision = decide(Trigger.ALL_SUCCESSFUL, upstream, skip_on_upstream_skip)
        return Decision(False, reason="waits for approval", wait=True) if decision.run else decision
    if not upstream:
        return _RUN
    broken = [key for key, state in upstream.items() if _broke(state)]
    left_out = [k for k, state in upstream.items() if state.is_skipped() and not state.hindered]
    about_skips = trigger is Trigger.NOT_ALL_SKIPPED
    if left_out and not broken and skip_on_upstream_skip and not about_skips:
        return _because(upstream, left_out)
    if trigger is Trigger.ALL_FINISHED:
        return _RUN
    if trigger is Trigger.ALL_SUCCESSFUL or (about_skips and broken):
        return _because(upstream, broken) if broken else _RUN
    if about_skips:
        return _because(upstream, left_out) if len(left_out) == len(upstream) else _RUN
    return _counted(trigger, upstream, broken)


def vouches(trigger: AnyTrigger) -> bool:
    """Whether a task with this trigger succeeds only if enough of what it waits for did.

    Example:
        >>> vouches(Trigger.ANY_SUCCESSFUL), vouches(Trigger.ALL_FINISHED)
        (True, False)
    """
    if isinstance(trigger, Some):  # one that bounds failures from above says how many are enough
        return trigger.of is not Trigger.SOME_FAILED or trigger.at_most is not None
    return not isinstance(trigger, AfterAll) and trigger not in _AFTER_FAILURES


def _counted(
    trigger: Trigger | Some, upstream: Mapping[str, State], broken: Sequence[str]
) -> Decision:
    """Decide by how many succeeded or failed."""
    good = sum(state.is_successful() for state in upstream.values())
    bad = sum(_failed(state) for state in upstream.values())
    total = len(upstream)
    if trigger is Trigger.ANY_SUCCESSFUL:
        return _if(good > 0, "nothing upstream succeeded", broken)
    if trigger in (Trigger.ANY_FAILED, Trigger.ALL_FAILED):
        holds = bad == total if trigger is Trigger.ALL_FAILED else bad > 0
        return _if(holds, "not all upstream failed" if bad else "nothing upstream failed", ())
    rule = trigger if isinstance(trigger, Some) else Some(trigger)
    count, word = (bad, "failed") if rule.of is Trigger.SOME_FAILED else (good, "succeeded")
    # Too few failures are good news; anything else that keeps such a task away is not.
    too_few = rule.of is Trigger.SOME_FAILED and count < _absolute(rule.at_least, total, 0)
    reason = f"{count} of {total} upstream {word}: not {rule}"
    return _if(rule.holds(count, total), reason, () if too_few else broken)


def _failed(state: State) -> bool:
    return state.is_failed() or state.hindered


def _broke(state: State) -> bool:
    return not (state.is_successful() or (state.is_skipped() and not state.hindered))


def _absolute(bound: float | None, total: int, otherwise: float) -> float:
    if bound is None:
        return otherwise
    return bound * total if isinstance(bound, float) else bound


def _if(holds: bool, reason: str, broken: Sequence[str]) -> Decision:
    if holds:
        return _RUN
    return Decision(False, broken[0] if broken else None, reason, hindered=bool(broken))


def _because(upstream: Mapping[str, State], hindering: Iterable[str]) -> Decision:
    """Skip because of the first hindering task: a failure before a skip, for that is the cause."""
    key = min(hindering, key=lambda key: upstream[key].is_skipped())
    state = upstream[key]
    cause = state.cause if state.is_skipped() and state.cause else key
    via = f" (through {key})" if cause != key else ""
    hindered = _broke(state)
    if state.is_skipped():
        word = "failed" if hindered else "was skipped"
    else:
        word = "failed" if state.is_failed() else state.type.lower()
    return Decision(False, cause, f"{cause} {word}{via}", hindered=hindered)


@dataclass(frozen=True, slots=True)
class Retry:
    """How often, and after what wait, a failed attempt is tried again.

    Args:
        max_retries: Attempts after the first one.
        delay: Wait before the first of them.
        on: Exception types that are worth another try; with ``codes``, all if both are empty.
        codes: Error codes that are worth another try (a SQLSTATE, dbt's status, an errno's name);
            ``*`` stands for any text, as in ``40*``.
        backoff: Each wait is this many times the one before.
        jitter: Share of the wait, 0 to 1, by which chance lengthens it.
        max_delay: No wait is longer.
    """

    max_retries: int = 0
    delay: timedelta = timedelta(0)
    on: tuple[type[BaseException], ...] = ()
    codes: tuple[str, ...] = ()
    backoff: float = 1.0
    jitter: float = 0.0
    max_delay: timedelta | None = None

    def decide(
        self,
        attempt: int,
        error: BaseException | None,
        code: str | Iterable[str] | None = None,
        asked: float | None = None,
        *,
        chance: Callable[[], float] = random.random,
    ) -> timedelta | None:
        """Return the wait before the next attempt, or None if this failure is final.

        Args:
            attempt: Number of the attempt that failed, from 1.
            error: What it raised; None if the worker died, which is always worth another try.
            code: The error's code, or all that it goes by.
            asked: Seconds the task itself asked to wait, by raising ``RETRY``. Then the kind of
                error does not matter, and a task without ``max_retries`` may ask for ever.
            chance: Gives a number from 0 to 1, for the jitter.

        Example:
            >>> Retry(1, timedelta(seconds=5)).decide(1, ValueError("x")).total_seconds()
            5.0
            >>> Retry(3, timedelta(seconds=5), backoff=2).decide(3, ValueError("x")).total_seconds()
            20.0
            >>> Retry(1).decide(2, ValueError("x")) is None
            True
        """
        if asked is not None:
            endless = self.max_retries == 0
            return timedelta(seconds=asked) if endless or attempt <= self.max_retries else None
        if attempt > self.max_retries or not self._worth_it(error, code):
            return None
        return self.wait(attempt, chance())

    def wait(self, attempt: int, chance: float = 0.0) -> timedelta:
        """The wait after attempt ``attempt``, when chance gives ``chance`` (0 to 1)."""
        limit = self.max_delay if self.max_delay is not None else timedelta(days=365)
        seconds = self.delay.total_seconds()
        if seconds and self.backoff != 1:
            seconds = _grown(seconds, self.backoff, attempt - 1, limit.total_seconds())
        return min(limit, timedelta(seconds=seconds * (1 + self.jitter * chance)))

    def _worth_it(self, error: BaseException | None, code: str | Iterable[str] | None) -> bool:
        if error is None or not (self.on or self.codes):
            # What was written wrong, or a login that was refused, is so at the next attempt too.
            return not isinstance(error, UsageError)
        codes = (code,) if isinstance(code, str) else tuple(code or ())
        known = (fnmatchcase(c.lower(), p.lower()) for c in codes for p in self.codes)
        return isinstance(error, self.on) or any(known)


def _grown(seconds: float, factor: float, times: int, limit: float) -> float:
    """``seconds * factor ** times``, but at most ``limit``: the power alone may be too large."""
    for _ in range(times):
        seconds *= factor
        if seconds >= limit:
            return limit
    return seconds
