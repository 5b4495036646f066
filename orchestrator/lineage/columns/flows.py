"""Column lineage of a SQL text: which columns each statement produces, and from which they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp

from orchestrator.lineage.columns.query import QueryColumns
from orchestrator.lineage.columns.relations import Item, Relation, table
from orchestrator.lineage.columns.scope import Member, Scope
from orchestrator.lineage.sql.building import table_of
from orchestrator.lineage.sql.effects import ColumnFlow, Request
from orchestrator.lineage.sql.names import Session
from orchestrator.lineage.sql.tables import STRANGE, UnknownNameError, named
from orchestrator.model.dataset import Dataset

_QUOTES = str.maketrans("", "", '"`[]')


def read_columns(request: Request) -> tuple[ColumnFlow, ...]:
    """The columns that the statements of a text produce.

    Args:
        request: The text, its dialect, defaults and the tables whose columns are known.

    Returns:
        The columns in the order of the text; a statement too deep or too strange to follow has
        none.
    """
    from orchestrator.lineage.sql.reader import read

    observer = _Observer(request)
    read(request, observer.statement)
    return tuple(observer.flows)


class _Observer:
    """Collects the columns of one statement after the other, and what they say of later ones."""

    def __init__(self, request: Request) -> None:
        self.flows: list[ColumnFlow] = []
        self._known = _known(request)
        self._relations: dict[Dataset, Relation] = {}
        self._index = 0

    def statement(self, tree: exp.Expr, index: int, session: Session) -> None:
        """Add the columns of one statement."""
        self._index = index
        handler = _HANDLERS.get(type(tree))
        if handler is None and isinstance(tree, exp.Query):
            handler = _Observer._query
        if handler is None:
            return
        before = len(self.flows)
        try:
            handler(self, tree, session)
        except (RecursionError, *STRANGE):
            del self.flows[before:]

    # -- what is known of tables -------------------------------------------------------------

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

    def _learn(self, dataset: Dataset, columns: list[str] | None) -> None:
        self._relations.clear()
        key = str(dataset).lower()
        if columns is None:
            self._known.pop(key, None)
        else:
            self._known[key] = columns

    # -- statements --------------------------------------------------------------------------

    def _query(self, tree: exp.Expr, session: Session) -> None:
        into = tree.find(exp.Into) if tree.args.get("into") is not None else None
        relation = QueryColumns(session, self.relation_of).query(tree)
        if into is None:
            self._emit(None, relation.items)
            return
        for dataset in _targets(into.this, session):
            self._emit(dataset, relation.items)
            self._learn(dataset, _closed(relation))

    def _create(self, tree: exp.Expr, session: Session) -> None:
        if str(tree.args.get("kind")).upper() not in ("TABLE", "VIEW"):
            return
        targets = _targets(tree.this, session)
        for prop in _properties(tree):
            if isinstance(prop, exp.ToTableProperty):
                targets = _targets(prop.this, session)
        names = _column_names(tree.this, session)
        body = tree.expression or _copied(tree)
        if body is None:
            for dataset in targets:
                self._emit(dataset, [Item(name) for name in names])
                self._learn(dataset, names or None)
            return
        query = QueryColumns(session, self.relation_of)
        ctes = query.with_clause(tree, {})
        relation = query.query(body, ctes).renamed(names)
        for dataset in targets:
            self._emit(dataset, relation.items)
            self._learn(dataset, _closed(relation))

    def _insert(self, tree: exp.Expr, session: Session) -> None:
        if not isinstance(tree.expression, (exp.Query, exp.Values)):
            return
        query = QueryColumns(session, self.relation_of)
        relation = query.query(tree.expression, query.with_clause(tree, {}))
        self._into(tree, relation, session)

    def _into(self, tree: exp.Expr, relation: Relation, session: Session) -> None:
        for dataset in _targets(tree.this, session):
            names = _column_names(tree.this, session)
            if not names and not tree.args.get("by_name"):
                names = self._positions(dataset, relation)
            items = relation.renamed(names).items[: len(names) or None]
            unnamed = isinstance(tree.expression, exp.Values) and not names
            self._emit(dataset, [] if unnamed else items)

    def _positions(self, dataset: Dataset, relation: Relation) -> list[str]:
        """Names that the columns of a relation take on when they are inserted by position."""
        known = self.columns_of(dataset)
        if known is None or any(item.is_star for item in relation.items):
            return []
        return known[: len(relation.items)]

    def _insert_many(self, tree: exp.Expr, session: Session) -> None:
        query = QueryColumns(session, self.relation_of)
        scope = Scope(session.dialect)
        query.member(tree.args["source"], scope, query.with_clause(tree, {}))
        for branch in tree.expressions:
            insert = branch.this if isinstance(branch, exp.ConditionalInsert) else branch
            body = insert.expression
            if isinstance(body, exp.Values):
                row = body.expressions[0]
                items = [Item(v.alias_or_name, query.origin(v, scope, {})) for v in row.expressions]
                relation = Relation(items)
            elif isinstance(body, exp.Query):
                relation = query.query(body, {}, scope)
            else:
                relation = Relation(scope.star(()))
            self._into(insert, relation, session)

    def _update(self, tree: exp.Expr, session: Session) -> None:
        query = QueryColumns(session, self.relation_of)
        ctes = query.with_clause(tree, {})
        scope = query.from_clause(tree, ctes)
        main = table_of(tree.this)
        if main is None:
            return
        stands_for = _member_of(main, scope)
        if stands_for is None:
            before = len(scope.members)
            query.member(main, scope, ctes)
            scope.members = [*scope.members[before:], *scope.members[:before]]
        target = _dataset_of(stands_for or scope.members[0])
        for assignment in tree.expressions:
            self._assign(assignment, target, scope, query, ctes)

    def _assign(
        self,
        node: exp.Expr,
        target: Dataset | None,
        scope: Scope,
        query: QueryColumns,
        ctes: object,
    ) -> None:
        if not isinstance(node, exp.EQ):
            return
        written = node.this
        if isinstance(written, exp.Column) and written.table:
            member = scope._member([part.name for part in written.parts[:-1]])
            target = (_dataset_of(member) if member else None) or target
        if target is None:
            return
        if isinstance(written, exp.Tuple):
            self._assign_many(written, node.expression, target, scope, query)
            return
        origin = query.origin(node.expression, scope, {})
        self._emit(target, [Item(query.fold(written.this), origin)])

    def _assign_many(
        self,
        written: exp.Tuple,
        value: exp.Expr,
        target: Dataset,
        scope: Scope,
        query: QueryColumns,
    ) -> None:
        """``SET (a, b) = (SELECT x, y …)``."""
        names = [query.fold(column.this) for column in written.expressions]
        if isinstance(value, exp.Query):
            items = query.query(value, {}, scope).renamed(names).items
        else:
            values = value.expressions
            items = [
                Item(name, query.origin(v, scope, {}))
                for name, v in zip(names, values, strict=False)
            ]
        self._emit(target, items)

    def _merge(self, tree: exp.Expr, session: Session) -> None:
        query = QueryColumns(session, self.relation_of)
        ctes = query.with_clause(tree, {})
        scope = Scope(session.dialect)
        query.member(tree.this, scope, ctes)
        target = _dataset_of(scope.members[0])
        query.member(tree.args["using"], scope, ctes)
        source = Scope(session.dialect, None, scope.members[1:])
        whens = tree.args.get("whens")
        if target is None or whens is None:
            return
        for when in whens.expressions:
            then = when.args.get("then")
            if isinstance(then, exp.Update):
                if not then.expressions or isinstance(then.expressions[0], exp.Star):
                    self._emit(target, source.star(()))
                for assignment in then.expressions:
                    self._assign(assignment, target, scope, query, ctes)
            elif isinstance(then, exp.Insert):
                self._merge_insert(then, target, scope, source, query)

    def _merge_insert(
        self, then: exp.Insert, target: Dataset, scope: Scope, source: Scope, query: QueryColumns
    ) -> None:
        values = then.expression
        if not isinstance(values, exp.Tuple):
            self._emit(target, source.star(()))
            return
        listed = then.this.expressions if isinstance(then.this, exp.Tuple) else []
        names = [query.fold(column.this) for column in listed] or self.columns_of(target) or []
        items = []
        for index, value in enumerate(values.expressions):
            name = names[index] if index < len(names) else value.alias_or_name
            if name:
                items.append(Item(name, query.origin(value, scope, {})))
        self._emit(target, items)

    def _emit(self, target: Dataset | None, items: Iterable[Item]) -> None:
        for item in items:
            origin = item.origin
            self.flows.append(
                ColumnFlow(
                    self._index,
                    target,
                    item.name,
                    tuple(sorted(origin.sources, key=lambda s: (str(s[0]), s[1]))),
                    tuple(sorted(origin.unresolved)),
                    tuple(sorted(origin.counted, key=str)),
                    item.named,
                )
            )


_HANDLERS: dict[type[exp.Expr], Callable[[_Observer, exp.Expr, Session], None]] = {
    exp.Create: _Observer._create,
    exp.Insert: _Observer._insert,
    exp.MultitableInserts: _Observer._insert_many,
    exp.Update: _Observer._update,
    exp.Merge: _Observer._merge,
}


def _known(request: Request) -> dict[str, list[str]]:
    """Known columns by the name that was given, in lower case and without quotes."""
    return {
        name.lower().translate(_QUOTES): list(columns) for name, columns in request.known if columns
    }


def _targets(node: exp.Expr | None, session: Session) -> list[Dataset]:
    target = table_of(node)
    try:
        return [name.dataset for name in named(target, session)] if target is not None else []
    except UnknownNameError:
        return []


def _column_names(node: exp.Expr | None, session: Session) -> list[str]:
    """The columns in ``t (a, b)`` and in ``t (a int, b int)``."""
    if not isinstance(node, exp.Schema):
        return []
    kinds = (exp.Identifier, exp.ColumnDef, exp.Column)
    parts = [part for part in node.expressions if isinstance(part, kinds)]
    names = [part if isinstance(part, exp.Identifier) else part.this for part in parts]
    return [session.column(name.name, bool(name.args.get("quoted"))) for name in names]


def _properties(tree: exp.Expr) -> list[exp.Expr]:
    properties = tree.args.get("properties")
    return list(properties.expressions) if properties is not None else []


def _copied(tree: exp.Expr) -> exp.Expr | None:
    """The table of CLONE; LIKE takes over no rows."""
    clone = tree.args.get("clone")
    return clone.this if clone is not None else None


def _closed(relation: Relation) -> list[str] | None:
    """The columns of a relation, None where not all are known."""
    return None if relation.is_open else [item.name for item in relation.items]


def _member_of(main: exp.Expr, scope: Scope) -> Member | None:
    """The member of FROM that the target of an UPDATE stands for."""
    if not isinstance(main, exp.Table):
        return None
    return scope._member([part.name for part in main.parts])


def _dataset_of(member: Member) -> Dataset | None:
    """The one dataset that a member of FROM is."""
    datasets = {dataset for item in member.relation.items for dataset, _ in item.origin.sources}
    return next(iter(datasets)) if len(datasets) == 1 else None
