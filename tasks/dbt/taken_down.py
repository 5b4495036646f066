"""The statements that dbt ran for a node, or for hooks, taken down where the attempt wants it so."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from orchestrator.model import context
from orchestrator.model.dataset import Namespace
from orchestrator.model.executed import StatementRecorder


class TakenDown:
    """The recorders of what runs now, by the name of dbt's connection: the node's.

    Args:
        namespace: Where names without schema belong; asked once there is something to take down.
    """

    def __init__(self, namespace: Callable[[], Namespace]) -> None:
        self._namespace = namespace
        self._recorders: dict[str | None, StatementRecorder] = {}  # None: of what is no node

    @contextmanager
    def during(self, unique_id: str | None) -> Iterator[StatementRecorder | None]:
        """Take down for the attempt of this thread what runs in the block; None is for hooks."""
        running = context.active()
        recorder = running.executed if running is not None else None
        if recorder is not None:
            self._recorders[unique_id] = recorder
        try:
            yield recorder
        finally:
            self._recorders.pop(unique_id, None)

    def add(self, connection: str | None, sql: str) -> None:
        """Take down a statement."""
        recorder = self._recorders.get(connection) or self._recorders.get(None)
        if recorder is not None:
            recorder.add(sql, self._namespace())
