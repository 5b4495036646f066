"""What a Postgres database has: the columns of its tables and views, and what stands behind views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from psycopg import Connection

from orchestrator.model.dataset import Dataset, Namespace

_COLUMNS = """
SELECT n.nspname, c.relname, array_agg(a.attname::text ORDER BY a.attnum)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
GROUP BY n.nspname, c.relname
"""
#: A view's rule depends on all that the view reads, its own columns aside.
_BEHIND = """
WITH RECURSIVE named AS (
    SELECT place::int AS position, to_regclass(name) AS found
    FROM unnest(%s::text[]) WITH ORDINALITY AS given (name, place)
), seen (position, found) AS (
    SELECT position, found::oid FROM named WHERE found IS NOT NULL
    UNION
    SELECT s.position, d.refobjid
    FROM seen s
    JOIN pg_rewrite r ON r.ev_class = s.found
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> s.found
)
SELECT s.position, n.nspname, c.relname
FROM seen s JOIN pg_class c ON c.oid = s.found JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') ORDER BY 1, 2, 3
"""


def columns_of(connection: Connection[Any], namespace: Namespace) -> dict[Dataset, tuple[str, ...]]:
    """Ask for the columns of every table and view, in their order."""
    rows = connection.execute(_COLUMNS).fetchall()
    return {Dataset(namespace.catalog, schema, name): tuple(cols) for schema, name, cols in rows}


def behind(
    connection: Connection[Any], names: Sequence[Dataset], namespace: Namespace
) -> Iterator[tuple[Dataset, Dataset]]:
    """The tables that stand behind views, each with the view that was named."""
    from tasks.postgres.opening import quoted

    here = [name for name in names if name.catalog == namespace.catalog]
    texts = [".".join(quoted(part) for part in (n.schema, n.name) if part) for n in here]
    for position, schema, name in connection.execute(_BEHIND, [texts]).fetchall():
        table = Dataset(namespace.catalog, schema, name)
        if table != here[position - 1]:
            yield here[position - 1], table
