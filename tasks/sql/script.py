"""A SQL text that is ready to run: where it comes from, and what is to become of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Transaction(StrEnum):
    """What holds a script's statements together."""

    ON = "on"  #: one transaction around the script, unless it has statements of its own for that
    OFF = "off"  #: each statement stands for itself


class Materialized(StrEnum):
    """What a bare SELECT is made into."""

    TABLE = "table"  #: made anew at each run
    VIEW = "view"
    INCREMENTAL = "incremental"  #: a table made once, to which each run adds


class Severity(StrEnum):
    """What a check that does not hold does to its task."""

    ERROR = "error"  #: fails it, and so keeps from running what reads the data
    WARN = "warn"  #: only says so


@dataclass(frozen=True, slots=True)
class Script:
    """A SQL text ready to run.

    Args:
        text: The statements.
        file: Path relative to the project, for messages; None for a text of a flow's module.
        place: Where a text without a file of its own stands.
        transaction: What holds its statements together.
        lines: For each line of a rendered text, the line of the template; empty if it is none.
    """

    text: str
    file: str | None = None
    place: str | None = None
    transaction: Transaction = Transaction.ON
    lines: tuple[int, ...] = ()

    def line(self, line: int) -> int:
        """Line of the file that a line of the text comes from."""
        return self.lines[line - 1] if 0 < line <= len(self.lines) else line

    def at(self, line: int) -> str:
        """Name the place of a line of the text."""
        if self.file:
            return f"{self.file}:{self.line(line)}"
        return f"{self.place or 'SQL'}, line {line} of the SQL"
