"""Clocks by a list of dates."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.schedule.clock import Clock, written, zone_name
from orchestrator.schedule.wall_time import DAY, Gap, Moment, Overlap, wall_of


class DatesClock(Clock):
    """Runs at given times, each once.

    Args:
        dates: Aware datetimes, or naive ones in the clock's zone.
        timezone: The clock's zone; if left out, that of the first date that has one, else UTC.
        gap: For naive dates that do not exist: ``end``, ``shift`` or ``skip``.
        overlap: For naive dates that come twice: ``first``, ``second`` or ``both``.
        parameters: What runs of this clock get.
        labels: Which agents may run them.
        parameter_defaults: Prefect 1's word for ``parameters``.

    Raises:
        FlowError: There is no date, or one is no datetime.

    Example:
        >>> from datetime import UTC
        >>> clock = DatesClock([datetime(2026, 12, 31, 18)], timezone="Europe/Paris")
        >>> [str(due.instant) for due in clock.occurrences(datetime(2026, 1, 1, tzinfo=UTC))]
        ['2026-12-31 17:00:00+00:00']
    """

    kind = "dates"

    def __init__(
        self,
        dates: Iterable[datetime],
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
        *,
        timezone: str | None = None,
        gap: str | Gap = Gap.END,
        overlap: str | Overlap = Overlap.FIRST,
        parameters: Mapping[str, Any] | None = None,
    ) -> None:
        self.dates = list(dates)
        if not self.dates or not all(isinstance(date, datetime) for date in self.dates):
            raise FlowError(
                f"the dates {self.dates!r} are not all datetimes" if self.dates else "no dates",
                fix="give a list such as [datetime(2026, 12, 31, 18)]",
            )
        super().__init__(
            timezone=timezone or zone_name(*self.dates), gap=gap, overlap=overlap, start_date=None,
            end_date=None, parameters=parameters, labels=labels,
            parameter_defaults=parameter_defaults,
        )  # fmt: skip
        by_epoch = {moment[0]: moment for date in self.dates for moment in self._moments_of(date)}
        self._moments = [by_epoch[epoch] for epoch in sorted(by_epoch)]
        if self._moments:
            self.first, self.last = self._moments[0][0], self._moments[-1][0]

    @property
    def pace(self) -> int:
        """About how many seconds lie between two occurrences."""
        return max((self.last - self.first) // len(self.dates), DAY)

    def moments(self, first: int, last: int) -> list[Moment]:
        """The dates in ``[first, last)``."""
        low, high = (bisect_left(self._moments, (bound,)) for bound in (first, last))
        return self._moments[low:high]

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        shape = self.shared() | {"dates": [written(date) for date in self.dates]}
        return {name: value for name, value in shape.items() if name not in _NO_BOUNDS}

    def __str__(self) -> str:
        number = len(self.dates)
        return f"{number} {'date' if number == 1 else 'dates'} {self.timezone}"

    def _moments_of(self, date: datetime) -> list[Moment]:
        if date.tzinfo is not None:
            return [self.zone.at(self.epoch(date))]
        return self.zone.resolve(wall_of(date), self.policy)


_NO_BOUNDS = ("start_date", "end_date")
