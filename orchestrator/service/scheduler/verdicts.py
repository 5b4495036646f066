"""A verdict on an occurrence: what becomes of it, and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from orchestrator.schedule.occurrence import Occurrence
from orchestrator.store.occurrences import SettledAs

_UNITS = (("days", 86_400), ("h", 3_600), ("min", 60))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an occurrence.

    Args:
        occurrence: The occurrence; that of a run has the data interval the run gets.
        outcome: What becomes of it.
        reason: One line for people; empty if there is nothing to say.
        into: Of one that is widened: the key of the occurrence whose run covers it.
    """

    occurrence: Occurrence
    outcome: SettledAs = SettledAs.RUN
    reason: str = ""
    into: str | None = None


def merged(group: Sequence[Occurrence], why: str) -> tuple[list[Verdict], Occurrence]:
    """Let the last of several occurrences stand for all of them.

    Args:
        group: In order, at least one.
        why: Said of those that get no run of their own.

    Returns:
        Verdicts on all but the last, and the last with the data intervals of all.
    """
    last = group[-1]
    name = wall(last.nominal)
    reason = f"covered by the run of {name}: {why}"
    covered = [Verdict(one, SettledAs.WIDENED, reason, last.key) for one in group[:-1]]
    return covered, last.with_since(group[0].since)


def span(seconds: float) -> str:
    """A length of time for people, in its largest unit or two.

    Example:
        >>> span(95), span(4 * 3600 + 120), span(3 * 86400)
        ('95 s', '4 h 2 min', '3 days')
    """
    left = int(seconds)
    if left < 120:
        return f"{left} s"
    parts = []
    for unit, size in _UNITS:
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}" if number != 1 or unit != "days" else "1 day")
    return " ".join(parts[:2])


def wall(at: datetime) -> str:
    """Say what a wall clock shows; its seconds where there are some.

    Example:
        >>> wall(datetime(2026, 3, 1, 2, 30)), wall(datetime(2026, 3, 1, 2, 30, 20))
        ('2026-03-01 02:30', '2026-03-01 02:30:20')
    """
    return f"{at:%Y-%m-%d %H:%M:%S}" if at.second else f"{at:%Y-%m-%d %H:%M}"
