"""Catching up: which of the occurrences that are due get a run, when some of them are late."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.policies import CatchUp, Policies
from orchestrator.service.scheduler.verdicts import Verdict, merged, span
from orchestrator.store.occurrences import SettledAs

GRACE = 60  #: seconds after which an occurrence counts as missed


def catch_up(
    due: Sequence[Occurrence],
    now: int,
    policies: Policies,
    ready: Mapping[int, int] | None = None,
) -> list[Verdict]:
    """Decide which due occurrences get a run.

    Args:
        due: Occurrences with the same parameters and labels, in order.
        now: The present, as an epoch.
        policies: What the schedule says.
        ready: Of those that a run was in the way of: their epoch, and that from which they could
            begin, for only from then on they are late.

    Returns:
        A verdict on each, in their order.

    Example:
        >>> from orchestrator.schedule import CronClock
        >>> from datetime import UTC, datetime
        >>> nights = CronClock("30 2 * * *").occurrences(datetime(2026, 3, 1, tzinfo=UTC))
        >>> due = [next(nights) for _ in range(3)]
        >>> found = catch_up(due, due[-1].epoch, Policies())
        >>> [one.outcome.value for one in found], str(found[-1].occurrence.interval_start)
        (['widened', 'widened', 'run'], '2026-02-28 02:30:00+00:00')
    """
    if not due:
        return []
    late = [now - (ready or {}).get(one.epoch, one.epoch) for one in due]
    if policies.catch_up is CatchUp.LATEST:
        return _latest(due, late, policies.window)
    if policies.catch_up is CatchUp.ALL:
        return _all(due, late, policies)
    return [
        _run(one, by) if by <= GRACE else _missed(one, by, "catch_up is none")
        for one, by in zip(due, late, strict=True)
    ]


def _latest(due: Sequence[Occurrence], late: Sequence[int], window: int) -> list[Verdict]:
    if late[-1] > window:
        return [_missed(one, by, _too_late(window)) for one, by in zip(due, late, strict=True)]
    covered, last = merged(due, "catch_up is latest")
    return [*covered, _run(last, late[-1])]


def _all(due: Sequence[Occurrence], late: Sequence[int], policies: Policies) -> list[Verdict]:
    timely = sum(by <= GRACE for by in late)
    wanted = sum(by <= policies.window for by in late)
    kept = min(wanted, policies.most + timely)
    found = []
    for place, (one, by) in enumerate(zip(due, late, strict=True)):
        if by > policies.window:
            found.append(_missed(one, by, _too_late(policies.window)))
        elif len(due) - place > kept:
            found.append(_missed(one, by, f"more than max_catch_up={policies.most} were missed"))
        else:
            found.append(_run(one, by))
    return found


def _run(one: Occurrence, late: int) -> Verdict:
    return Verdict(one, reason=f"caught up {span(late)} late" if late > GRACE else "")


def _missed(one: Occurrence, late: int, why: str) -> Verdict:
    return Verdict(one, SettledAs.MISSED, f"nobody was there until {span(late)} later: {why}")


def _too_late(window: int) -> str:
    return f"that is beyond the catch_up_window of {span(window)}"
