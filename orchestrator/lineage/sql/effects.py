"""What SQL does to datasets: the effects of one statement, and the lineage of a whole script."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from orchestrator.model.dataset import Dataset

#: One column edge: source dataset and column, target dataset and column.
ColumnEdge = tuple[Dataset, str, Dataset, str]


class StatementKind(StrEnum):
    """What sort of statement it is."""

    SELECT = "select"
    CREATE = "create"  #: a table without a query
    CREATE_AS = "create_as"  #: a table from a query, a clone, or in the likeness of another
    VIEW = "view"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    COPY = "copy"  #: COPY, LOAD, UNLOAD, EXPORT
    TRUNCATE = "truncate"
    DROP = "drop"
    ALTER = "alter"
    RENAME = "rename"
    SWAP = "swap"
    STAGE = "stage"
    SESSION = "session"  #: USE, SET
    CONTROL = "control"  #: a condition, a loop head, an assignment inside a block
    ROUTINE = "routine"  #: the head of a procedure, function, task or trigger
    CACHE = "cache"  #: Spark's CACHE TABLE
    OTHER = "other"  #: GRANT, COMMIT, SHOW and the like: no data moves
    UNKNOWN = "unknown"  #: could not be read; see the error


class Role(StrEnum):
    """What a statement does with a dataset that stands in it."""

    READ = "read"
    WRITE = "write"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the text a dataset stands.

    Args:
        role: What the statement does with it.
        dataset: The dataset.
        line: Line of the text, counted from 1.
    """

    role: Role
    dataset: Dataset
    line: int


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """One statement, or one name in it, that could not be read.

    Args:
        message: What is wrong.
        line: Line of the text, counted from 1.
        column: Column of that line, counted from 1.
        statement: Beginning of the statement.
    """

    message: str
    line: int
    column: int
    statement: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.message}"


@dataclass(frozen=True, slots=True)
class StatementEffect:
    """What one statement does.

    Args:
        kind: What sort of statement it is.
        line: Line it begins at, counted from 1.
        reads: Datasets whose rows it reads.
        writes: Datasets whose content or definition it sets; includes ``creates``.
        creates: Datasets that exist after it by its own doing.
        drops: Datasets that are gone after it.
        renames: (old, new) names.
        swaps: Pairs of datasets that exchange their names.
        temporary: What it creates lives only as long as the session.
        error: Why it could not be read; the other fields are then empty.
        replaces: Datasets whose former content is gone (truncate, overwrite).
        unused: The part of ``reads`` that only unused common table expressions name.
        conditional: ``IF NOT EXISTS``: what it creates may have been there before.
        deferred: It stands in the body of a routine and runs when that is called.
        places: Where the datasets stand.
    """

    kind: StatementKind
    line: int
    reads: frozenset[Dataset] = frozenset()
    writes: frozenset[Dataset] = frozenset()
    creates: frozenset[Dataset] = frozenset()
    drops: frozenset[Dataset] = frozenset()
    renames: tuple[tuple[Dataset, Dataset], ...] = ()
    swaps: tuple[tuple[Dataset, Dataset], ...] = ()
    temporary: bool = False
    error: SqlProblem | None = None
    replaces: frozenset[Dataset] = frozenset()
    unused: frozenset[Dataset] = frozenset()
    conditional: bool = False
    deferred: bool = False
    places: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """A SQL text and all that its meaning depends on.

    Args:
        sql: The text.
        dialect: sqlglot's name of the dialect.
        catalog: Default catalog, folded.
        schema: Default schema, folded.
        known: (dotted table name, its columns) of the tables whose columns are known.
    """

    sql: str
    dialect: str
    catalog: str | None = None
    schema: str | None = None
    known: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnFlow:
    """One column that a statement produces, and what goes into it.

    Args:
        statement: Index of the statement in ``SqlLineage.statements``.
        target: Dataset that is written, or None for the output of a query.
        column: Name of the column; ``*`` stands for columns that are not known by name, and the
            text of the expression for one without a name.
        sources: (dataset, column) of everything that goes into it.
        unresolved: Names of columns that may belong to more than one table.
        counted: Datasets whose rows it counts, as ``count(*)`` does.
        named: Whether the column has a name of its own.
        line: Line of the text, counted from 1, at which the expression that makes it stands; a
            column that only passes through stars has the line of the expression below them.
    """

    statement: int
    target: Dataset | None
    column: str
    sources: tuple[tuple[Dataset, str], ...] = ()
    unresolved: tuple[str, ...] = ()
    counted: tuple[Dataset, ...] = ()
    named: bool = True
    line: int = 1


@dataclass(frozen=True)
class SqlLineage:
    """The net effect of a SQL script, and how it comes about.

    Args:
        request: The text that was read.
        reads: Datasets that must be there before the script runs.
        writes: Datasets that the script leaves written.
        drops: Datasets that were there before and are gone after.
        statements: The effects, statement by statement, in the order of the text.
        errors: What could not be read.
    """

    request: Request = field(repr=False)
    reads: frozenset[Dataset]
    writes: frozenset[Dataset]
    drops: frozenset[Dataset]
    statements: tuple[StatementEffect, ...]
    errors: tuple[SqlProblem, ...]

    @cached_property
    def columns(self) -> tuple[ColumnEdge, ...]:
        """Column edges of the script's net effect, computed when first asked for."""
        from orchestrator.lineage.columns.net import net_columns

        return net_columns(self.statements, self.column_flows)

    @property
    def column_flows(self) -> tuple[ColumnFlow, ...]:
        """Every column that a statement produces, queries included; computed when asked for."""
        return self._column_reading[0]

    @property
    def column_problems(self) -> tuple[SqlProblem, ...]:
        """Statements whose tables are known, but whose columns cannot be followed."""
        return self._column_reading[1]

    @cached_property
    def _column_reading(self) -> tuple[tuple[ColumnFlow, ...], tuple[SqlProblem, ...]]:
        from orchestrator.lineage.columns.flows import read_columns

        return read_columns(self.request)

    def first_read(self, dataset: Dataset) -> int | None:
        """Line at which the script first reads ``dataset``, or None if it does not."""
        return self._first(Role.READ, dataset)

    def first_write(self, dataset: Dataset) -> int | None:
        """Line at which the script first writes ``dataset``, or None if it does not."""
        return self._first(Role.WRITE, dataset)

    def first_drop(self, dataset: Dataset) -> int | None:
        """Line at which the script first drops ``dataset``, or None if it does not."""
        return self._first(Role.DROP, dataset)

    def _first(self, role: Role, dataset: Dataset) -> int | None:
        for statement in self.statements:
            lines = [p.line for p in statement.places if p.role is role and p.dataset == dataset]
            if lines:
                return min(lines)
        return None
