"""Runs that meet: what becomes of an occurrence that comes while a run is under way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.policies import RunOverlap
from orchestrator.service.scheduler.verdicts import Verdict, merged
from orchestrator.store.occurrences import SettledAs


@dataclass(frozen=True, slots=True)
class Busy:
    """A time during which a run of the schedule was, or is, under way.

    Args:
        run_id: The run.
        began: When it was made, as an epoch.
        ended: When it was finished; None: it is not.
    """

    run_id: str
    began: int
    ended: int | None = None

    def covers(self, epoch: int) -> bool:
        """Whether the run was under way at an epoch after the one it was made at."""
        return self.began < epoch and (self.ended is None or epoch <= self.ended)


@dataclass(frozen=True, slots=True)
class Meeting:
    """What is to be done about runs under way.

    Args:
        hold: Decide nothing until they are finished.
        after: The new run waits for this one.
        stop: Ask these to stop.
        end: End these at once.
    """

    hold: bool = False
    after: str | None = None
    stop: tuple[str, ...] = ()
    end: tuple[str, ...] = ()


FREE = Meeting()
_ONE_WAITS = frozenset({RunOverlap.BUFFER_ONE, RunOverlap.CANCEL_OTHER, RunOverlap.TERMINATE_OTHER})


def meeting(policy: RunOverlap, active: Sequence[Busy], *, pressed: bool) -> Meeting:
    """Decide what becomes of the runs that are under way when something is due.

    Args:
        policy: What the schedule says.
        active: The unfinished runs of the schedule, the oldest first.
        pressed: Whether something came while they were under way; if not, what is due was there
            before them and can wait.

    Example:
        >>> meeting(RunOverlap.CANCEL_OTHER, [Busy("a1", 0)], pressed=True)
        Meeting(hold=False, after='a1', stop=('a1',), end=())
    """
    if not active or policy is RunOverlap.ALLOW_ALL:
        return FREE
    every = tuple(one.run_id for one in active)
    if policy is RunOverlap.BUFFER_ONE:
        return Meeting(hold=True)
    if policy is RunOverlap.CANCEL_OTHER and pressed:
        return Meeting(after=every[-1], stop=every)
    if policy is RunOverlap.TERMINATE_OTHER and pressed:
        return Meeting(end=every)
    return Meeting(after=every[-1])


def met(
    policy: RunOverlap, came: Sequence[Occurrence], busy: Sequence[Busy]
) -> tuple[list[Verdict], list[Occurrence]]:
    """Decide what becomes of occurrences that came while a run was under way.

    Args:
        policy: What the schedule says.
        came: Occurrences with the same parameters and labels, in order.
        busy: The runs they met.

    Returns:
        Verdicts on those that get no run of their own, and the others.
    """
    if not came or policy in (RunOverlap.BUFFER_ALL, RunOverlap.ALLOW_ALL):
        return [], list(came)
    if policy is RunOverlap.SKIP:
        return [_skipped(one, busy) for one in came], []
    assert policy in _ONE_WAITS
    covered, last = merged(came, f"one waits at a time, overlap is {policy}")
    return covered, [last]


def _skipped(one: Occurrence, busy: Sequence[Busy]) -> Verdict:
    runs = ", ".join(run.run_id for run in busy if run.covers(one.epoch))
    return Verdict(one, SettledAs.SKIPPED, f"run {runs} was under way, overlap is skip")
