"""Datasets, for programs: what is there, how fresh it is, and who makes and reads it."""

from __future__ import annotations

import builtins

from orchestrator.client.connection import Connection, Json


class Datasets:
    """The datasets of the project that a server serves.

    Args:
        connection: The server.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(
        self, *, search: str | None = None, layer: str | None = None, limit: int | None = None
    ) -> builtins.list[Json]:
        """Return datasets.

        Args:
            search: Only those whose name or description holds this text.
            layer: Only of this layer.
            limit: At most so many.
        """
        found: builtins.list[Json] = self._connection.get(
            "/datasets", search=search, layer=layer, limit=limit
        )["datasets"]
        return found

    def get(self, name: str) -> Json:
        """Return a dataset with its columns, tests, readers and writers.

        Raises:
            NotFoundError: There is no such dataset.
        """
        return self._connection.get("/dataset", name=name)
