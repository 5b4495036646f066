"""Rows that cannot be read: counted, kept aside in a file of their own, told with their lines."""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from typing import IO, Any

from orchestrator.errors import OrchestratorError
from tasks.files.task import counted

#: Broken rows that are taken down beyond the limit, before reading stops.
MORE = 100
_TOLD = 10  #: broken rows that an error names
_LONGEST = 200  #: characters of a row that an error shows
_HEADER = ("file", "line", "reason", "row")


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """A row that cannot be read.

    Args:
        file: Address of its file.
        line: Line (of an Excel sheet: row) that it begins at, counted from 1.
        reason: What is wrong with it.
        text: The row as it stands there.
    """

    file: str
    line: int
    reason: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class TooManyBroken(OrchestratorError):  # noqa: N818 - says what it is
    """Raised inside a load when more rows are broken than may be."""


class BrokenRows:
    """The broken rows of one load.

    Args:
        path: Local file that they are written to when the first one comes.
        limit: How many there may be; None for any number.
    """

    def __init__(self, path: str, limit: int | None) -> None:
        self.path = path
        self.limit = limit
        self.count = 0
        self.first: list[BrokenRow] = []
        self.by_file: dict[str, int] = {}
        self._file: IO[str] | None = None
        self._writer: Any = None

    def add(self, file: str, line: int, reason: str, row: str | bytes) -> None:
        """Take one down.

        Raises:
            TooManyBroken: There are so many beyond the limit that reading on makes no sense.
        """
        text = row if isinstance(row, str) else row.decode("utf-8", "backslashreplace")
        found = BrokenRow(file, line, reason, text.rstrip("\r\n"))
        if self._file is None:
            self._open()
        self._writer.writerow((found.file, found.line, found.reason, found.text))
        self.count += 1
        self.by_file[file] = self.by_file.get(file, 0) + 1
        if len(self.first) < _TOLD:
            self.first.append(found)
        if self.limit is not None and self.count >= self.limit + MORE:
            self.check()

    def check(self) -> None:
        """Look at the limit.

        Raises:
            TooManyBroken: There are more than there may be.
        """
        if self.limit is not None and self.count > self.limit:
            raise TooManyBroken(self.told())

    def told(self) -> str:
        """All that is known, for an error."""
        least = "at least " if self.limit is not None and self.count >= self.limit + MORE else ""
        allowed = f"max_broken is {self.limit}" if self.limit else "none may be"
        head = f"{least}{counted(self.count, 'row')} cannot be read ({allowed}): nothing was loaded"
        lines = [f"  {row}   {row.text[:_LONGEST]!r}" for row in self.first]
        if self.count > len(lines):
            lines.append(f"  … and {self.count - len(lines)} more")
        return "\n".join([head, *lines, f"all of them: {self.path}"])

    def close(self) -> None:
        """End the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        os.makedirs(os.path.dirname(self.path) or ".", exist_ok=True)
        handle = os.open(self.path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
        self._file = os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(_HEADER)
