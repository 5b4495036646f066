"""Stops the clock: everything that asks what time it is gets the same answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

from orchestrator import instants
from orchestrator.errors import UsageError

Instant = datetime | date | str


@contextmanager
def freeze_time(instant: Instant, timezone: str = "UTC") -> Iterator[datetime]:
    """Stop the clock of runs for a block: start and scheduled time, ``{{ today }}``, logs, freshness.

    Code that asks Python itself (``datetime.now()``) or the database (``current_date``) gets the real
    time, and so does a task in a process of its own.

    Args:
        instant: An aware datetime; or a datetime, a date or ISO text in ``timezone``.
        timezone: Zone of an instant that has no offset of its own.

    Yields:
        The instant, aware and in UTC.

    Raises:
        UsageError: It cannot be read, or that local time does not exist.

    Example:
        >>> with freeze_time("2026-03-29 03:30", "Europe/Berlin"):
        ...     instants.now().isoformat()
        '2026-03-29T01:30:00+00:00'
    """
    at = instant_of(instant, timezone)
    with instants.fixed(at):
        yield at


def instant_of(given: Instant, timezone: str = "UTC") -> datetime:
    """Read an instant as people write it; of a local time that comes twice, the first.

    Raises:
        UsageError: It cannot be read, or that local time does not exist.

    Example:
        >>> instant_of("2026-10-25 02:30", "Europe/Berlin").isoformat()
        '2026-10-25T00:30:00+00:00'
    """
    read = _read(given)
    if read.tzinfo is not None:
        return read.astimezone(UTC)
    from orchestrator.schedule import wall_time

    zone = wall_time.zone_named(timezone)
    wall = wall_time.wall_of(read)
    found = zone.resolve(wall, wall_time.Policy(wall_time.Gap.SKIP, wall_time.Overlap.FIRST))
    if not found:
        [(after, *_)] = zone.resolve(wall, wall_time.Policy(wall_time.Gap.END))
        raise UsageError(
            f"{read:%Y-%m-%d %H:%M} does not exist in {timezone}: clocks go forward then",
            fix=f"the first time after it is {zone.local(after):%H:%M}; or give an offset: "
            f"{read:%Y-%m-%d %H:%M}+00:00",
        )
    return wall_time.instant_of(found[0][0])


def _read(given: Instant) -> datetime:
    if isinstance(given, datetime):
        return given
    if isinstance(given, date):
        return datetime(given.year, given.month, given.day)
    try:
        return datetime.fromisoformat(given)
    except (TypeError, ValueError):
        raise UsageError(
            f"{given!r} is no point in time", fix='write it as "2026-03-29 06:00"'
        ) from None
