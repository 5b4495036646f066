"""A warehouse of a dbt profile that only dbt connects to: its names are known, its connections are not."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from orchestrator.errors import ConfigurationError
from orchestrator.model.dataset import Namespace, fold


@dataclass(frozen=True)
class DbtWarehouse:
    """The target of a dbt profile whose adapter has no connection for SQL and Python tasks.

    dbt nodes run on it as on any other, and names in SQL are read in its dialect.

    Args:
        name: Its name in ``orchestrator.toml``.
        adapter: dbt's name of the adapter.
        catalog: The target's database.
        schema: The target's schema.
    """

    name: str
    adapter: str
    catalog: str | None = None
    schema: str | None = None
    affinity: str | None = None

    @property
    def namespace(self) -> Namespace:
        """The adapter's dialect, with the target's database and schema as the defaults."""
        parts = (self.catalog, self.schema)
        folded = [part and fold(part, False, self.adapter) for part in parts]
        return Namespace(self.adapter, *folded)

    def release(self, run_id: str) -> None:
        """Nothing is kept open."""

    def connect(self) -> AbstractContextManager[Any]:
        """Refuse: there is no connection.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(
            f"SQL and Python tasks cannot connect to {self.adapter} through a dbt profile",
            where=f"warehouse {self.name!r}",
            fix="make it a dbt model, or give the task a warehouse of another type",
        )
