"""The members of FROM clauses as relations: tables, subqueries, joins, functions, what is unnested."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.columns.expressions import ExpressionColumns, Expressions
from orchestrator.lineage.columns.pivots import measured, pivoted
from orchestrator.lineage.columns.relations import Item, Origin, Relation, union
from orchestrator.lineage.columns.scope import Member, Scope, merged_names
from orchestrator.lineage.columns.shapes import made_of
from orchestrator.lineage.sql.tables import Named, UnknownNameError, named, query_in


class MemberColumns(ExpressionColumns):
    """Evaluates FROM clauses."""

    def from_clause(self, node: exp.Expr, ctes: Expressions, outer: Scope | None = None) -> Scope:
        """The scope that FROM, JOIN and LATERAL of a statement make."""
        scope = Scope(self.session.dialect, outer)
        clause = node.args.get("from_")
        if clause is not None:
            self.member(clause.this, scope, ctes)
        self._joins(node, scope, ctes)
        for lateral in node.args.get("laterals") or []:
            self.member(lateral, scope, ctes)
        match = node.args.get("match")
        if match is not None:
            measured(match, scope, self, ctes)
        return scope

    def member(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> None:
        """Add what stands in a FROM clause to a scope."""
        alias = node.alias.lower()
        if isinstance(node, (exp.Final, exp.Stream)):
            self.member(node.this, scope, ctes)
            return
        if isinstance(node, exp.Table):
            self._table(node, alias, scope, ctes)
        elif isinstance(node, (exp.Subquery, exp.Paren)) and _is_join(node.this):
            self._parenthesized_join(node, alias, scope, ctes)
        elif isinstance(node, exp.Lateral):
            self._lateral(node, alias, scope, ctes)
        elif isinstance(node, exp.Unnest):
            self._unnest(node, alias, scope, ctes)
        elif isinstance(node, (exp.Query, exp.Pivot, exp.Values)):
            relation = self.query(node, ctes, scope if scope.members else scope.outer)
            relation = pivoted(node, relation, scope, self, ctes)
            names = self.alias_columns(node)
            alias = alias or _pivot_alias(node)
            scope.members.append(Member(alias, (), relation.renamed(names)))
        else:
            relation = self._made(node, scope, ctes)
            scope.members.append(Member(alias, (), relation))
        if not isinstance(node, (exp.Query, exp.Pivot)):
            self._joins(node, scope, ctes)

    def _joins(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> None:
        for join in node.args.get("joins") or []:
            if str(join.args.get("kind") or "") == "ARRAY":
                self._array_join(join, scope, ctes)
                continue
            self.member(join.this, scope, ctes)
            scope.merged |= merged_names(name.name for name in join.args.get("using") or [])
            scope.natural = scope.natural or str(join.args.get("method") or "") == "NATURAL"

    def _array_join(self, join: exp.Expr, scope: Scope, ctes: Expressions) -> None:
        """ClickHouse's ``ARRAY JOIN tags AS tag, …``: elements under names of their own."""
        items = [
            Item(self.fold(part.args["alias"]), self.origin(part.this, scope, ctes), made_at=part)
            for part in (join.this, *join.expressions)
            if isinstance(part, exp.Alias)
        ]
        if items:
            scope.members.append(Member("", (), Relation(items)))

    # -- tables ------------------------------------------------------------------------------

    def _table(self, node: exp.Table, alias: str, scope: Scope, ctes: Expressions) -> None:
        name = node.name.lower()
        expression = ctes.get(name) if not node.args.get("db") else None
        path: tuple[str, ...] = ()
        if expression is not None and not expression.running:
            relation = expression.relation()
            path = (name,)
        else:
            found = self._datasets(node)
            if found and (text := query_in(node.this, self.session)) and len(node.this.args) < 3:
                relation = self.query(text, {})
            elif found:
                relation, path = self._base(node, found)
            else:
                relation = self._made(node.this, scope, ctes)
        relation = pivoted(node, relation, scope, self, ctes)
        names = self.alias_columns(node)
        alias = alias or _pivot_alias(node)
        member = Member(alias or (name if path else ""), path, relation.renamed(names))
        scope.members.append(member)
        for pivot in node.args.get("pivots") or []:
            if pivot.alias and pivot.alias.lower() != alias:
                member.path = (pivot.alias.lower(),)

    def _datasets(self, node: exp.Table) -> list[Named]:
        if isinstance(node.this, exp.SemanticView) and isinstance(node.this.this, exp.Table):
            node = node.this.this
        try:
            return named(node, self.session)
        except UnknownNameError:
            return []

    def _base(self, node: exp.Table, found: list[Named]) -> tuple[Relation, tuple[str, ...]]:
        relations = [self.relation_of(name.dataset) for name in found]
        relation = relations[0]
        if len(relations) > 1:
            relation = Relation([item for part in relations for item in part.items])
        written = tuple(part.name.lower() for part in node.parts) if node.name else ()
        full = found[0].dataset
        whole = tuple(p.lower() for p in (full.catalog, full.schema, full.name) if p)
        return relation, whole if len(whole) >= len(written) else written

    def _made(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> Relation:
        """A table function: the dataset it names, or columns made of its arguments."""
        if isinstance(node, exp.TableFromRows):
            try:
                found = named(node, self.session)
            except UnknownNameError:
                found = []
            if found:
                return self.relation_of(found[0].dataset).renamed(self.alias_columns(node))
        origin = self.origin(node, scope, ctes)
        return made_of(origin, self.alias_columns(node) or self._defined_columns(node))

    def _defined_columns(self, node: exp.Expr) -> list[str]:
        """The columns that a function lists itself: JSON_TABLE, OPENJSON, XMLTABLE."""
        kinds = (exp.JSONColumnDef, exp.OpenJSONColumnDef)
        if isinstance(node, exp.XMLTable):
            columns = node.args.get("columns") or []
            return [self.fold(c.this) for c in columns if isinstance(c, exp.ColumnDef)]
        if not isinstance(node, (exp.JSONTable, exp.OpenJSON)):
            return []
        found = [column for column in node.find_all(*kinds) if column.this is not None]
        return [self.session.column(column.name, False) for column in found]

    # -- joins, laterals, arrays -------------------------------------------------------------

    def _parenthesized_join(
        self, node: exp.Expr, alias: str, scope: Scope, ctes: Expressions
    ) -> None:
        if not alias:
            self.member(node.this, scope, ctes)
            self._joins(node, scope, ctes)
            return
        inner = Scope(self.session.dialect, scope.outer)
        self.member(node.this, inner, ctes)
        self._joins(node, inner, ctes)
        scope.members.append(Member(alias, (), Relation(inner.star(()))))

    def _lateral(self, node: exp.Lateral, alias: str, scope: Scope, ctes: Expressions) -> None:
        names = self.alias_columns(node)
        if isinstance(node.this, exp.Query):
            relation = self.query(node.this, ctes, scope).renamed(names)
        else:
            relation = self._made(node.this, scope, ctes)
            if names:
                relation = made_of(self.origin(node.this, scope, ctes), names)
        scope.members.append(Member(alias, (), relation))

    def _unnest(self, node: exp.Unnest, alias: str, scope: Scope, ctes: Expressions) -> None:
        origin = union(self.origin(part, scope, ctes) for part in node.expressions)
        names = self.alias_columns(node) or ([node.alias] if node.alias else [])
        offset = node.args.get("offset")
        counts = isinstance(offset, exp.Identifier) and offset.name not in names
        relation = made_of(origin, names)
        if counts and offset is not None:
            relation.items.append(Item(self.fold(offset), Origin(), made_at=offset))
        scope.members.append(Member(alias, (), relation))


def _pivot_alias(node: exp.Expr) -> str:
    pivots = node.args.get("pivots") or []
    return next((pivot.alias.lower() for pivot in pivots if pivot.alias), "")


def _is_join(node: exp.Expr | None) -> bool:
    """What stands in the parentheses of ``(a JOIN b)``, nested or not."""
    if isinstance(node, (exp.Subquery, exp.Paren)):
        return not node.alias and _is_join(node.this)
    return isinstance(node, exp.Table)
