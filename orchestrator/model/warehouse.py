"""The contract of a named connection: where its names live, which process owns it, how to connect."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Any, Protocol, runtime_checkable

from orchestrator.model.dataset import Namespace


@runtime_checkable
class Warehouse(Protocol):
    """A named connection, described without being opened (so that it can be sent to a worker)."""

    @property
    def name(self) -> str:
        """Its name in ``orchestrator.toml``."""

    @property
    def namespace(self) -> Namespace:
        """Dialect and default catalog and schema of names in its SQL."""

    @property
    def affinity(self) -> str | None:
        """Key of the one process that may open it (a DuckDB file has one owner), or None."""

    def connect(self) -> AbstractContextManager[Any]:
        """Open a connection for one task, closed at the end of the block."""
        ...

    def release(self, run_id: str) -> None:
        """Let go of what this process keeps open for a run that has ended."""
