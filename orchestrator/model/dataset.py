"""Dataset identity: a table, view, file or stage under the name its SQL dialect gives it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from orchestrator.model.evidence import Evidence

#: How each dialect folds an unquoted name. Dialects not named here fold to lower case.
_UPPER = frozenset({"snowflake", "oracle", "db2", "exasol"})
_KEEP = frozenset({"mysql", "clickhouse", "bigquery", "doris", "starrocks"})
#: Dialects whose quoted names are compared without case too.
_INSENSITIVE = frozenset(
    {"duckdb", "redshift", "spark", "spark2", "databricks", "hive", "tsql", "trino", "presto"}
    | {"athena", "sqlite", "fabric", "teradata", "drill"}
)
_QUOTES = {'"': '"', "`": "`", "[": "]"}


class DatasetKind(StrEnum):
    """What sort of thing a dataset is."""

    TABLE = "table"  #: table or view; SQL does not tell them apart when it reads
    FILE = "file"  #: a path or URI
    STAGE = "stage"  #: a warehouse's stage, ``@name/path``


@dataclass(frozen=True, slots=True, order=True)
class Dataset:
    """One dataset; equal names (after folding) are one dataset.

    Args:
        catalog: Database or project, folded, or None where unknown.
        schema: Schema, folded, or None where unknown.
        name: Table name, file path or stage, folded.
        kind: Table (also view), file or stage.

    Example:
        >>> str(Dataset.parse("Raw.Orders", Namespace("snowflake", catalog="PROD")))
        'PROD.RAW.ORDERS'
    """

    catalog: str | None
    schema: str | None
    name: str
    kind: DatasetKind = DatasetKind.TABLE

    def __str__(self) -> str:
        return ".".join(part for part in (self.catalog, self.schema, self.name) if part)

    @classmethod
    def parse(cls, text: str, namespace: Namespace) -> Dataset:
        """Read a dotted name, a path or a ``@stage`` as ``namespace`` would.

        Args:
            text: ``table``, ``schema.table`` or ``catalog.schema.table``, parts quoted or not;
                a path (with a slash or a known file ending); or ``@stage/path``.
            namespace: Dialect and defaults.

        Raises:
            ValueError: The text has no name or more than three parts.
        """
        if text.startswith("@"):
            return cls(None, None, text, DatasetKind.STAGE)
        if is_path(text):
            return cls(None, None, text, DatasetKind.FILE)
        return cls.table(text, namespace)

    @classmethod
    def table(cls, text: str, namespace: Namespace) -> Dataset:
        """Read a dotted name that can only be a table's, whatever it ends in.

        Args:
            text: ``table``, ``schema.table`` or ``catalog.schema.table``, parts quoted or not.
            namespace: Dialect and defaults.

        Raises:
            ValueError: The text has no name or more than three parts.

        Example:
            >>> Dataset.table("raw.jsonl", Namespace("duckdb", "db")).name
            'jsonl'
        """
        parts = [fold(*part, namespace.dialect) for part in _split(text)]
        if not 1 <= len(parts) <= 3 or not all(parts):
            raise ValueError(f"{text!r} is not a table name of one to three parts")
        return namespace.resolve(*parts)


@dataclass(frozen=True, slots=True)
class Namespace:
    """The dialect that names are folded by, and the defaults of names that are not full.

    Args:
        dialect: sqlglot's name of the dialect (``duckdb``, ``snowflake``, ``postgres``, …).
        catalog: Default catalog, already folded.
        schema: Default schema, already folded.
    """

    dialect: str = "duckdb"
    catalog: str | None = None
    schema: str | None = None

    def resolve(self, *parts: str) -> Dataset:
        """Complete one to three folded name parts with the defaults.

        Example:
            >>> str(Namespace("duckdb", "db", "main").resolve("orders"))
            'db.main.orders'
        """
        name = parts[-1]
        schema = parts[-2] if len(parts) > 1 else self.schema
        catalog = parts[-3] if len(parts) > 2 else self.catalog
        return Dataset(catalog, schema, name)


@dataclass(frozen=True, slots=True)
class Access:
    """One dataset that a task touches, and where that is said."""

    dataset: Dataset
    evidence: Evidence


def fold(identifier: str, quoted: bool, dialect: str) -> str:
    """Fold one identifier as ``dialect`` compares it.

    Args:
        identifier: The name without its quotes.
        quoted: Whether it was quoted in the text.
        dialect: sqlglot's name of the dialect.

    Example:
        >>> fold("Orders", False, "snowflake"), fold("Orders", True, "snowflake")
        ('ORDERS', 'Orders')
    """
    if dialect in _INSENSITIVE:
        return identifier.lower()
    if quoted or dialect in _KEEP:
        return identifier
    return identifier.upper() if dialect in _UPPER else identifier.lower()


_PATH = re.compile(
    r"[/\\]|^[a-z][a-z0-9+.-]*://|\.(csv|parquet|json|jsonl|ndjson|xlsx)(\.gz)?$", re.I
)


def is_path(text: str) -> bool:
    """Tell a file path or URI from a table name.

    Example:
        >>> is_path("out/daily.csv"), is_path("raw.orders")
        (True, False)
    """
    return bool(_PATH.search(text))


def _split(text: str) -> list[tuple[str, bool]]:
    """Split a dotted name into (identifier, quoted) pairs."""
    parts: list[tuple[str, bool]] = []
    position = 0
    while position <= len(text):
        close = _QUOTES.get(text[position : position + 1])
        if close:
            end = text.find(close, position + 1)
            if end < 0:
                raise ValueError(f"{text!r} has an unclosed quote")
            parts.append((text[position + 1 : end], True))
            position = end + 2
        else:
            end = text.find(".", position)
            end = len(text) if end < 0 else end
            parts.append((text[position:end].strip(), False))
            position = end + 1
    return parts
