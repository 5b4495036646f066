"""Names and the session: how a written name becomes a dataset, given USE, search_path and temps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.errors import ConfigurationError
from orchestrator.model.dataset import Dataset, DatasetKind, Namespace, fold, is_path
from orchestrator.nearest import did_you_mean

#: Names people use for dialects, and the name that stands for them here.
_SYNONYMS = {
    "ansi": "",
    "generic": "",
    "azuresql": "tsql",
    "cockroachdb": "postgres",
    "greenplum": "postgres",
    "impala": "hive",
    "mariadb": "mysql",
    "mssql": "tsql",
    "postgresql": "postgres",
    "sparksql": "spark",
    "sqlserver": "tsql",
    "synapse": "tsql",
    "vertica": "postgres",
}
#: Dialects of the parser; listed here so that no parser need be loaded to check a name.
DIALECTS = frozenset(
    {"", "athena", "bigquery", "clickhouse", "databricks", "doris", "dremio", "drill", "druid"}
    | {"duckdb", "dune", "exasol", "fabric", "hive", "materialize", "mysql", "oracle", "postgres"}
    | {"presto", "redshift", "risingwave", "snowflake", "spark", "spark2", "sqlite", "starrocks"}
    | {"tableau", "teradata", "trino", "tsql"}
)
#: Dialects that fold names in their own way but are read as another one.
_READ_AS = {"db2": "", "athena": "trino"}
#: Other dialects in which statements of a dialect may be written.
_ALSO = {"athena": ("hive",)}
#: Dialects in which ``USE x`` names the catalog; in the others it names the schema.
_USE_IS_CATALOG = frozenset({"", "snowflake", "tsql", "fabric"})
#: The schema that is current right after the catalog was changed, or meant by ``db..table``.
_FIRST_SCHEMA = {"snowflake": "PUBLIC", "tsql": "dbo", "fabric": "dbo"}
#: Dialects with a one-row table of that name.
_DUAL = frozenset({"oracle", "mysql", "snowflake", "db2", "hive", "spark", "databricks"})
#: Dialects that tell tables apart by case, but not columns.
_COLUMNS_INSENSITIVE = frozenset({"bigquery", "mysql", "doris", "starrocks"})
_FORMATS = frozenset({"parquet", "delta", "csv", "json", "orc", "avro", "text", "iceberg"})


def canonical_dialect(name: str) -> str:
    """Bring the name of a dialect into the form used everywhere here.

    Args:
        name: As a person wrote it, such as ``PostgreSQL`` or ``mssql``.

    Raises:
        ConfigurationError: No such dialect.
    """
    lowered = name.strip().lower()
    wanted = _SYNONYMS.get(lowered, lowered)
    if wanted in _READ_AS or wanted in DIALECTS:
        return wanted
    instead = "name a dialect such as duckdb or snowflake"
    raise ConfigurationError(
        f"there is no SQL dialect {name!r}",
        fix=did_you_mean(wanted, [*DIALECTS, *_SYNONYMS], instead),
    )


def parser_dialect(dialect: str) -> str:
    """The sqlglot dialect that reads texts of ``dialect`` (already canonical)."""
    return _READ_AS.get(dialect, dialect)


def other_dialects(dialect: str) -> tuple[str, ...]:
    """The sqlglot dialects to try, in order, for what cannot be read in its own."""
    return tuple(dict.fromkeys((parser_dialect(dialect), *_ALSO.get(dialect, ()), "")))


def fold_default(name: str | None, dialect: str) -> str | None:
    """Fold a default catalog or schema as the dialect folds an unquoted name.

    Args:
        name: The name; in double quotes it is kept as it stands.
        dialect: Canonical dialect.
    """
    if not name:
        return None
    if len(name) > 2 and name[0] == name[-1] == '"':
        return fold(name[1:-1], True, dialect)
    return fold(name, False, dialect)


#: Dialects in which ``"t$files"`` and the like tell of a table.
_WITH_METADATA = frozenset({"trino", "presto", "athena"})


class Session:
    """What the statements so far have set: defaults, search path, temporary tables.

    Args:
        dialect: Canonical dialect.
        catalog: Default catalog, folded.
        schema: Default schema, folded.
    """

    def __init__(self, dialect: str, catalog: str | None = None, schema: str | None = None) -> None:
        self.dialect = dialect
        self.catalog = catalog
        self.schema = schema
        self.known: set[Dataset] = set()
        self.attached: set[str] = set()
        self.variables: dict[str, str] = {}
        self._hearsay: list[str] = []
        self._path: tuple[str, ...] = ()
        self._temporary: dict[str, Dataset] = {}

    def know(self, names: Iterable[str]) -> None:
        """Note tables that exist; they settle which entry of a search path a name means."""
        self._hearsay.extend(names)

    def fold(self, text: str, quoted: bool) -> str:
        """Fold one identifier."""
        return fold(text, quoted, self.dialect)

    def column(self, text: str, quoted: bool) -> str:
        """Fold the name of a column."""
        if self.dialect in _COLUMNS_INSENSITIVE:
            return text.lower()
        return fold(text, quoted, self.dialect)

    def table(self, parts: Sequence[tuple[str, bool]]) -> Dataset | None:
        """The dataset that a written name means, or None where the name means no table.

        Args:
            parts: (text, quoted) of each part, the table last.
        """
        last, quoted = parts[-1]
        if last.startswith("@"):
            return Dataset(None, None, last, DatasetKind.STAGE)
        if quoted and is_path(last) and self._may_be_path(parts):
            return Dataset(None, None, last, DatasetKind.FILE)
        folded = [self.fold(*part) for part in parts]
        if folded[-1].startswith("#"):
            return Dataset(None, None, folded[-1])
        if self.dialect == "bigquery" and "$" in folded[-1]:
            folded[-1] = folded[-1].split("$")[0]  # a partition is part of its table
        if self.dialect in _WITH_METADATA and "$" in folded[-1].strip("$"):
            folded[-1] = folded[-1].split("$")[0]  # such as "t$partitions", which tells of t
        if len(folded) == 1:
            return self._bare(folded[0])
        if not folded[-2]:
            folded[-2] = _FIRST_SCHEMA.get(self.dialect, self.schema or "")
        if len(folded) > 3:
            folded = [".".join(folded[:-2]), *folded[-2:]]
        return Namespace(self.dialect, self.catalog, self.schema).resolve(*folded)

    def created(self, dataset: Dataset, temporary: bool) -> None:
        """Note that a table came to be, so that later names can mean it."""
        self.known.add(dataset)
        if temporary:
            self._temporary[dataset.name] = dataset
        else:
            self._temporary.pop(dataset.name, None)

    def dropped(self, dataset: Dataset) -> None:
        """Note that a table is gone."""
        self.known.discard(dataset)
        if self._temporary.get(dataset.name) == dataset:
            del self._temporary[dataset.name]

    def is_temporary(self, dataset: Dataset) -> bool:
        """Whether the name stands for a temporary table at this point."""
        return self._temporary.get(dataset.name) == dataset

    def use(self, parts: Sequence[tuple[str, bool]], kind: str) -> None:
        """Follow ``USE [kind] name``.

        Args:
            parts: (text, quoted) of each part of the name.
            kind: ``DATABASE``, ``SCHEMA``, ``CATALOG``, … or empty.
        """
        folded = [self.fold(*part) for part in parts]
        if kind not in ("", "DATABASE", "SCHEMA", "CATALOG"):
            return
        if len(folded) > 1:
            self.catalog, self.schema = folded[-2], folded[-1]
        elif self._names_catalog(folded[0], kind):
            self.catalog = folded[0]
            if self.schema and self.dialect in _FIRST_SCHEMA:
                self.schema = _FIRST_SCHEMA[self.dialect]
        elif folded[0] == "default" and self.dialect in ("hive", "spark", "databricks"):
            self.schema = None
        else:
            self.schema = folded[0]
        self._path = ()

    def search(self, path: Sequence[str]) -> None:
        """Follow ``SET search_path``.

        Args:
            path: Folded schemas in order; ``$user`` and ``pg_*`` entries are passed over.
        """
        for name in self._hearsay:
            dataset = self.table([(part, False) for part in name.split(".")])
            if dataset:
                self.known.add(dataset)
        self._hearsay = []
        self._path = tuple(name for name in path if name != "$user" and not name.startswith("pg_"))
        if self._path:
            self.schema = self._path[0]

    def _names_catalog(self, name: str, kind: str) -> bool:
        if kind == "DATABASE":
            return self.dialect in _USE_IS_CATALOG
        if self.dialect == "duckdb" and not kind:
            return name in self.attached or name in (self.catalog, "memory")
        return kind == "CATALOG" or (not kind and self.dialect in _USE_IS_CATALOG)

    def _bare(self, name: str) -> Dataset | None:
        if name in self._temporary:
            return self._temporary[name]
        if name.lower() == "dual" and self.dialect in _DUAL:
            return None
        for schema in self._path[1:] and self._path:
            candidate = Dataset(self.catalog, schema, name)
            if candidate in self.known:
                return candidate
        return Dataset(self.catalog, self.schema, name)

    def _may_be_path(self, parts: Sequence[tuple[str, bool]]) -> bool:
        if len(parts) == 1:
            return "://" in parts[0][0] or self.dialect in ("duckdb", "spark", "databricks", "hive")
        return len(parts) == 2 and parts[0][0].lower() in _FORMATS
