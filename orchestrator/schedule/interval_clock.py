"""Clocks by interval: days by the wall, hours as they elapse, both counted from one anchor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from orchestrator.schedule.clock import Clock
from orchestrator.schedule.length import length_of
from orchestrator.schedule.wall_time import Gap, Moment, Overlap, wall_of

#: The anchor of clocks that name none: midnight in the clock's zone.
_ANCHOR = datetime(2019, 1, 1)
#: Months differ in length, so that the n-th may lie so many steps from where it is looked for.
_SLACK = 3


class IntervalClock(Clock):
    """Runs every so often, counted from its start.

    Days, weeks and months follow the wall: the n-th is n steps after the anchor's local time, which
    ``gap`` and ``overlap`` turn into an instant, so that one odd night moves no other. Hours,
    minutes and seconds elapse: ``PT24H`` runs at another local time after clocks changed.

    Args:
        interval: ``"P1D"``, ``"PT6H"``, a pendulum duration or a timedelta; of a timedelta, whole
            days count as days. Calendar and clock parts do not mix.
        start_date: The anchor, and the first occurrence; if left out, the midnight of 2019-01-01.
        timezone: The zone whose wall it follows; if left out, that of ``start_date``, else UTC.
        gap: For local times that do not exist one night: ``end``, ``shift`` or ``skip``.
        overlap: For local times that come twice one night: ``first``, ``second`` or ``both``.
        more: ``end_date``, ``parameters``, ``labels``, as all clocks have.

    Raises:
        FlowError: The interval cannot be read, mixes its parts, or is not longer than nothing.

    Example:
        >>> from datetime import UTC
        >>> clock = IntervalClock("P1D", datetime(2026, 3, 1, 2, 30), timezone="America/New_York")
        >>> due = clock.occurrences(datetime(2026, 3, 7, 12, tzinfo=UTC))
        >>> [str(next(due).local) for _ in range(2)]
        ['2026-03-08 03:00:00-04:00', '2026-03-09 02:30:00-04:00']
    """

    kind = "interval"

    def __init__(
        self,
        interval: str | timedelta,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
        *,
        timezone: str | None = None,
        gap: str | Gap = Gap.END,
        overlap: str | Overlap = Overlap.FIRST,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(
            timezone=timezone, gap=gap, overlap=overlap, start_date=start_date, end_date=end_date,
            parameters=parameters, labels=labels, parameter_defaults=parameter_defaults,
        )  # fmt: skip
        self.interval = length_of(interval)
        anchor = _ANCHOR if start_date is None else start_date
        self._anchor = self.zone.at(self.epoch(anchor))
        #: A naive anchor may not exist itself; the steps from it do.
        self._anchor_wall = self._anchor[1] if anchor.tzinfo else wall_of(anchor)

    @property
    def pace(self) -> int:
        """About how many seconds lie between two occurrences."""
        return self.interval.about

    def moments(self, first: int, last: int) -> list[Moment]:
        """The steps that fall into ``[first, last)``."""
        if not self.interval.on_the_wall:
            step, anchor = self.interval.seconds, self._anchor[0]
            return self.zone.shown(range(anchor - (anchor - first) // step * step, last, step))
        found = self.zone.moments(self._walls, first, last, self.policy)
        return self._with_anchor(found, first, last) if self._anchor[2] else found

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return self.shared() | {"interval": str(self.interval)}

    def __str__(self) -> str:
        return f"every {self.interval} {self.timezone}"

    def _walls(self, first: int, last: int) -> Sequence[int]:
        step, anchor = self.interval, self._anchor_wall
        if not step.months:
            size = step.about
            return range(anchor - (anchor - first) // size * size, last, size)
        low = (first - anchor) // step.about - _SLACK
        high = (last - anchor) // step.about + _SLACK
        walls = (step.after(anchor, times) for times in range(low, high + 1))
        return [wall for wall in walls if first <= wall < last]

    def _with_anchor(self, found: list[Moment], first: int, last: int) -> list[Moment]:
        """Let a start that was given as the second pass of its local time stand as it was given."""
        others = [moment for moment in found if moment[1] != self._anchor_wall]
        here = [self._anchor] if first <= self._anchor[0] < last else []
        return sorted([*others, *here])
