"""What a Snowflake database has: the columns of its tables and views."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import TYPE_CHECKING

from orchestrator.model.dataset import Dataset, Namespace
from tasks.snowflake.names import quoted

if TYPE_CHECKING:
    from tasks.snowflake.connection import Connection

_COLUMNS = """
SELECT table_schema, table_name, column_name
FROM {database}information_schema.columns
WHERE table_schema <> 'INFORMATION_SCHEMA'
ORDER BY table_schema, table_name, ordinal_position
"""


def columns_of(connection: Connection, namespace: Namespace) -> dict[Dataset, tuple[str, ...]]:
    """Ask for the columns of every table and view, in their order."""
    database = f"{quoted(namespace.catalog)}." if namespace.catalog else ""
    with connection.cursor() as cursor:
        cursor.execute(_COLUMNS.format(database=database))
        rows = [(str(row[0]), str(row[1]), str(row[2])) for row in cursor]
    return {
        Dataset(namespace.catalog, schema, name): tuple(row[2] for row in found)
        for (schema, name), found in groupby(rows, key=lambda row: row[:2])
    }


_VIEWS = """
SELECT table_schema, table_name, view_definition
FROM {database}information_schema.views
WHERE table_schema <> 'INFORMATION_SCHEMA'
"""


def behind(
    connection: Connection, names: Iterable[Dataset], namespace: Namespace
) -> Iterator[tuple[Dataset, Dataset]]:
    """The tables that stand behind views, each with the view that was named.

    Views of the warehouse's own database count; what another's read is not asked for.
    """
    from orchestrator.lineage import analyze_sql

    database = f"{quoted(namespace.catalog)}." if namespace.catalog else ""
    with connection.cursor() as cursor:
        cursor.execute(_VIEWS.format(database=database))
        texts = {
            Dataset(namespace.catalog, str(row[0]), str(row[1])): str(row[2] or "")
            for row in cursor
        }

    def tables(view: Dataset, seen: set[Dataset]) -> Iterator[Dataset]:
        seen.add(view)
        read = analyze_sql(
            texts[view], dialect="snowflake", default_catalog=view.catalog,
            default_schema=view.schema,
        ).reads  # fmt: skip
        for found in sorted(read - seen):
            yield from tables(found, seen) if found in texts else (found,)

    for name in names:
        if name in texts:
            yield from ((name, table) for table in tables(name, set()))
