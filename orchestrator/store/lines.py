"""Who gets a slot of a limit: decided here for all stores, so that no run waits for ever."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

#: How long a run that was refused keeps its place in line without asking again.
PLACE = timedelta(seconds=10)


@dataclass(slots=True)
class Line:
    """One limit as it stands.

    Args:
        slots: How many there are.
        taken: How many of them others have.
        waiting: Since when each run stands in line, in microseconds.
    """

    slots: int
    taken: int = 0
    waiting: dict[str, int] = field(default_factory=dict)


def waits_since(lines: Mapping[str, Line], run_id: str, now: int) -> int:
    """Return since when the run has stood in any of these lines; ``now`` if in none."""
    return min(
        (line.waiting[run_id] for line in lines.values() if run_id in line.waiting), default=now
    )


def refusing(lines: Mapping[str, Line], run_id: str, now: int) -> tuple[str, ...]:
    """Return the names of the limits that stand in the way of a run; none if it may go ahead.

    A free slot is kept for each run that came earlier. One order holds in all lines, so runs that
    need slots of several limits do not wait for one another in a circle.

    Example:
        >>> refusing({"tag:heavy": Line(2, 1)}, "new", 5)
        ()
        >>> refusing({"tag:heavy": Line(2, 1, {"old": 4})}, "new", 5)
        ('tag:heavy',)
        >>> refusing({"tag:heavy": Line(2, 1, {"old": 4})}, "old", 5)
        ()
    """
    mine = waits_since(lines, run_id, now), run_id
    return tuple(
        name
        for name, line in sorted(lines.items())
        if line.slots - line.taken
        <= sum((since, other) < mine for other, since in line.waiting.items() if other != run_id)
    )
