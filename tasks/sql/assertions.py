"""What a check may hold data to: each assertion asks the database for the rows that break it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from orchestrator import instants
from orchestrator.model.dataset import fold
from tasks.sql.literals import literal
from tasks.sql.relations import quoted

_PLAIN = re.compile(r"[A-Za-z_]\w*$")
_QUOTED = re.compile(r'"([^"]|"")+"$')


@dataclass(frozen=True, slots=True)
class Finding:
    """An assertion that does not hold.

    Args:
        text: One line for people.
        failures: How many rows, or values, break it.
        sql: The query that shows them.
        rows: The first of them.
        hint: What to do if it is right as it is.
    """

    text: str
    failures: int = 1
    sql: str = ""
    rows: Sequence[Mapping[str, Any]] = ()
    hint: str = ""


class Asking(Protocol):
    """The data of a check, as assertions ask about it.

    Attributes:
        data: What stands after FROM.
        dialect: sqlglot's name of the dialect.
    """

    data: str
    dialect: str

    def one(self, sql: str) -> Sequence[Any]:
        """The only row of a query."""
        ...

    def found(self, sql: str) -> tuple[int, list[dict[str, Any]]]:
        """How many rows a query gives, and the first of them."""
        ...

    def before(self, measure: str) -> float | None:
        """What a measure was when the check last held; None if it never did."""
        ...

    def measured(self, measure: str, value: float) -> None:
        """Keep a measure for the next time, if the whole check holds."""
        ...


class Assertion(Protocol):
    """One thing that data is held to."""

    def look(self, asking: Asking) -> Finding | None:
        """What is wrong; None if nothing is."""
        ...


@dataclass(frozen=True, slots=True)
class NoRows:
    """The query gives no row."""

    def look(self, asking: Asking) -> Finding | None:
        """The rows it gives."""
        sql = f"select * from {asking.data}"
        return _broken(asking, sql, "the query gives {} where none should be", "row")


@dataclass(frozen=True, slots=True)
class Rows:
    """There are so many rows.

    Args:
        least: No fewer; None for no bound.
        most: No more; None for no bound.
    """

    least: int | None = 1
    most: int | None = None

    def look(self, asking: Asking) -> Finding | None:
        """The number of rows, if it is out of bounds."""
        sql = f"select count(*) from {asking.data}"
        (count,) = asking.one(sql)
        if self.least is not None and count < self.least:
            return Finding(f"{_counted(count, 'row')}, expected at least {self.least:,}", sql=sql)
        if self.most is not None and count > self.most:
            return Finding(f"{_counted(count, 'row')}, expected at most {self.most:,}", sql=sql)
        return None


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows have the same values in some columns; rows without a value do not count.

    Args:
        columns: The columns, taken together.
    """

    columns: tuple[str, ...]

    def look(self, asking: Asking) -> Finding | None:
        """The values that stand more than once."""
        names = [column(name, asking.dialect) for name in self.columns]
        named = ", ".join(names)
        there = " and ".join(f"{name} is not null" for name in names)
        sql = (
            f"select {named}, count(*) as times from {asking.data}"
            f"\nwhere {there} group by {named} having count(*) > 1"
        )
        return _broken(
            asking, sql, f"{', '.join(self.columns)} is not unique: {{}} more than once", "value"
        )


@dataclass(frozen=True, slots=True)
class NotNull:
    """A column has a value in each row."""

    column: str

    def look(self, asking: Asking) -> Finding | None:
        """The rows without one."""
        sql = f"select * from {asking.data}\nwhere {column(self.column, asking.dialect)} is null"
        return _broken(asking, sql, f"{self.column} is null in {{}}", "row")


@dataclass(frozen=True, slots=True)
class Accepted:
    """A column has only some values, or none.

    Args:
        column: The column.
        values: What it may hold.
    """

    column: str
    values: tuple[Any, ...]

    def look(self, asking: Asking) -> Finding | None:
        """The other values, each with how often it stands."""
        name = column(self.column, asking.dialect)
        sql = (
            f"select {name}, count(*) as times from {asking.data}"
            f"\nwhere {name} not in {literal(self.values, asking.dialect)} group by {name}"
        )
        return _broken(asking, sql, f"{self.column} holds {{}} not accepted", "value")


@dataclass(frozen=True, slots=True)
class Fresh:
    """The newest row is not older than it may be.

    Args:
        column: A time (UTC, where it has no zone of its own) or date of each row.
        age: How old the newest may be.
    """

    column: str
    age: timedelta

    def look(self, asking: Asking) -> Finding | None:
        """How old the newest row is, if that is too much."""
        name = column(self.column, asking.dialect)
        sql = f"select {_epoch(name, asking.dialect)} from {asking.data}"
        (seconds,) = asking.one(sql)
        if seconds is None:
            return Finding(f"there is no {self.column} to be fresh", sql=sql)
        newest = datetime.fromtimestamp(float(seconds), UTC)
        age = instants.now() - newest
        if age <= self.age:
            return None
        told = f"{newest:%Y-%m-%d %H:%M} UTC, {_lasting(age)} ago"
        return Finding(
            f"the newest {self.column} is {told}; {_lasting(self.age)} are allowed", sql=sql
        )


@dataclass(frozen=True, slots=True)
class Near:
    """A measure is near what it was when the check last held.

    Args:
        measure: An aggregate, as SQL: ``count(*)``, ``sum(amount)``.
        within: By which share of that it may differ: 0.2 for 20 %.
    """

    measure: str
    within: float

    def look(self, asking: Asking) -> Finding | None:
        """The change, if it is too large; the first time there is none."""
        sql = f"select {self.measure} from {asking.data}"
        (value,) = asking.one(sql)
        if value is None:
            return Finding(f"{self.measure} has no value", sql=sql)
        now, before = float(value), asking.before(self.measure)
        asking.measured(self.measure, now)
        if before is None or abs(now - before) <= self.within * abs(before):
            return None
        change = f", {(now - before) / abs(before):+.0%}" if before else ""
        return Finding(
            f"{self.measure} is {now:,g} after {before:,g}{change}; {self.within:.0%} are allowed",
            sql=sql,
            hint="if it is right so, run this check once with --full-refresh: the next count from it",
        )


def column(name: str, dialect: str) -> str:
    """A column's name in quotes: a plain word as the database folds it, any other as it stands.

    Words that mean something else in SQL, such as ``user``, are columns in quotes alone.

    Example:
        >>> column("user", "snowflake"), column("total sum", "postgres"), column('"Id"', "postgres")
        ('"USER"', '"total sum"', '"Id"')
    """
    if _QUOTED.match(name):
        return name
    return quoted(fold(name, False, dialect) if _PLAIN.match(name) else name)


def _broken(asking: Asking, sql: str, text: str, unit: str) -> Finding | None:
    count, rows = asking.found(sql)
    return Finding(text.format(_counted(count, unit)), count, sql, rows) if count else None


def _counted(count: int, unit: str) -> str:
    return f"{count:,} {unit}{'' if count == 1 else 's'}"


def _epoch(name: str, dialect: str) -> str:
    if dialect == "duckdb":
        return f"epoch(max({name}))"
    if dialect == "snowflake":
        return f"date_part(epoch_second, max({name}))"
    return f"extract(epoch from max({name}))"


def _lasting(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    if hours < 1:
        return f"{span.total_seconds() / 60:.0f} min"
    return f"{hours:.0f} h" if hours < 72 else f"{hours / 24:.0f} days"
