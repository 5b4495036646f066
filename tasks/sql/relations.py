"""How each database says what making a table, a view or an increment takes: the only SQL we write."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from orchestrator.errors import FlowError
from orchestrator.model.dataset import Dataset, fold
from orchestrator.nearest import nearest

#: Ends the name of what stands beside a table while that is made.
_NEW = "__new"
_LONGEST = 50  #: characters of a name that are kept before an ending; Postgres has 63 in all


@dataclass(frozen=True, slots=True)
class Step:
    """One statement.

    Args:
        text: The statement; the query follows it if it takes one.
        query: Whether it does.
    """

    text: str
    query: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands under a name.

    Args:
        kind: ``table``, ``view``, or None for nothing.
        needed: Whether views stand on it that would have to go with it.
    """

    kind: str | None = None
    needed: bool = False


class Relations:
    """The SQL of DuckDB, which others change where theirs differs.

    Args:
        dialect: sqlglot's name of it.
    """

    #: Whether a statement that makes or drops something commits what was done before it.
    ddl_commits = False

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect

    # -- names -----------------------------------------------------------------------------

    def name(self, dataset: Dataset) -> str:
        """A dataset's full name, quoted."""
        parts = (dataset.catalog, dataset.schema, dataset.name)
        return ".".join(quoted(part) for part in parts if part)

    def beside(self, dataset: Dataset) -> Dataset:
        """What is made beside a table."""
        return replace(dataset, name=dataset.name[:_LONGEST] + self._folded(_NEW))

    def column(self, name: str) -> str:
        """A column's name as people write it, quoted as this database folds it."""
        return quoted(self._folded(name))

    def _folded(self, name: str) -> str:
        return fold(name, False, self.dialect)

    # -- questions -------------------------------------------------------------------------

    def kind(self, dataset: Dataset) -> str:
        """The query whose only value is the kind of what stands under a name."""
        return (
            "select case when table_type like '%VIEW%' then 'view' else 'table' end"
            f" from {self._information(dataset)}.tables where {self._named(dataset)}"
        )

    def needed(self, dataset: Dataset) -> str | None:
        """The query that gives a row if views stand on a table that hold it back."""
        return None

    def schema(self, dataset: Dataset) -> str:
        """The query that gives a row if the schema of a name is there."""
        where = self._is("schema_name", dataset.schema)
        if dataset.catalog:
            where += " and " + self._is("catalog_name", dataset.catalog)
        return f"select 1 from {self._information(dataset)}.schemata where {where}"

    def columns(self, dataset: Dataset) -> str:
        """The query for the names of a table's columns."""
        return (
            f"select column_name from {self._information(dataset)}.columns"
            f" where {self._named(dataset)} order by ordinal_position"
        )

    def stage_columns(self, dataset: Dataset) -> str:
        """The query for the names of the columns of :meth:`stage`."""
        return self.columns(Dataset("temp", "main", self.beside(dataset).name))

    def _information(self, dataset: Dataset) -> str:
        return "information_schema"

    def _named(self, dataset: Dataset) -> str:
        parts = {"catalog": dataset.catalog, "schema": dataset.schema, "name": dataset.name}
        return " and ".join(self._is(f"table_{key}", part) for key, part in parts.items() if part)

    def _is(self, column: str, value: str | None) -> str:
        return f"lower({column}) = lower({text(value or '')})"

    # -- statements ------------------------------------------------------------------------

    def make_schema(self, dataset: Dataset) -> Step:
        """Make the schema of a name."""
        parts = (dataset.catalog, dataset.schema)
        return Step("create schema if not exists " + ".".join(quoted(p) for p in parts if p))

    def table(self, dataset: Dataset, standing: Standing) -> list[Step]:
        """Make a table of the query, in place of what stands there."""
        gone = [Step(f"drop view {self.name(dataset)}")] if standing.kind == "view" else []
        return [*gone, Step(f"create or replace table {self.name(dataset)} as ", query=True)]

    def view(self, dataset: Dataset, standing: Standing) -> list[Step]:
        """Make a view of the query, in place of what stands there."""
        gone = [Step(f"drop table {self.name(dataset)}")] if standing.kind == "table" else []
        return [*gone, Step(f"create or replace view {self.name(dataset)} as ", query=True)]

    def stage_name(self, dataset: Dataset) -> str:
        """Name of the temporary table for the rows that are to go into a table."""
        return f"temp.{quoted(self.beside(dataset).name)}"

    def stage(self, dataset: Dataset) -> list[Step]:
        """Make that temporary table of the query."""
        name = self.stage_name(dataset)
        return [Step(f"create or replace temporary table {name} as ", query=True)]

    def put(self, dataset: Dataset, columns: Sequence[str], key: Iterable[str] = ()) -> list[Step]:
        """Put the temporary table's rows into the table; with a key, in place of rows that have it."""
        named = ", ".join(map(quoted, columns))
        insert = Step(
            f"insert into {self.name(dataset)} ({named}) select {named} from {self.stage_name(dataset)}"
        )
        keys = [self.column(name) for name in key]
        return [self.replaced(dataset, keys), insert] if keys else [insert]

    def replaced(self, dataset: Dataset, keys: Sequence[str]) -> Step:
        """Remove the rows whose key is in the temporary table."""
        named = ", ".join(keys)
        row = f"({named})" if len(keys) > 1 else named
        return Step(
            f"delete from {self.name(dataset)} where {row} in"
            f" (select {named} from {self.stage_name(dataset)})"
        )

    def emptied(self, dataset: Dataset) -> Step:
        """Remove all rows, so that readers see the old ones until the transaction ends."""
        return Step(f"delete from {self.name(dataset)}")

    def without_key(self, dataset: Dataset, key: Iterable[str]) -> str:
        """The query that counts the temporary table's rows without a key, and keys it has twice."""
        keys = [self.column(name) for name in key]
        named, stage = ", ".join(keys), self.stage_name(dataset)
        missing = " or ".join(f"{name} is null" for name in keys)
        twice = f"select {named} from {stage} group by {named} having count(*) > 1"
        return (
            f"select (select count(*) from {stage} where {missing}),"
            f" (select count(*) from ({twice}) as twice)"
        )

    def done(self, dataset: Dataset) -> Step:
        """Remove the temporary table."""
        return Step(f"drop table if exists {self.stage_name(dataset)}")


class _Postgres(Relations):
    """A table is made beside the old one and takes its name; one that views stand on is refilled."""

    def name(self, dataset: Dataset) -> str:
        return ".".join(quoted(part) for part in (dataset.schema, dataset.name) if part)

    def needed(self, dataset: Dataset) -> str | None:
        return (
            "select 1 from pg_depend d join pg_rewrite r on r.oid = d.objid"
            " where d.classid = 'pg_rewrite'::regclass and r.ev_class <> d.refobjid"
            f" and d.refobjid = {text(self.name(dataset))}::regclass limit 1"
        )

    def _is(self, column: str, value: str | None) -> str:
        return f"{column} = {text(value or '')}"

    def make_schema(self, dataset: Dataset) -> Step:
        return Step(f"create schema if not exists {quoted(dataset.schema or '')}")

    def table(self, dataset: Dataset, standing: Standing) -> list[Step]:
        name, new = self.name(dataset), self.beside(dataset)
        if standing.kind is None:
            return [Step(f"create table {name} as ", query=True)]
        if standing.kind == "view":
            return [Step(f"drop view {name}"), Step(f"create table {name} as ", query=True)]
        return [
            Step(f"create table {self.name(new)} as ", query=True),
            Step(f"drop table {name}"),
            Step(f"alter table {self.name(new)} rename to {quoted(dataset.name)}"),
        ]

    def view(self, dataset: Dataset, standing: Standing) -> list[Step]:
        name = self.name(dataset)
        if standing.needed and standing.kind == "view":  # which must keep its columns, then
            return [Step(f"create or replace view {name} as ", query=True)]
        gone = [Step(f"drop {standing.kind} {name}")] if standing.kind else []
        return [*gone, Step(f"create view {name} as ", query=True)]

    def stage_name(self, dataset: Dataset) -> str:
        return f"pg_temp.{quoted(self.beside(dataset).name)}"

    def stage(self, dataset: Dataset) -> list[Step]:
        name = self.stage_name(dataset)
        return [self.done(dataset), Step(f"create temporary table {name} as ", query=True)]

    def stage_columns(self, dataset: Dataset) -> str:
        return (
            "select attname::text from pg_attribute where attnum > 0 and not attisdropped"
            f" and attrelid = {text(self.stage_name(dataset))}::regclass order by attnum"
        )


class _Snowflake(Relations):
    """``create or replace`` swaps at once; whatever makes or drops something commits by itself."""

    ddl_commits = True

    def kind(self, dataset: Dataset) -> str:
        place, named = self._information(dataset), self._named(dataset)
        return (  # not every server lists views among the tables
            f"select 'view' from {place}.views where {named} union all"
            f" select 'table' from {place}.tables where {named} and table_type not like '%VIEW%'"
        )

    def _information(self, dataset: Dataset) -> str:
        return (
            f"{quoted(dataset.catalog)}.information_schema"
            if dataset.catalog
            else "information_schema"
        )

    def _is(self, column: str, value: str | None) -> str:
        return f"{column} = {text((value or '').replace(chr(92), chr(92) * 2))}"

    def stage_name(self, dataset: Dataset) -> str:
        return self.name(self.beside(dataset))

    def stage(self, dataset: Dataset) -> list[Step]:
        # A temporary table would hide another of its name: this one is seen, and dropped by name.
        return [
            Step(f"create or replace transient table {self.stage_name(dataset)} as ", query=True)
        ]

    def stage_columns(self, dataset: Dataset) -> str:
        return self.columns(self.beside(dataset))


_KNOWN = {"duckdb": Relations, "postgres": _Postgres, "snowflake": _Snowflake}


def relations_of(dialect: str, *, where: str | None = None) -> Relations:
    """The SQL of a dialect.

    Args:
        dialect: sqlglot's name of it.
        where: The place that asks, for messages.

    Raises:
        FlowError: Tables are not made on databases of this dialect.

    Example:
        >>> relations_of("snowflake").name(Dataset("PROD", "RAW", "ORDERS"))
        '"PROD"."RAW"."ORDERS"'
    """
    if dialect in _KNOWN:
        return _KNOWN[dialect](dialect)
    raise FlowError(
        f"a SELECT cannot be made into a table on a database that speaks {dialect!r}",
        where=where,
        fix=nearest(dialect, _KNOWN, "known are "),
    )


def quoted(name: str) -> str:
    """A name in double quotes."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text in single quotes."""
    return "'" + value.replace("'", "''") + "'"
