"""Lineage of a SQL text: statement by statement, then as a whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from orchestrator.lineage.sql.effects import Request, SqlLineage, StatementEffect
from orchestrator.lineage.sql.names import canonical_dialect, fold_default
from orchestrator.lineage.sql.net import net_effect

#: {"catalog.schema.table": ["column", …]}; shorter names are completed with the defaults.
Schema = Mapping[str, Sequence[str]]


def analyze_sql(
    sql: str,
    *,
    dialect: str,
    default_catalog: str | None = None,
    default_schema: str | None = None,
    schema: Schema | None = None,
) -> SqlLineage:
    """Say which datasets a SQL text reads and writes, and from which column each column comes.

    Args:
        sql: One statement or a whole script.
        dialect: The dialect it is written in, such as ``duckdb`` or ``snowflake``.
        default_catalog: Catalog of names that have none; folded as an unquoted name is, unless it
            stands in double quotes.
        default_schema: Schema of names that have none, in the same way.
        schema: Columns of the tables that are known, by dotted name.

    Returns:
        The lineage. A statement that cannot be read is reported in ``errors`` with its line, and
        the others still count.

    Raises:
        ConfigurationError: The dialect is not known.

    Example:
        >>> lineage = analyze_sql("insert into daily select day from raw.orders", dialect="duckdb")
        >>> [str(d) for d in lineage.reads], [str(d) for d in lineage.writes]
        (['raw.orders'], ['daily'])
    """
    request = make_request(
        sql,
        dialect=dialect,
        default_catalog=default_catalog,
        default_schema=default_schema,
        schema=schema,
    )
    return lineage_of(request, read_statements(request))


def make_request(
    sql: str,
    *,
    dialect: str,
    default_catalog: str | None = None,
    default_schema: str | None = None,
    schema: Schema | None = None,
) -> Request:
    """Bring the arguments of ``analyze_sql`` into one comparable value.

    Raises:
        ConfigurationError: The dialect is not known.
    """
    canonical = canonical_dialect(dialect)
    known = tuple((name, tuple(columns)) for name, columns in (schema or {}).items())
    catalog = fold_default(default_catalog, canonical)
    return Request(sql, canonical, catalog, fold_default(default_schema, canonical), known)


def read_statements(request: Request) -> tuple[StatementEffect, ...]:
    """Read the text of a request, without any cache."""
    from orchestrator.lineage.sql.reader import read

    return read(request)


def lineage_of(request: Request, statements: tuple[StatementEffect, ...]) -> SqlLineage:
    """Draw the net effect from the effects of the statements."""
    net = net_effect(statements)
    errors = tuple(statement.error for statement in statements if statement.error)
    return SqlLineage(request, net.reads, net.writes, net.drops, statements, errors)
