"""A bare SELECT that is to become a table, a view or an increment: read when planned, made when run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.lineage.sql.effects import SqlLineage, StatementKind
from orchestrator.model.context import RunContext
from orchestrator.model.dataset import Dataset, DatasetKind, Namespace
from orchestrator.nearest import nearest
from tasks.sql.front_matter import OF_TABLE, line_of
from tasks.sql.script import Materialized, Script, Transaction
from tasks.sql.templates import Template

#: Kinds of statement that may be a SELECT; what cannot be read may be one too.
_ASKING = (StatementKind.SELECT, StatementKind.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a task or a file says is to be made of its SELECT.

    Args:
        materialized: Table, view or increment.
        table: Its name as written; the task's if left out.
        unique_key: Columns by which rows of an increment take the place of older ones.
    """

    materialized: Materialized
    table: str | None = None
    unique_key: tuple[str, ...] = ()

    def target(self, name: str, namespace: Namespace, where: str) -> Dataset:
        """The table's full name.

        Args:
            name: The task's name.
            namespace: Dialect and defaults of the warehouse.
            where: The place that says it, for messages.

        Raises:
            FlowError: It is no name of a table.
        """
        said = self.table or f'"{name}"' if not name.isidentifier() else self.table or name
        try:
            dataset = Dataset.parse(said, namespace)
        except ValueError as error:
            raise FlowError(str(error), where=where, fix="write table=schema.name") from None
        if dataset.kind is not DatasetKind.TABLE:
            raise FlowError(
                f"{said!r} is the name of a file, not of a table",
                where=where,
                fix="write table=schema.name",
            )
        return dataset


@dataclass(frozen=True, slots=True)
class Making:
    """A SELECT and what it is made into.

    Args:
        wanted: What is to be made.
        target: Under which name.
        first: The query where the table is made anew.
        further: The query where an increment is added to it.
        templates: Those of both, where only the run can tell what they come to.
        anew: Whether an increment is made anew this time.
    """

    wanted: Wanted
    target: Dataset
    first: Script
    further: Script
    templates: tuple[Template, Template] | None = None
    anew: bool = False

    def at(self, running: RunContext | None) -> Making:
        """As it is in a run."""
        if self.templates is None:
            return self
        dialect = self.templates[0].dialect
        first, further = (without_semicolon(t.at(running), dialect) for t in self.templates)
        return replace(self, first=first, further=further)

    def check_key(self, dialect: str) -> None:
        """Refuse a ``unique_key`` that a query lacks, where its text tells.

        Raises:
            FlowError: It does.
        """
        key = self.wanted.unique_key
        for script in (self.first, self.further):
            lacking, found = lacking_key(key, script, dialect)
            if lacking:
                raise FlowError(
                    f"unique_key names {', '.join(lacking)}, and the query has no such column",
                    where=script.at(line_of(script.text, "unique_key")),
                    fix=nearest(lacking[0], found, "it has "),
                )


def wanted_by(said: Mapping[str, Any], default: Wanted | None, where: str | None) -> Wanted | None:
    """What is to be made of a SELECT, as its file says over what its task says; None for nothing.

    Args:
        said: Front matter.
        default: What the task says.
        where: Its place, for messages.

    Raises:
        FlowError: What is said does not fit together.
    """
    materialized = said.get("materialized", default.materialized if default else None)
    if materialized is None:
        for key in OF_TABLE:
            if key in said:
                raise FlowError(
                    f"{key} says how a SELECT is made into a table, and nothing says that it is",
                    where=where,
                    fix=f"add materialized=table, or take {key} out",
                )
        return None
    wanted = Wanted(
        Materialized(materialized),
        said.get("table", default.table if default else None),
        tuple(said.get("unique_key", default.unique_key if default else ())),
    )
    if wanted.unique_key and wanted.materialized is not Materialized.INCREMENTAL:
        raise FlowError(
            f"unique_key says which rows an increment replaces; this is a {wanted.materialized}",
            where=where,
            fix="write materialized=incremental, or take unique_key out",
        )
    if said.get("transaction") is Transaction.OFF:
        raise FlowError(
            "transaction=off does not go with materialized, which is one transaction",
            where=where,
            fix="take one of them out",
        )
    return wanted


def bare_select(
    script: Script,
    lineage: SqlLineage,
    namespace: Namespace,
    who: str = "materialized makes a table of",
) -> Script:
    """The only query of a script, without the semicolon at its end.

    Args:
        script: The rendered text.
        lineage: What was read of it.
        namespace: Its dialect.
        who: Begins the sentence of what wants it so.

    Raises:
        FlowError: It is no SELECT, or there are several statements.
    """
    statements = lineage.statements
    for statement in statements:
        if statement.kind not in _ASKING:
            raise FlowError(
                f"{who} a SELECT, and this is {_a(statement.kind)}",
                where=script.at(statement.line),
                fix="write the SELECT alone, or let it be an ordinary script",
            )
    if len(statements) != 1:
        here = f"here are {len(statements)} statements" if statements else "here is no statement"
        raise FlowError(
            f"{who} one SELECT, and {here}",
            where=script.at(statements[1].line if statements else 1),
            fix="put each into a file of its own, or let it be an ordinary script",
        )
    return without_semicolon(script, namespace.dialect)


def without_semicolon(script: Script, dialect: str) -> Script:
    """A script of one statement, so that another can be put around it."""
    from sqlglot import tokenize
    from sqlglot.errors import TokenError
    from sqlglot.tokens import TokenType

    text = script.text
    try:
        tokens = tokenize(text, read=dialect)
    except TokenError:
        return replace(script, text=text.rstrip().rstrip(";"))
    ends = [token.start for token in tokens if token.token_type is TokenType.SEMICOLON]
    return replace(script, text=text[: ends[0]]) if ends else script


def lacking_key(key: Sequence[str], script: Script, dialect: str) -> tuple[list[str], list[str]]:
    """The columns of a key that a query lacks, as far as its text alone tells, and those it has.

    Args:
        key: Names of columns.
        script: One query.
        dialect: How it is written.

    Example:
        >>> lacking_key(["day"], Script("select d, count(*) as n from t group by d"), "duckdb")
        (['day'], ['d', 'n'])
        >>> lacking_key(["day"], Script("select * from t"), "duckdb")  # only the database knows
        ([], [])
    """
    found = _columns_of(script.text, dialect) if key else []
    known = {name.casefold() for name in found}
    return [name for name in key if found and name.casefold() not in known], found


def _columns_of(sql: str, dialect: str) -> list[str]:
    """The names of a query's columns; empty where the database makes them up, or stars stand for them."""
    from sqlglot import exp, parse_one
    from sqlglot.errors import SqlglotError

    try:
        query = parse_one(sql, read=dialect)
    except SqlglotError:
        return []
    if not isinstance(query, exp.Query) or query.is_star:
        return []
    if any(both.args.get("by_name") for both in query.find_all(exp.SetOperation)):
        return []  # each side may have columns of its own
    several = (exp.Columns, exp.Unnest, exp.Explode)  # which may come to more than one column
    named = (exp.Alias, exp.Column)  # for anything else each database has rules of its own
    if all(isinstance(item, named) and not item.find(*several) for item in query.selects):
        return [item.output_name for item in query.selects]
    return []


def _a(kind: StatementKind) -> str:
    word = kind.value.replace("_", " ").upper()
    return f"{'an' if word[0] in 'AEIOU' else 'a'} {word}"
