"""The gate where dbt's thread and a session wait for one another."""

from __future__ import annotations

import queue
from collections.abc import Collection
from typing import Any


class Abandoned(BaseException):
    """Unwinds dbt's thread, past every ``except Exception`` of dbt's."""


class Gate:
    """Two queues: what dbt's thread reports, and what it is ordered to do next."""

    def __init__(self) -> None:
        self.reports: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self._orders: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.hook_ended_run = False

    def report(self, kind: str, value: Any) -> None:
        self.reports.put((kind, value))

    def order(self, kind: str, value: Any) -> None:
        self._orders.put((kind, value))

    def parsed(self, task: Any) -> tuple[Collection[str] | None, bool]:
        self.report("parsed", task)
        return self._next_order()  # type: ignore[no-any-return]

    def begun(self, hook_ended_run: bool) -> None:
        self.hook_ended_run = hook_ended_run
        self.report("begun", None)
        self._next_order()

    def _next_order(self) -> Any:
        kind, value = self._orders.get()
        if kind == "abandon":
            raise Abandoned
        return value
