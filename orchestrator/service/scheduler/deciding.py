"""What becomes of everything that is due of one schedule: overlap first, then catching up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from orchestrator.schedule.occurrence import Occurrence
from orchestrator.service.scheduler.catch_up import catch_up
from orchestrator.service.scheduler.overlap import FREE, Busy, Meeting, meeting, met
from orchestrator.service.scheduler.policies import Policies, RunOverlap
from orchestrator.service.scheduler.verdicts import Verdict
from orchestrator.store.occurrences import SettledAs


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be written and done.

    Args:
        verdicts: On all that is due, in order; none while it is held.
        meeting: About the runs under way.
        in_line: Whether the new runs wait for one another.
    """

    verdicts: tuple[Verdict, ...] = ()
    meeting: Meeting = FREE
    in_line: bool = True


def decide(
    due: Sequence[Occurrence], now: int, policies: Policies, busy: Sequence[Busy] = ()
) -> Decision:
    """Decide what becomes of the due occurrences of a schedule.

    Args:
        due: In order.
        now: The present, as an epoch.
        policies: What the schedule says.
        busy: Its runs that are under way, and those that were when something of this came.

    Example:
        >>> decide([], 0, Policies()).verdicts
        ()
    """
    allowed = policies.overlap is RunOverlap.ALLOW_ALL
    relevant = () if allowed else tuple(busy)
    came = {one.epoch: ready for one in due if (ready := _ready(one.epoch, now, relevant))}
    active = [run for run in relevant if run.ended is None]
    about = meeting(policies.overlap, active, pressed=bool(came))
    if about.hold:
        return Decision(meeting=about)
    found = []
    for group in _by_variant(due):
        hindered = [one for one in group if one.epoch in came]
        verdicts, kept = met(policies.overlap, hindered, relevant)
        rest = sorted([*(one for one in group if one.epoch not in came), *kept], key=_epoch)
        found += [*verdicts, *catch_up(rest, now, policies, came)]
    return Decision(tuple(sorted(_resolved(found), key=_when)), about, in_line=not allowed)


def paused(due: Sequence[Occurrence], what: str) -> Decision:
    """Decide about occurrences of a schedule that makes no runs for now.

    Args:
        due: In order.
        what: What is paused: the flow or the schedule.
    """
    reason = f"the {what} is paused"
    return Decision(tuple(Verdict(one, SettledAs.SKIPPED, reason) for one in due))


def _ready(epoch: int, now: int, busy: Sequence[Busy]) -> int | None:
    """From when an occurrence could begin that a run was in the way of; None if none was."""
    met_by = [run for run in busy if run.covers(epoch)]
    return max((now if run.ended is None else run.ended for run in met_by), default=None)


def _resolved(found: Sequence[Verdict]) -> list[Verdict]:
    """Let what was merged twice point to the run that covers it; without a run it was missed."""
    by_key = {one.occurrence.key: one for one in found}
    return [_settled(one, by_key) for one in found]


def _settled(one: Verdict, by_key: Mapping[str, Verdict]) -> Verdict:
    last = one
    while last.into is not None:
        last = by_key[last.into]
    if last is one:
        return one
    if last.outcome is not SettledAs.RUN:
        return Verdict(one.occurrence, last.outcome, last.reason)
    return Verdict(one.occurrence, one.outcome, one.reason, last.occurrence.key)


def _by_variant(due: Sequence[Occurrence]) -> list[list[Occurrence]]:
    groups: dict[str, list[Occurrence]] = {}
    for one in due:
        groups.setdefault(one.variant, []).append(one)
    return list(groups.values())


def _epoch(one: Occurrence) -> int:
    return one.epoch


def _when(verdict: Verdict) -> int:
    return verdict.occurrence.epoch
