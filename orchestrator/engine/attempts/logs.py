"""Gathers what an attempt says into batches, so that a chatty task does not flood the driver."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

from orchestrator import instants

Line = tuple[datetime, str, str]
#: Seconds a line may wait for company before it is sent.
_PATIENCE = 0.15
_BATCH = 200


class LineBuffer:
    """Collects lines and sends them in batches, each soon after it was said.

    Args:
        send: Takes a batch; called from any thread, one call at a time.
    """

    def __init__(self, send: Callable[[tuple[Line, ...]], None]) -> None:
        self._send = send
        self._lines: list[Line] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None

    def add(self, level: str, text: str) -> None:
        """Add one line."""
        with self._lock:
            self._lines.append((instants.now(), level, text))
            if len(self._lines) >= _BATCH:
                self._flush()
            elif self._timer is None:
                self._timer = threading.Timer(_PATIENCE, self._later)
                self._timer.daemon = True
                self._timer.start()

    def close(self) -> None:
        """Send what is left."""
        with self._lock:
            self._flush()

    def _later(self) -> None:
        with self._lock:
            self._flush()

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._lines:
            batch, self._lines = tuple(self._lines), []
            self._send(batch)
