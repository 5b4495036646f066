"""The one clock: aware UTC instants, from a ``now()`` that tests can replace."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

_source: Callable[[], datetime] | None = None


def now() -> datetime:
    """Return the present instant, aware and in UTC.

    Example:
        >>> now().utcoffset().total_seconds()
        0.0
    """
    return _source() if _source is not None else datetime.now(UTC)


@contextmanager
def fixed(*instants: datetime) -> Iterator[None]:
    """Replace the clock for a test: each call gives the next instant, the last one stays.

    Args:
        instants: Aware datetimes.

    Example:
        >>> with fixed(datetime(2026, 1, 1, tzinfo=UTC)):
        ...     now().isoformat()
        '2026-01-01T00:00:00+00:00'
    """
    global _source
    queue = [instant.astimezone(UTC) for instant in instants]
    before = _source
    _source = lambda: queue.pop(0) if len(queue) > 1 else queue[0]  # noqa: E731
    try:
        yield
    finally:
        _source = before
