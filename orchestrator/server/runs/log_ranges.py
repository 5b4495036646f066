"""Pieces of a run's log: after a line, before a line, the last ones; all of it only piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orchestrator.shapes.values import level_name
from orchestrator.store.base import RunStore
from orchestrator.store.records import LogLine

#: Levels by their words.
LEVELS = {"DEBUG": 10, "INFO": 20, "WARNING": 30, "ERROR": 40, "CRITICAL": 50}
_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines.

    Args:
        key: Only of this task.
        attempt: Only of the attempt with this number.
        level: Only of this level and those above it.
        search: Only those that hold this text.
    """

    key: str | None = None
    attempt: int | None = None
    level: int | None = None
    search: str | None = None

    def passed(self, lines: Sequence[LogLine]) -> list[LogLine]:
        """What passes of lines that the store has let pass: it does not know of attempts."""
        return [line for line in lines if self.attempt in (None, line.attempt)]


def after(store: RunStore, run_id: str, wanted: Filter, seq: int, limit: int) -> list[LogLine]:
    """The first lines after a line."""
    found: list[LogLine] = []
    size = limit if wanted.attempt is None else _AT_ONCE
    while len(found) < limit:
        lines = store.logs(
            run_id, wanted.key, after_seq=seq, limit=size, level=wanted.level, search=wanted.search
        )
        found += wanted.passed(lines)
        if len(lines) < size:
            break
        seq = lines[-1].seq
    return found[:limit]


def before(
    store: RunStore, run_id: str, wanted: Filter, seq: int | None, limit: int
) -> list[LogLine]:
    """The last lines before a line; the last ones of all, if none is given."""
    found: list[LogLine] = []
    size = limit if wanted.attempt is None else _AT_ONCE
    while len(found) < limit:
        lines = store.logs(
            run_id, wanted.key, before_seq=seq, tail=size, level=wanted.level, search=wanted.search
        )
        found = wanted.passed(lines) + found
        if len(lines) < size:
            break
        seq = lines[0].seq
    return found[-limit:]


def text_of(store: RunStore, run_id: str, wanted: Filter) -> Iterator[str]:
    """The whole log as text, piece by piece."""
    seq = 0
    while lines := after(store, run_id, wanted, seq, _AT_ONCE):
        yield "".join(map(_printed, lines))
        seq = lines[-1].seq


def _printed(line: LogLine) -> str:
    at = line.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    of = f" {line.key}" if line.key else ""
    return f"{at} {level_name(line.level):<8}{of} {line.text}\n"
