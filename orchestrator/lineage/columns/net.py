"""Column edges of a whole script: temporary and dropped tables taken out, renamed ones followed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from orchestrator.lineage.sql.effects import ColumnEdge, ColumnFlow, StatementEffect
from orchestrator.model.dataset import Dataset


@dataclass(slots=True, eq=False)
class _Table:
    """A table apart from its name, with what went into its columns so far."""

    origin: Dataset | None = None
    temporary: bool = False
    columns: dict[str, list[_Column]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Column:
    """A column of a table as a statement reads it, with what had gone into it by then."""

    table: _Table
    name: str
    parents: tuple[_Column, ...] = ()


def net_columns(
    statements: Sequence[StatementEffect], flows: Iterable[ColumnFlow]
) -> tuple[ColumnEdge, ...]:
    """Draw the column edges of a script from those of its statements.

    Args:
        statements: Effects in the order of the text.
        flows: The columns that the statements produce.

    Returns:
        Edges between datasets that outlive the script, in the order of the text.
    """
    follower = _Follower()
    by_statement: dict[int, list[ColumnFlow]] = {}
    for flow in flows:
        by_statement.setdefault(flow.statement, []).append(flow)
    for index, effect in enumerate(statements):
        follower.step(effect, by_statement.get(index, []))
    return follower.edges()


class _Follower:
    def __init__(self) -> None:
        self.bound: dict[Dataset, _Table | None] = {}
        #: What a temporary table of the same name hides.
        self.hidden: dict[Dataset, _Table] = {}
        self.flowed: list[tuple[_Column, _Table, str]] = []

    def step(self, effect: StatementEffect, flows: list[ColumnFlow]) -> None:
        reads = [(flow, [self._column(*source) for source in flow.sources]) for flow in flows]
        for name in effect.creates:
            before = self.bound.get(name)
            if effect.conditional and before:
                continue
            if effect.temporary and before and not before.temporary:
                self.hidden[name] = before
            self.bound[name] = _Table(temporary=effect.temporary)
        for flow, sources in reads:
            if flow.target is not None:
                self._flow(sources, self._table(flow.target), flow.column)
        for name in effect.drops:
            temporary = self._table(name).temporary
            self.bound[name] = self.hidden.pop(name, None) if temporary else None
        for old, new in effect.renames:
            self.bound[new] = self._table(old)
            self.bound[old] = None
        for one, other in effect.swaps:
            self.bound[one], self.bound[other] = self._table(other), self._table(one)

    def _table(self, name: Dataset) -> _Table:
        table = self.bound.get(name)
        if table is None:
            table = self.bound[name] = _Table(origin=name)
        return table

    def _column(self, name: Dataset, column: str) -> _Column:
        table = self._table(name)
        if table.origin is not None:
            return _Column(table, column)
        if column == "*":
            everything = [parent for parents in table.columns.values() for parent in parents]
            return _Column(table, column, tuple(everything))
        parents = list(table.columns.get(column.lower(), ()))
        for star in table.columns.get("*", ()) if not parents else ():
            parents.append(_Column(star.table, column, star.parents))
        return _Column(table, column, tuple(parents))

    def _flow(self, sources: list[_Column], target: _Table, column: str) -> None:
        target.columns.setdefault(column.lower(), []).extend(sources)
        self.flowed += [(source, target, column) for source in sources]

    def edges(self) -> tuple[ColumnEdge, ...]:
        names = {
            id(table): name
            for name, table in (*self.bound.items(), *self.hidden.items())
            if table is not None and not table.temporary
        }
        found: dict[ColumnEdge, None] = {}
        for source, target, column in self.flowed:
            target_name = names.get(id(target))
            if target_name is None:
                continue
            for name, source_column in _lasting(source, names):
                found[(name, source_column, target_name, column)] = None
        return tuple(found)


def _lasting(column: _Column, names: dict[int, Dataset]) -> list[tuple[Dataset, str]]:
    """The columns of lasting tables that a column comes from, itself where its table lasts."""
    found: dict[tuple[Dataset, str], None] = {}
    waiting, seen = [column], set()
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        name = current.table.origin or names.get(id(current.table))
        if name is not None:
            found[(name, current.name)] = None
        else:
            waiting.extend(reversed(current.parents))
    return list(found)
