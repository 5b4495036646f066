"""Clocks by recurrence rule (RFC 5545): dateutil reads the rule, local times are turned into UTC here."""

from __future__ import annotations

import re
import threading
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from dateutil import rrule as rules  # type: ignore[import-untyped,unused-ignore]

from orchestrator.errors import FlowError
from orchestrator.schedule.clock import Clock, zone_name
from orchestrator.schedule.wall_time import DAY, Gap, Moment, Overlap, Policy, naive, wall_of

_TZID = re.compile(r";TZID=([^:;\n]+)", re.IGNORECASE)
_UTC_TIME = re.compile(r"\b(\d{8}T\d{6})Z")
_SUB_DAILY = re.compile(r"FREQ=(HOURLY|MINUTELY|SECONDLY)", re.IGNORECASE)
_FORMAT = "%Y%m%dT%H%M%S"
#: Where rules begin that name no beginning: midnight in the clock's zone.
_ANCHOR = datetime(2019, 1, 1)
#: As cron: no rule is asked for what lies so far ahead.
_LAST = datetime(9990, 1, 1)


class RRuleClock(Clock):
    """Runs when a recurrence rule of a calendar says so.

    Rules by day, week, month or year are jobs at set times: ``gap`` and ``overlap`` say what
    happens on odd nights. Rules by hour, minute or second follow the wall: never in a gap, twice in
    an overlap.

    Args:
        rrule: Text such as ``"FREQ=MONTHLY;BYDAY=-1FR"``, with ``DTSTART``, ``EXDATE`` and ``RDATE``
            lines where wanted, or a ``dateutil.rrule.rrule``.
        start_date: Where the rule begins, unless it has a ``DTSTART``; if left out, 2019-01-01.
        timezone: The clock's zone; if left out, that of ``DTSTART`` or ``start_date``, else UTC.
        gap: For local times that do not exist one night: ``end``, ``shift`` or ``skip``.
        overlap: For local times that come twice one night: ``first``, ``second`` or ``both``.
        more: ``end_date``, ``parameters``, ``labels``, as all clocks have.

    Raises:
        FlowError: The rule cannot be read.

    Example:
        >>> from datetime import UTC
        >>> clock = RRuleClock("FREQ=MONTHLY;BYDAY=-1FR", datetime(2026, 1, 1, 9), timezone="Europe/Paris")
        >>> str(next(clock.occurrences(datetime(2026, 3, 1, tzinfo=UTC))).local)
        '2026-03-27 09:00:00+01:00'
    """

    kind = "rrule"

    def __init__(
        self,
        rrule: str | rules.rrule,
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
        self.rrule, named = _text_and_zone(rrule)
        super().__init__(
            timezone=timezone or named or zone_name(start_date, end_date), gap=gap, overlap=overlap,
            start_date=start_date, end_date=end_date, parameters=parameters, labels=labels,
            parameter_defaults=parameter_defaults,
        )  # fmt: skip
        self._policy: Policy | None = None if _SUB_DAILY.search(self.rrule) else self.policy
        self._rule = self._parsed()
        self._known: list[int] = []
        self._lock = threading.Lock()
        self._more: Iterator[datetime] | None = iter(self._rule)

    @property
    def pace(self) -> int:
        """About how many seconds lie between two occurrences."""
        return 3600 if self._policy is None else 7 * DAY

    def moments(self, first: int, last: int) -> list[Moment]:
        """What the rule names in ``[first, last)``."""
        return self.zone.moments(self._walls, first, last, self._policy)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return self.shared() | {"rrule": self.rrule}

    def __str__(self) -> str:
        return f"rrule {' '.join(self.rrule.split())} {self.timezone}"

    def _walls(self, first: int, last: int) -> Sequence[int]:
        known = self._known
        with self._lock:
            self._extend(last)
        return known[bisect_left(known, first) : bisect_left(known, last)]

    def _extend(self, last: int) -> None:
        known = self._known
        while self._more is not None and (not known or known[-1] < last):
            found = next(self._more, _LAST)
            if found >= _LAST:
                self._more = None
            elif not known or wall_of(found) > known[-1]:
                known.append(wall_of(found))

    def _parsed(self) -> rules.rrulebase:
        text = _UTC_TIME.sub(lambda found: self._local(found[1]), self.rrule)
        start = self.start_date or _ANCHOR
        wall = self.zone.at(self.epoch(start))[1] if start.tzinfo else wall_of(start)
        try:
            return rules.rrulestr(_TZID.sub("", text), dtstart=naive(wall))
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise FlowError(
                f"the recurrence rule {self.rrule!r} cannot be read: {error}",
                fix="write it as in RFC 5545: 'FREQ=WEEKLY;BYDAY=MO,WE'",
            ) from error

    def _local(self, text: str) -> str:
        """A UTC time of the rule as the wall of its zone shows it."""
        epoch = wall_of(datetime.strptime(text, _FORMAT))
        return naive(self.zone.at(epoch)[1]).strftime(_FORMAT)


def _text_and_zone(rule: object) -> tuple[str, str | None]:
    """A rule as text, and the zone that it names itself."""
    if isinstance(rule, rules.rrule):
        start = next(iter(rule), None)
        named = zone_name(start) if start is not None and start.tzinfo else None
        return str(rule), named
    if not isinstance(rule, str) or not rule.strip():
        raise FlowError(
            f"{rule!r} is no recurrence rule",
            fix="give its text: 'FREQ=WEEKLY;BYDAY=MO,WE', with RDATE and EXDATE lines for a set",
        )
    found = _TZID.search(rule)
    return rule.strip(), found[1].strip() if found else None
