"""What the processes of an agent say: gathered, masked, bounded, written to the logs of their runs."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from orchestrator.errors import NotFoundError
from orchestrator.secrets import masker
from orchestrator.store.base import RunStore
from orchestrator.store.records import LogLine

#: Lines of one run that may wait to be written; what comes on top is counted and left out.
_WAITING = 5_000
#: Characters of a line that are kept.
_LONGEST = 10_000


class Output:
    """Lines that wait to be written; may be given lines from any thread.

    Args:
        store: Where to.
    """

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._lines: dict[str, list[LogLine]] = {}
        self._left_out: dict[str, int] = {}

    def put(self, run_id: str, text: str, level: int = logging.INFO) -> None:
        """Take a line of a run's process."""
        line = LogLine(masker().mask(text[:_LONGEST]), level=level)
        with self._lock:
            waiting = self._lines.setdefault(run_id, [])
            if len(waiting) < _WAITING:
                waiting.append(line)
            else:
                self._left_out[run_id] = self._left_out.get(run_id, 0) + 1

    def flush(self) -> None:
        """Write what waits.

        Raises:
            StoreError: The store failed; what was not written is kept for the next time.
        """
        while (taken := self._take()) is not None:
            run_id, lines = taken
            try:
                with suppress(NotFoundError):  # the run was deleted
                    self._store.append_logs(run_id, lines)
            except BaseException:
                with self._lock:
                    self._lines[run_id] = [*lines, *self._lines.get(run_id, ())]
                raise

    def _take(self) -> tuple[str, list[LogLine]] | None:
        with self._lock:
            if not self._lines:
                return None
            run_id = next(iter(self._lines))
            lines = self._lines.pop(run_id)
            left_out = self._left_out.pop(run_id, 0)
        if left_out:
            lines.append(LogLine(f"({left_out} lines left out)", level=logging.WARNING))
        return run_id, lines
