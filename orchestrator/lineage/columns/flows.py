"""Column lineage of a SQL text: which columns each statement produces, and from which they come."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestrator.lineage.columns import making, writing
from orchestrator.lineage.columns.ledger import Ledger
from orchestrator.lineage.columns.relations import Relation
from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import (
    ColumnFlow,
    Request,
    SqlProblem,
    StatementEffect,
    StatementKind,
)
from orchestrator.lineage.sql.tables import STRANGE
from orchestrator.model.dataset import DatasetKind

_FAILURES = (RecursionError, *STRANGE)
#: Kinds of statements that put values into columns.
_FILLING = frozenset(
    {StatementKind.SELECT, StatementKind.CREATE_AS, StatementKind.VIEW, StatementKind.INSERT}
    | {StatementKind.UPDATE, StatementKind.COPY, StatementKind.CACHE}
)
_HANDLERS: dict[type[exp.Expr], Callable[[exp.Expr, Ledger], None]] = {
    exp.Cache: making.cache,
    exp.Copy: making.copy,
    exp.Create: making.create,
    exp.Export: making.export,
    exp.Insert: writing.insert,
    exp.LoadData: making.load,
    exp.Merge: writing.merge,
    exp.MultitableInserts: writing.insert_many,
    exp.Pivot: making.query,
    exp.Update: writing.update,
    exp.Values: making.query,
}


def read_columns(request: Request) -> tuple[tuple[ColumnFlow, ...], tuple[SqlProblem, ...]]:
    """The columns that the statements of a text produce.

    Args:
        request: The text, its dialect, defaults and the tables whose columns are known.

    Returns:
        The columns in the order of the text, and a problem for each statement whose columns cannot
        be followed.
    """
    from orchestrator.lineage.sql.reader import read

    observer = _Observer(request)
    read(request, observer)
    return tuple(observer.ledger.flows), tuple(observer.problems)


class _Observer:
    """Collects the columns of one statement after the other, and what they say of later ones."""

    def __init__(self, request: Request) -> None:
        self.ledger = Ledger(request)
        self.problems: list[SqlProblem] = []
        self._failed = False
        self._parsed = False
        self._filling: Relation | None = None

    def statement(self, tree: exp.Expr, index: int, effect: EffectBuilder) -> None:
        """Add the columns of a parsed statement."""
        self.ledger.at(index, effect)
        self._parsed = True
        handler = _HANDLERS.get(type(tree))
        if handler is None and isinstance(tree, exp.Query):
            handler = making.query
        if handler is None:
            return
        before = len(self.ledger.flows)
        try:
            self._writers_inside(tree)
            handler(tree, self.ledger)
        except _FAILURES:
            del self.ledger.flows[before:]
            self._failed = True

    def _writers_inside(self, tree: exp.Expr) -> None:
        """The columns that common table expressions write, as Postgres lets them."""
        clause = tree.args.get("with_")
        for expression in clause.expressions if clause is not None else ():
            writer = _HANDLERS.get(type(expression.this))
            if writer is not None and isinstance(expression.this, exp.DML):
                self.ledger.sight = self.ledger.query().with_clause(tree, {})
                try:
                    writer(expression.this, self.ledger)
                finally:
                    self.ledger.sight = {}

    def filled_by(self, query: exp.Expr, index: int, effect: EffectBuilder) -> None:
        """Keep what a query puts out, for the targets that are known when all is read."""
        self.ledger.at(index, effect)
        try:
            self._filling = self.ledger.query().query(query)
        except _FAILURES:
            self._failed = True

    def finished(self, index: int, effect: EffectBuilder, built: StatementEffect) -> None:
        """Add the columns of a statement read by its tokens, and note where there are none."""
        self.ledger.at(index, effect)
        parsed, failed, filling = self._parsed, self._failed, self._filling
        self._parsed, self._failed, self._filling = False, False, None
        if built.error is not None:
            return
        if filling is None and not parsed:
            filling = self._passed_on(built)
        if filling is not None and not failed:
            for dataset in built.writes:
                names = effect.columns
                if any(source.kind != DatasetKind.TABLE for source in built.reads):
                    names = names or self.ledger.columns_of(dataset) or []
                self.ledger.fill(dataset, filling.renamed(names))
        if failed or (built.kind in _FILLING and self._lacks_columns(index, built, parsed)):
            self.problems.append(effect.note("its columns cannot be followed"))

    def _passed_on(self, built: StatementEffect) -> Relation | None:
        """Streams, synonyms, partitions: the rows of one table as they stand in another."""
        if built.kind not in (StatementKind.COPY, StatementKind.VIEW, StatementKind.CREATE_AS):
            return None
        if not len(built.reads) == len(built.writes) == 1:
            return None
        return self.ledger.relation_of(next(iter(built.reads)))

    def _lacks_columns(self, index: int, built: StatementEffect, parsed: bool) -> bool:
        if self.ledger.flows and self.ledger.flows[-1].statement == index:
            return False
        if self.ledger.effect.takes_shape:
            return False
        if all(dataset.kind != DatasetKind.TABLE for dataset in built.reads | built.writes):
            return False
        moves = bool(built.reads) or not (parsed or self.ledger.effect.keeps_columns)
        return moves and (bool(built.writes) or built.kind == StatementKind.SELECT)
