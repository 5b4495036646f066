"""The lines that dbt logs: handed on at once, and the last ones of each node kept for its result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from tasks.dbt import failures

_log = logging.getLogger(__name__)
OnLog = Callable[[str | None, str, str], None]

_MOST = 500


class NodeLines:
    """Takes dbt's lines from whichever thread dbt logs in.

    Args:
        on_log: Called with (unique id or ``None``, level, text); what it raises is logged.
    """

    def __init__(self, on_log: OnLog | None) -> None:
        self._on_log = on_log
        self._lines: dict[str, list[str]] = {}

    def add(self, unique_id: str | None, level: str, text: str) -> None:
        """Take a line."""
        text = failures.clean(text, lines=_MOST)
        if unique_id is not None:
            lines = self._lines.setdefault(unique_id, [])
            del lines[: max(0, len(lines) - _MOST)]
            lines.append(text)
        if self._on_log is not None:
            try:
                self._on_log(unique_id, level, text)
            except Exception:
                _log.exception("the receiver of dbt's log lines failed; the line is dropped")

    def of(self, unique_id: str) -> Sequence[str]:
        """Hand out the lines of a node, and forget them."""
        return self._lines.pop(unique_id, ())
