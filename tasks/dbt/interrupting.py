"""Interrupting what runs in the warehouse, until it is quiet: between two statements none is heard."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection

_log = logging.getLogger(__name__)
_AGAIN = 0.2  # seconds: a node between two statements escapes a single interrupt


class Interrupting:
    """Interrupts one node or all of them, now and again while they run.

    Args:
        interrupt: Interrupts a node by its unique id; all that run where it gets None.
        running: Unique ids of the nodes that run.
    """

    def __init__(
        self, interrupt: Callable[[str | None], None], running: Callable[[], Collection[str]]
    ) -> None:
        self._interrupt, self._running = interrupt, running
        self._threads: list[threading.Thread] = []
        self._ended = False

    def until_quiet(self, unique_id: str | None) -> None:
        """Begin, and return at once."""
        self._once(unique_id)
        thread = threading.Thread(
            target=self._again, args=(unique_id,), name="dbt-cancel", daemon=True
        )
        self._threads.append(thread)
        thread.start()

    def end(self) -> None:
        """Interrupt nothing from here on: dbt's adapter is about to be forgotten."""
        self._ended = True
        for thread in self._threads:
            thread.join()

    def _again(self, unique_id: str | None) -> None:
        while not self._ended and self._runs(unique_id):
            time.sleep(_AGAIN)
            self._once(unique_id)

    def _runs(self, unique_id: str | None) -> bool:
        running = self._running()
        return unique_id in running if unique_id else bool(running)

    def _once(self, unique_id: str | None) -> None:
        try:
            self._interrupt(unique_id)
        except Exception:
            _log.exception("the warehouse could not be told to stop")
