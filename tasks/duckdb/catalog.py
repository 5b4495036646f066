"""The columns that a DuckDB file has, read without waiting and without writing."""

from __future__ import annotations

import os
from typing import Any

from orchestrator.errors import ConfigurationError, WarehouseBusyError
from orchestrator.model.dataset import Dataset, fold
from tasks.duckdb.opening import MEMORY, Opening

_COLUMNS = """
select database_name, schema_name, table_name, list(column_name order by column_index)
from duckdb_columns() where not internal group by all
"""


def columns_of(opening: Opening) -> dict[Dataset, tuple[str, ...]]:
    """Ask a file for its columns.

    Args:
        opening: The file; databases that would be attached to it are left out.

    Raises:
        WarehouseBusyError: Another process holds the file.
        ConfigurationError: There is no file yet, or it cannot be opened as configured.
    """
    if opening.path == MEMORY:
        raise ConfigurationError("a database in memory has no columns yet", where=MEMORY)
    if os.path.isabs(opening.path) and not os.path.exists(opening.path):
        raise ConfigurationError("the database is not built yet", where=opening.path)
    return {
        Dataset(_folded(catalog), _folded(schema), _folded(name)): tuple(columns)
        for catalog, schema, name, columns in _asked(opening)
    }


def _folded(name: str) -> str:
    return fold(name, True, "duckdb")


def _asked(opening: Opening) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        with duckdb.connect(
            opening.path, read_only=True, config=opening.connect_options()
        ) as connection:
            return connection.execute(_COLUMNS).fetchall()
    except duckdb.Error as error:
        said = str(error).splitlines()[0]
        if "Could not set lock on file" in said:
            raise WarehouseBusyError(
                "the database is held by another process",
                where=opening.path,
                fix="end that process, or ask again later",
            ) from None
        raise ConfigurationError(
            f"the database cannot be opened: {said}", where=opening.path
        ) from None
