"""Clocks by cron expression."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum
from functools import cache, cached_property
from typing import Any

from orchestrator import instants
from orchestrator.schedule.clock import Clock, chosen
from orchestrator.schedule.cron import as_fixed, parse_cron
from orchestrator.schedule.wall_time import (
    DAY,
    Gap,
    Moment,
    Overlap,
    Policy,
    Transition,
    epoch_of,
    naive,
    wall_of,
)

logger = logging.getLogger("orchestrator.schedule")
#: So far ahead a clock looks for nights that it will lose.
_AHEAD = 3 * 366 * DAY


class CronRule(StrEnum):
    """How a cron job treats nights on which clocks change."""

    AUTO = "auto"  #: wildcard if minute or hour begin with ``*``, else fixed
    FIXED = "fixed"  #: a job at set times: once each, as ``gap`` and ``overlap`` say
    WILDCARD = (
        "wildcard"  #: whenever the wall shows such a time: never in a gap, twice in an overlap
    )


class CronClock(Clock):
    """Runs when a cron expression is true.

    Args:
        expression: minute, hour, day of the month, month, day of the week.
        timezone: The zone whose wall the expression is about; if left out, that of ``start_date``,
            else UTC.
        gap: For a fixed job whose time does not exist one night: ``end``, ``shift`` or ``skip``.
        overlap: For a fixed job whose time comes twice one night: ``first``, ``second``, ``both``.
        rule: ``auto``, ``fixed`` or ``wildcard``: see :class:`CronRule`.
        day_or: If both day fields are restricted, whether one of them is enough.
        cron: Prefect 1's word for ``expression``.
        more: ``start_date``, ``end_date``, ``parameters``, ``labels``, as all clocks have.

    Raises:
        FlowError: The expression cannot be read; says which field and why.

    Example:
        >>> from datetime import UTC
        >>> clock = CronClock("30 1 * * *", timezone="America/New_York")
        >>> due = clock.occurrences(datetime(2026, 10, 31, 12, tzinfo=UTC))
        >>> [str(next(due).local) for _ in range(2)]
        ['2026-11-01 01:30:00-04:00', '2026-11-02 01:30:00-05:00']
    """

    kind = "cron"

    def __init__(
        self,
        expression: str | None = None,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        parameter_defaults: Mapping[str, Any] | None = None,
        labels: Iterable[str] | None = None,
        day_or: bool | None = None,
        *,
        timezone: str | None = None,
        gap: str | Gap = Gap.END,
        overlap: str | Overlap = Overlap.FIRST,
        rule: str | CronRule = CronRule.AUTO,
        parameters: Mapping[str, Any] | None = None,
        cron: str | None = None,
    ) -> None:
        super().__init__(
            timezone=timezone, gap=gap, overlap=overlap, start_date=start_date, end_date=end_date,
            parameters=parameters, labels=labels, parameter_defaults=parameter_defaults,
        )  # fmt: skip
        self.rule = chosen(CronRule, rule, "rule")
        self.day_or = day_or is not False
        self.expression = parse_cron(expression if expression is not None else cron, self.day_or)
        auto = CronRule.FIXED if self.expression.fixed else CronRule.WILDCARD
        self.is_fixed = (auto if self.rule is CronRule.AUTO else self.rule) is CronRule.FIXED
        self._policy: Policy | None = self.policy if self.is_fixed else None
        for warning in self.warnings:
            _warn_once(warning)

    @property
    def pace(self) -> int:
        """About how many seconds lie between two occurrences."""
        return self.expression.pace

    def moments(self, first: int, last: int) -> list[Moment]:
        """What the expression names in ``[first, last)``."""
        return self.zone.moments(self.expression.walls, first, last, self._policy)

    def lost(self, change: Transition) -> list[datetime]:
        """The local times that a gap takes from this clock, without anything in their place."""
        if not change.forward or not self._loses:
            return []
        walls = self.expression.walls(change.at + change.before, change.at + change.after)
        return [naive(wall) for wall in walls]

    @property
    def _loses(self) -> bool:
        """Whether a gap may cost runs; jobs of every hour lose nothing but an hour that was not."""
        if self.is_fixed:
            return self.policy.gap is Gap.SKIP
        return not self.expression.whole_day

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What people should know of nights that this clock loses without being told to."""
        if self.is_fixed or not self._loses or self.rule is not CronRule.AUTO:
            return ()
        start = max(epoch_of(instants.now()), self.first)
        for change in self.zone.transitions(start, min(start + _AHEAD, self.last)):
            missing = self.lost(change)
            if missing:
                return (self._warning(missing),)
        return ()

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        own = {"expression": self.expression.text, "rule": self.rule.value, "day_or": self.day_or}
        return self.shared() | own

    def __str__(self) -> str:
        return f"cron {self.expression.text} {self.timezone}"

    def _warning(self, missing: list[datetime]) -> str:
        midnight = wall_of(missing[0]) // DAY * DAY
        night = self.expression.walls(midnight, midnight + DAY)
        loss = (
            f"loses its {missing[0]:%H:%M}" if len(missing) < len(night) else "does not run at all"
        )
        fixed = as_fixed(self.expression)
        better = f"{fixed!r} runs at the end of the gap; " if fixed else ""
        return (
            f"{self.expression.text!r} {loss} on {missing[0]:%Y-%m-%d}, when clocks go forward in "
            f"{self.timezone}: {better}rule='wildcard' says that it is meant so"
        )


@cache
def _warn_once(warning: str) -> None:
    logger.warning("%s", warning)
