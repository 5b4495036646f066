"""A temporary database as a test sees it: give it tables, run SQL, look at rows."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from orchestrator.errors import NotFoundError, UsageError
from orchestrator.model.dataset import Dataset, DatasetKind
from orchestrator.model.warehouse import Warehouse
from orchestrator.nearest import did_you_mean
from orchestrator.testing.loading import Rows, fetched, load


class SampleWarehouse:
    """One of the temporary DuckDB databases that stand in for a project's warehouses.

    Args:
        warehouse: How to connect.
        folders: Where files of rows are looked for.
    """

    def __init__(self, warehouse: Warehouse, folders: Sequence[Path] = ()) -> None:
        self.name, self._warehouse, self._folders = warehouse.name, warehouse, tuple(folders)

    def connect(self) -> AbstractContextManager[Any]:
        """Open a DuckDB connection, closed at the end of the block."""
        return self._warehouse.connect()

    def execute(self, sql: str) -> None:
        """Run SQL, of any number of statements."""
        with self.connect() as connection:
            connection.execute(sql)

    def query(self, sql: str) -> Rows:
        """Run a query; gives its rows as mappings."""
        with self.connect() as connection:
            return fetched(connection, sql)

    def load(self, name: str, rows: Any) -> None:
        """Make a table of rows, in place of what stands under its name.

        Args:
            name: ``table`` or ``schema.table``; a missing schema is made.
            rows: Mappings, a file (``"orders.csv"``), a query, Arrow or a data frame.

        Raises:
            UsageError: The rows cannot be read.
        """
        self.put(self.dataset(name), rows)

    def put(self, dataset: Dataset, rows: Any) -> None:
        """As :meth:`load`, with the name read already."""
        what = f"the rows given for {_short(dataset)}"
        with self.connect() as connection:
            connection.execute(f"create schema if not exists {_place(dataset, to=2)}")
            self._drop(connection, dataset)
            load(connection, _place(dataset), rows, what=what, folders=self._folders)

    def table(self, name: str) -> Rows:
        """The rows of a table or view, as mappings.

        Raises:
            NotFoundError: There is none of that name.
        """
        dataset = self.dataset(name)
        with self.connect() as connection:
            if self._kind(connection, dataset) is None:
                raise self._not_found(name)
            return fetched(connection, f"select * from {_place(dataset)}")

    def tables(self) -> list[str]:
        """Names of all tables and views, with their schemas."""
        with self.connect() as connection:
            found = connection.execute(
                "select table_schema || '.' || table_name from information_schema.tables "
                "where table_catalog = current_database() order by 1"
            )
            return [row[0] for row in found.fetchall()]

    def has(self, name: str) -> bool:
        """Whether there is a table or view of that name."""
        with self.connect() as connection:
            return self._kind(connection, self.dataset(name)) is not None

    def dataset(self, name: str) -> Dataset:
        """Read a table's name as SQL here does."""
        try:
            found = Dataset.parse(name, self._warehouse.namespace)
        except ValueError as error:
            raise UsageError(str(error), fix="write table or schema.table") from None
        if found.kind is not DatasetKind.TABLE:
            raise UsageError(f"{name!r} is no name of a table", fix="write schema.table")
        return found

    def _kind(self, connection: Any, dataset: Dataset) -> str | None:
        row = connection.execute(
            "select table_type from information_schema.tables where lower(table_name) = lower(?) "
            "and lower(table_schema) = lower(?) and lower(table_catalog) = lower(?)",
            [dataset.name, dataset.schema, dataset.catalog],
        ).fetchone()
        return row and str(row[0])

    def _drop(self, connection: Any, dataset: Dataset) -> None:
        kind = self._kind(connection, dataset)
        if kind is not None:
            word = "view" if "VIEW" in kind else "table"
            connection.execute(f"drop {word} {_place(dataset)}")

    def _not_found(self, name: str) -> NotFoundError:
        known = self.tables()
        there = "there is " + (", ".join(known) or "no table at all")
        return NotFoundError(
            f"there is no table {name!r} after the run",
            where=f"warehouse {self.name}",
            fix=did_you_mean(name, known, there),
        )


def _place(dataset: Dataset, to: int = 3) -> str:
    parts = (dataset.catalog, dataset.schema, dataset.name)[:to]
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts if part)


def _short(dataset: Dataset) -> str:
    return ".".join(part for part in (dataset.schema, dataset.name) if part)
