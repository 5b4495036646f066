"""Walks through time window by window, forwards or backwards, as far as something may be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from orchestrator.schedule.wall_time import BEGINNING, DAY, END

T = TypeVar("T")

#: After so long without anything there is nothing more: a 29th of February that is a given day of
#: the week can be 40 years away.
_HORIZON = 50 * 366 * DAY
_MOST = 5 * 366 * DAY
_ENOUGH = 256


def forwards(
    window: Callable[[int, int], list[T]], first: int, last: int, pace: int
) -> Iterator[list[T]]:
    """Yield what windows from ``first`` up to ``last`` hold, leaving out empty ones.

    Args:
        window: What lies in ``[first, last)``, in order.
        first: An epoch.
        last: An epoch.
        pace: About how many seconds lie between two things.
    """
    at, last, span, found_at = max(first, BEGINNING), min(last, END), pace, first
    while at < last and at - found_at < _HORIZON:
        until = min(at + span, last)
        found = window(at, until)
        if found:
            yield found
            found_at = until
        if len(found) < _ENOUGH:
            span = min(span * 2, _MOST)
        at = until


def backwards(
    window: Callable[[int, int], list[T]], last: int, first: int, pace: int
) -> Iterator[list[T]]:
    """Yield what windows from just before ``last`` back to ``first`` hold, each in order."""
    at, first, span, found_at = min(last, END), max(first, BEGINNING), pace, last
    while at > first and found_at - at < _HORIZON:
        since = max(at - span, first)
        found = window(since, at)
        if found:
            yield found
            found_at = since
        if len(found) < _ENOUGH:
            span = min(span * 2, _MOST)
        at = since
