"""The columns of a query, one walk over it: FROM clauses to relations, expressions to origins."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from orchestrator.lineage.columns.relations import (
    NOTHING,
    Item,
    Origin,
    Relation,
    union,
)
from orchestrator.lineage.columns.scope import Member, Scope, merged_names
from orchestrator.lineage.columns.shapes import made_of, united
from orchestrator.lineage.sql.names import Session, parser_dialect
from orchestrator.lineage.sql.tables import UnknownNameError, named
from orchestrator.model.dataset import Dataset

#: A dataset as a relation, by its columns where they are known.
RelationOf = Callable[[Dataset], Relation]
_Expressions = Mapping[str, "_Lazy"]


class _Lazy:
    """A common table expression, evaluated when first asked for."""

    def __init__(self, evaluate: Callable[[], Relation]) -> None:
        self._evaluate = evaluate
        self._relation: Relation | None = None
        self.running = False

    def relation(self) -> Relation:
        if self._relation is None:
            self.running = True
            self._relation = self._evaluate()
            self.running = False
        return self._relation


class QueryColumns:
    """Evaluates queries of one statement.

    Args:
        session: How names are resolved.
        relation_of: What is known of datasets.
    """

    def __init__(self, session: Session, relation_of: RelationOf) -> None:
        self.session = session
        self.relation_of = relation_of
        self._dialect = parser_dialect(session.dialect)

    # -- queries -----------------------------------------------------------------------------

    def query(
        self, node: exp.Expr, ctes: _Expressions | None = None, outer: Scope | None = None
    ) -> Relation:
        """The columns that a query puts out.

        Args:
            node: The query.
            ctes: Common table expressions in sight.
            outer: The query around it, for correlated names.
        """
        ctes = self.with_clause(node, ctes or {}, outer)
        if isinstance(node, exp.Subquery):
            return self._subquery(node, ctes, outer)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, ctes, outer)
        if isinstance(node, exp.Values):
            return self._values(node, ctes, outer)
        if isinstance(node, exp.Select):
            return self._select(node, ctes, outer)
        if isinstance(node, exp.Table):
            scope = Scope(self.session.dialect, outer)
            self.member(node, scope, ctes)
            return Relation(scope.star(()))
        if isinstance(node, exp.Pivot) and node.this is not None:
            return self._pivot_statement(node, ctes, outer)
        return Relation(blank=True)

    def with_clause(
        self, node: exp.Expr, ctes: _Expressions, outer: Scope | None = None
    ) -> _Expressions:
        """The expressions in sight, with those of the WITH of ``node``."""
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        seen: dict[str, _Lazy] = dict(ctes)
        for expression in clause.expressions:
            name = expression.alias.lower()
            seen[name] = self._lazy(expression, name, dict(seen), outer)
        return seen

    def _lazy(
        self, expression: exp.CTE, name: str, before: dict[str, _Lazy], outer: Scope | None
    ) -> _Lazy:
        names = self.alias_columns(expression)

        def evaluate() -> Relation:
            body = expression.this
            if isinstance(body, exp.SetOperation):
                # What a recursive branch reads of itself is what the first branch puts out.
                first = _Lazy(lambda: self._spine(body, before, outer)[0].renamed(names))
                sight: _Expressions = {**before, name: first}
                branches = self._spine(body, before, outer, sight)
                return united(branches, body).renamed(names)
            if isinstance(body, exp.Query):
                return self.query(body, before, outer).renamed(names)
            return Relation(blank=True).renamed(names)

        return _Lazy(evaluate)

    def _subquery(self, node: exp.Subquery, ctes: _Expressions, outer: Scope | None) -> Relation:
        inner = node.this
        if isinstance(inner, exp.Query) and not node.args.get("joins"):
            return self.query(inner, ctes, outer)
        scope = Scope(self.session.dialect, outer)
        self.member(inner, scope, ctes)
        self._joins(node, scope, ctes)
        return Relation(scope.star(()))

    def _pivot_statement(
        self, node: exp.Pivot, ctes: _Expressions, outer: Scope | None
    ) -> Relation:
        """DuckDB's ``PIVOT t ON x USING sum(y)``: the columns it makes are named by the data."""
        scope = Scope(self.session.dialect, outer)
        self.member(node.this, scope, ctes)
        parts = [*node.expressions, *(node.args.get("using") or [])]
        used = {column.name.lower() for part in parts for column in part.find_all(exp.Column)}
        kept = [item for item in scope.star(()) if item.name.lower() not in used]
        return Relation(kept, blank=True)

    def _set_operation(
        self, node: exp.SetOperation, ctes: _Expressions, outer: Scope | None
    ) -> Relation:
        return united(self._spine(node, ctes, outer), node)

    def _spine(
        self,
        node: exp.SetOperation,
        ctes: _Expressions,
        outer: Scope | None,
        later: _Expressions | None = None,
    ) -> list[Relation]:
        """The branches of ``a UNION b UNION c``, without recursing into its left-deep tree."""
        branches: list[exp.Expr] = []
        current: exp.Expr = node
        while isinstance(current, exp.SetOperation) and (
            current is node or current.args.get("with_") is None
        ):
            branches.append(current.expression)
            current = current.this
        branches.append(current)
        branches.reverse()
        first = self.query(branches[0], ctes, outer)
        if later is None:
            return [first, *(self.query(branch, ctes, outer) for branch in branches[1:])]
        return [first, *(self.query(branch, later, outer) for branch in branches[1:])]

    def _values(self, node: exp.Values, ctes: _Expressions, outer: Scope | None) -> Relation:
        scope = Scope(self.session.dialect, outer)
        columns: list[Origin] = []
        for row in node.expressions:
            values = row.expressions if isinstance(row, exp.Tuple) else [row]
            for index, value in enumerate(values):
                origin = self.origin(value, scope, ctes)
                if index < len(columns):
                    columns[index] |= origin
                else:
                    columns.append(origin)
        names = self.alias_columns(node)
        named_columns = [
            Item(names[i] if i < len(names) else f"column{i + 1}", origin, i < len(names))
            for i, origin in enumerate(columns)
        ]
        return Relation(named_columns)

    def _select(self, node: exp.Select, ctes: _Expressions, outer: Scope | None) -> Relation:
        scope = self.from_clause(node, ctes, outer)
        items: list[Item] = []
        for expression in node.expressions:
            items += self._projection(expression, scope, ctes)
        return Relation(items)

    # -- FROM --------------------------------------------------------------------------------

    def from_clause(self, node: exp.Expr, ctes: _Expressions, outer: Scope | None = None) -> Scope:
        """The scope that FROM, JOIN and LATERAL of a statement make."""
        scope = Scope(self.session.dialect, outer)
        clause = node.args.get("from_")
        if clause is not None:
            self.member(clause.this, scope, ctes)
        self._joins(node, scope, ctes)
        for lateral in node.args.get("laterals") or []:
            self.member(lateral, scope, ctes)
        return scope

    def _joins(self, node: exp.Expr, scope: Scope, ctes: _Expressions) -> None:
        for join in node.args.get("joins") or []:
            self.member(join.this, scope, ctes)
            scope.merged |= merged_names(name.name for name in join.args.get("using") or [])
            scope.natural = scope.natural or str(join.args.get("method") or "") == "NATURAL"

    def member(self, node: exp.Expr, scope: Scope, ctes: _Expressions) -> None:
        """Add what stands in a FROM clause to a scope."""
        alias = node.alias.lower()
        if isinstance(node, exp.Table):
            self._table(node, alias, scope, ctes)
        elif isinstance(node, (exp.Subquery, exp.Paren)) and _is_join(node.this):
            self._parenthesized_join(node, alias, scope, ctes)
        elif isinstance(node, exp.Lateral):
            self._lateral(node, alias, scope, ctes)
        elif isinstance(node, exp.Unnest):
            self._unnest(node, alias, scope, ctes)
        elif isinstance(node, (exp.Query, exp.Pivot)):
            relation = self.query(node, ctes, scope if scope.members else scope.outer)
            relation = _pivoted(node, relation, scope, self, ctes)
            names = self.alias_columns(node)
            scope.members.append(Member(alias, (), relation.renamed(names)))
        else:
            origin = self.origin(node, scope, ctes)
            scope.members.append(Member(alias, (), made_of(origin, self.alias_columns(node))))
        if not isinstance(node, (exp.Query, exp.Pivot)):
            self._joins(node, scope, ctes)

    def _table(self, node: exp.Table, alias: str, scope: Scope, ctes: _Expressions) -> None:
        name = node.name.lower()
        expression = ctes.get(name) if not node.args.get("db") else None
        path: tuple[str, ...] = ()
        if expression is not None and not expression.running:
            relation = expression.relation()
            path = (name,)
        else:
            relation, path = self._base(node)
        relation = _pivoted(node, relation, scope, self, ctes)
        pivots = node.args.get("pivots") or []
        alias = alias or next((pivot.alias.lower() for pivot in pivots if pivot.alias), "")
        names = self.alias_columns(node)
        scope.members.append(Member(alias or (name if path else ""), path, relation.renamed(names)))
        for pivot in pivots:
            if pivot.alias and pivot.alias.lower() != alias:
                scope.members[-1].path = (pivot.alias.lower(),)

    def _base(self, node: exp.Table) -> tuple[Relation, tuple[str, ...]]:
        if isinstance(node.this, exp.SemanticView) and isinstance(node.this.this, exp.Table):
            return self._base(node.this.this)
        try:
            found = named(node, self.session)
        except UnknownNameError:
            found = []
        if not found:
            return Relation(blank=True), ()
        relations = [self.relation_of(name.dataset) for name in found]
        relation = relations[0]
        if len(relations) > 1:
            relation = Relation([item for part in relations for item in part.items])
        written = tuple(part.name.lower() for part in node.parts) if node.name else ()
        full = found[0].dataset
        whole = tuple(p.lower() for p in (full.catalog, full.schema, full.name) if p)
        return relation, whole if len(whole) >= len(written) else written

    def _parenthesized_join(
        self, node: exp.Expr, alias: str, scope: Scope, ctes: _Expressions
    ) -> None:
        if not alias:
            self.member(node.this, scope, ctes)
            self._joins(node, scope, ctes)
            return
        inner = Scope(self.session.dialect, scope.outer)
        self.member(node.this, inner, ctes)
        self._joins(node, inner, ctes)
        scope.members.append(Member(alias, (), Relation(inner.star(()))))

    def _lateral(self, node: exp.Lateral, alias: str, scope: Scope, ctes: _Expressions) -> None:
        names = self.alias_columns(node)
        if isinstance(node.this, exp.Query):
            relation = self.query(node.this, ctes, scope).renamed(names)
        else:
            relation = made_of(self.origin(node.this, scope, ctes), names)
        scope.members.append(Member(alias, (), relation))

    def _unnest(self, node: exp.Unnest, alias: str, scope: Scope, ctes: _Expressions) -> None:
        origin = union(self.origin(part, scope, ctes) for part in node.expressions)
        names = self.alias_columns(node) or ([node.alias] if node.alias else [])
        scope.members.append(Member(alias, (), made_of(origin, names)))

    # -- expressions -------------------------------------------------------------------------

    def _projection(self, node: exp.Expr, scope: Scope, ctes: _Expressions) -> list[Item]:
        if isinstance(node, exp.Star):
            return self._star(node, (), scope, ctes)
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            qualifier = tuple(part.name for part in node.parts[:-1])
            return self._star(node.this, qualifier, scope, ctes)
        if isinstance(node, exp.Aliases):
            origin = self.origin(node.this, scope, ctes)
            return [Item(self.fold(name), origin) for name in node.expressions]
        value, name = node, ""
        if isinstance(node, exp.PropertyEQ) or (isinstance(node, exp.EQ) and self._assigns(node)):
            value, name = node.expression, self.fold(node.this.this)
        elif isinstance(node, exp.Alias):
            value, name = node.this, self.fold(node.args["alias"])
        name = name or self._name(node)
        origin = self.origin(value, scope, ctes)
        item = Item(name or node.sql(dialect=self._dialect), origin, bool(name))
        if name:
            names_itself = any(
                column.name.lower() == name.lower() for column in value.find_all(exp.Column)
            )
            scope.aliases.setdefault(name.lower(), (item, names_itself))
        return [item]

    def _name(self, node: exp.Expr) -> str:
        """The name that a column has without an alias; empty for most expressions."""
        while isinstance(node, (exp.Cast, exp.Paren)):
            node = node.this
        if isinstance(node, exp.Column):
            return self.fold(node.this)
        if isinstance(node, exp.Dot):
            return "" if isinstance(node.expression, exp.Star) else self.fold(node.expression)
        return "" if isinstance(node, exp.Star) else node.output_name

    def fold(self, node: exp.Expr) -> str:
        """The name of a column as the dialect compares it."""
        return self.session.column(node.name, bool(node.args.get("quoted")))

    def _parts(self, node: exp.Column) -> list[str]:
        return [self.fold(part) for part in node.parts]

    def alias_columns(self, node: exp.Expr) -> list[str]:
        """The columns that an alias names: ``t (a, b)``."""
        alias = node.args.get("alias")
        columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
        return [self.fold(column) for column in columns or []]

    def _assigns(self, node: exp.EQ) -> bool:
        """T-SQL's ``SELECT name = expression``."""
        return self.session.dialect in ("tsql", "fabric") and isinstance(node.this, exp.Column)

    def _star(
        self, node: exp.Star, qualifier: tuple[str, ...], scope: Scope, ctes: _Expressions
    ) -> list[Item]:
        left_out = {part.name.lower() for part in node.args.get("except_") or []}
        fresh = {e.alias.lower(): e for e in node.args.get("replace") or []}
        names = {e.this.name.lower(): e.alias for e in node.args.get("rename") or []}
        items = [item for item in scope.star(qualifier) if item.name.lower() not in left_out]
        found = []
        for item in items:
            key = item.name.lower()
            if key in fresh:
                origin = self.origin(fresh[key].this, scope, ctes)
                found.append(Item(item.name, origin))
            else:
                found.append(Item(names[key], item.origin) if key in names else item)
        return found

    def origin(self, node: exp.Expr, scope: Scope, ctes: _Expressions) -> Origin:
        """What goes into the value of an expression, subqueries included."""
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            return scope.column(self._parts(node))
        if isinstance(node, exp.Query):
            return self._value_of(node, scope, ctes)
        found: list[Origin] = []
        outside = scope.parameters
        for part in node.walk(prune=_is_whole):
            if isinstance(part, exp.Lambda):
                scope.parameters = scope.parameters | {p.name.lower() for p in part.expressions}
            elif isinstance(part, exp.Query):
                found.append(self._value_of(part, scope, ctes))
            elif isinstance(part, exp.Dot):
                found.append(self._dotted(part, scope, ctes))
            elif isinstance(part, exp.Column):
                if isinstance(part.this, exp.Star):
                    found.append(Origin(counted=scope.datasets()))
                else:
                    found.append(scope.column(self._parts(part)))
            elif isinstance(part, exp.Star):
                found.append(Origin(counted=scope.datasets()))
            elif isinstance(part, exp.Window) and part.args.get("alias") is not None:
                found.append(self._named_window(part, scope, ctes))
        scope.parameters = outside
        return union(found)

    def _dotted(self, node: exp.Dot, scope: Scope, ctes: _Expressions) -> Origin:
        """``a.b.c.d.e``: more parts than a column has, or a field of what an expression gives."""
        parts: list[str] = []
        current: exp.Expr = node
        while isinstance(current, exp.Dot):
            parts.append(self.fold(current.expression))
            current = current.this
        if not isinstance(current, exp.Column):
            return self.origin(current, scope, ctes)
        return scope.column([*self._parts(current), *reversed(parts)])

    def _value_of(self, node: exp.Expr, scope: Scope, ctes: _Expressions) -> Origin:
        return union(item.origin for item in self.query(node, ctes, scope).items)

    def _named_window(self, node: exp.Window, scope: Scope, ctes: _Expressions) -> Origin:
        select = node.find_ancestor(exp.Select)
        wanted = node.alias.lower()
        for window in (select.args.get("windows") or []) if select is not None else []:
            if window.name.lower() == wanted:
                parts = [*(window.args.get("partition_by") or []), window.args.get("order")]
                return union(self.origin(part, scope, ctes) for part in parts if part is not None)
        return NOTHING


def _is_whole(node: exp.Expr) -> bool:
    """Nodes that are dealt with as one, without a walk into them."""
    return isinstance(node, (exp.Query, exp.Column, exp.Dot))


def _is_join(node: exp.Expr | None) -> bool:
    """What stands in the parentheses of ``(a JOIN b)``, nested or not."""
    if isinstance(node, (exp.Subquery, exp.Paren)):
        return not node.alias and _is_join(node.this)
    return isinstance(node, exp.Table)


def _pivoted(
    node: exp.Expr, relation: Relation, scope: Scope, query: QueryColumns, ctes: _Expressions
) -> Relation:
    """What PIVOT and UNPIVOT leave of a relation."""
    for pivot in node.args.get("pivots") or []:
        inner = Scope(scope.dialect, scope.outer, [Member(node.alias.lower(), (), relation)])
        if isinstance(node, exp.Table):
            inner.members[0].path = (node.name.lower(),)
        fields = pivot.args.get("fields") or []
        used = {column.name.lower() for part in fields for column in part.find_all(exp.Column)}
        values = union(query.origin(part, inner, ctes) for part in pivot.expressions)
        if pivot.args.get("unpivot"):
            values = union(query.origin(part, inner, ctes) for part in fields)
            made = [Item(part.name, values) for part in pivot.expressions]
            made += [Item(part.this.name) for part in fields if isinstance(part, exp.In)]
        else:
            arguments = [c for part in pivot.expressions for c in part.find_all(exp.Column)]
            used |= {column.name.lower() for column in arguments}
            made = [Item(column.name, values) for column in pivot.args.get("columns") or []]
        kept = [item for item in relation.items if item.name.lower() not in used]
        relation = Relation([*kept, *made]).renamed(query.alias_columns(pivot))
    return relation
