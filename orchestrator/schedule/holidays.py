"""Calendars of dates: given as a list, or read from a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from orchestrator.errors import FlowError

#: Dates, ISO texts of dates, or a file with one a line.
Dates = Iterable[date | str] | str | Path


def dates_of(given: Dates) -> frozenset[date]:
    """Read the dates of a calendar.

    Args:
        given: Dates or ISO texts; or the path of a text file with one date a line, where ``#``
            begins a remark.

    Raises:
        FlowError: The file cannot be read, or something in it is no date (file and line are named).

    Example:
        >>> sorted(dates_of(["2026-12-25", date(2027, 1, 1)]))
        [datetime.date(2026, 12, 25), datetime.date(2027, 1, 1)]
    """
    if isinstance(given, str | Path):
        return frozenset(_of_file(Path(given)))
    return frozenset(_date(one, "the calendar") for one in given)


def _of_file(path: Path) -> Iterator[date]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FlowError(
            f"the calendar {path} cannot be read: {error}",
            fix="give the path from the flow's own file: Path(__file__).parent / 'holidays.txt'",
        ) from error
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            yield _date(text, f"{path}:{number}")


def _date(given: object, where: str) -> date:
    if isinstance(given, date):
        return date(given.year, given.month, given.day)
    try:
        return date.fromisoformat(str(given))
    except ValueError:
        raise FlowError(
            f"{given!r} is no date", where=where, fix="write dates as 2026-12-25"
        ) from None
