"""What is known of tables while a text is read, and the columns that its statements produced."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from orchestrator.lineage.columns.expressions import Expressions
from orchestrator.lineage.columns.query import QueryColumns
from orchestrator.lineage.columns.relations import Item, Relation, table
from orchestrator.lineage.sql.building import EffectBuilder, table_of
from orchestrator.lineage.sql.effects import ColumnFlow, Request
from orchestrator.lineage.sql.names import Session
from orchestrator.lineage.sql.tables import UnknownNameError, named
from orchestrator.model.dataset import Dataset, DatasetKind

_QUOTES = str.maketrans("", "", '"`[]')


class Ledger:
    """Columns of tables, as given and as the statements so far made them, and all column flows.

    Args:
        request: The text and the tables whose columns are known.
    """

    def __init__(self, request: Request) -> None:
        self.flows: list[ColumnFlow] = []
        self.index = 0
        self.effect: EffectBuilder
        #: Common table expressions in sight of a statement that stands inside another.
        self.sight: Expressions = {}
        self._known = {
            name.lower().translate(_QUOTES): list(columns)
            for name, columns in request.known
            if columns
        }
        self._relations: dict[Dataset, Relation] = {}

    @property
    def session(self) -> Session:
        """The session as it is before the statement."""
        return self.effect.session

    def at(self, index: int, effect: EffectBuilder) -> None:
        """Turn to a statement."""
        self.index, self.effect = index, effect

    def query(self) -> QueryColumns:
        """A reader of queries with what is known by now."""
        return QueryColumns(self.session, self.relation_of)

    def relation_of(self, dataset: Dataset) -> Relation:
        """A dataset as a member of FROM."""
        found = self._relations.get(dataset)
        if found is None:
            found = self._relations[dataset] = table(dataset, self.columns_of(dataset))
        return found

    def columns_of(self, dataset: Dataset) -> list[str] | None:
        """Columns of a dataset, by its full name or by the end of it that was given."""
        parts = [p.lower() for p in (dataset.catalog, dataset.schema, dataset.name) if p]
        for start in range(len(parts)):
            found = self._known.get(".".join(parts[start:]))
            if found is not None:
                return found
        return None

    def learn(self, dataset: Dataset, columns: list[str] | None) -> None:
        """Note which columns a table has from here on; None where that is not known."""
        self._relations.clear()
        key = str(dataset).lower()
        if columns is None:
            self._known.pop(key, None)
        else:
            self._known[key] = columns

    def positions(self, dataset: Dataset, relation: Relation) -> list[str]:
        """Names that the columns of a relation take on when they are inserted by position."""
        known = self.columns_of(dataset)
        if known is None or any(item.is_star for item in relation.items):
            return []
        return known[: len(relation.items)]

    def targets(self, node: exp.Expr | None) -> list[Dataset]:
        """The datasets that a node in a target's place names."""
        target = table_of(node)
        if target is None:
            return []
        if isinstance(target, exp.Directory):
            return [Dataset(None, None, target.name, DatasetKind.FILE)]
        try:
            return [name.dataset for name in named(target, self.session)]
        except UnknownNameError:
            return []

    def column_names(self, node: exp.Expr | None) -> list[str]:
        """The columns in ``t (a, b)`` and in ``t (a int, b int)``."""
        parts = column_parts(node)
        names = [part if isinstance(part, exp.Identifier) else part.this for part in parts]
        return [self.session.column(name.name, bool(name.args.get("quoted"))) for name in names]

    def emit(self, target: Dataset | None, items: Iterable[Item]) -> None:
        """Add columns that the statement produces."""
        for item in items:
            origin = item.origin
            self.flows.append(
                ColumnFlow(
                    self.index,
                    target,
                    item.name,
                    tuple(sorted(origin.sources, key=lambda s: (str(s[0]), s[1]))),
                    tuple(sorted(origin.unresolved)),
                    tuple(sorted(origin.counted, key=str)),
                    item.named,
                    self.effect.line_of(_line(item.made_at)),
                )
            )

    def fill(self, target: Dataset | None, relation: Relation) -> None:
        """Add the columns of a relation as those that a table has from here on."""
        self.emit(target, relation.items)
        if target is not None:
            self.learn(target, None if relation.is_open else [i.name for i in relation.items])


def column_parts(node: exp.Expr | None) -> list[exp.Expr]:
    """The columns in ``t (a, b)`` and in ``t (a int, b int)``, as nodes."""
    if not isinstance(node, exp.Schema):
        return []
    kinds = (exp.Identifier, exp.ColumnDef, exp.Column)
    return [part for part in node.expressions if isinstance(part, kinds)]


def _line(node: exp.Expr | None) -> int:
    """Line of the first thing in an expression that has one, or 0."""
    for part in node.walk(bfs=False) if node is not None else ():
        line = part.meta.get("line")
        if line:
            return int(line)
    return 0
