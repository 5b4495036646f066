"""The columns of a query, one walk over it: FROM clauses to relations, expressions to origins."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.columns.expressions import Expressions, Lazy
from orchestrator.lineage.columns.members import MemberColumns
from orchestrator.lineage.columns.pivots import pivot_statement
from orchestrator.lineage.columns.relations import Item, Origin, Relation
from orchestrator.lineage.columns.scope import Scope
from orchestrator.lineage.columns.shapes import united
from orchestrator.lineage.sql.building import table_of

#: From so many common table expressions on they are evaluated in order, used or not.
_LONG_CHAIN = 50


class QueryColumns(MemberColumns):
    """Evaluates queries of one statement."""

    def query(
        self, node: exp.Expr, ctes: Expressions | None = None, outer: Scope | None = None
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
            return united(self._spine(node, ctes, outer), node)
        if isinstance(node, exp.Values):
            return self._values(node, ctes, outer)
        if isinstance(node, exp.Select):
            return self._select(node, ctes, outer)
        if isinstance(node, exp.Table):
            scope = Scope(self.session.dialect, outer)
            self.member(node, scope, ctes)
            return Relation(scope.star(()))
        if isinstance(node, exp.Pivot) and node.this is not None:
            scope = Scope(self.session.dialect, outer)
            self.member(node.this, scope, ctes)
            return pivot_statement(node, scope, self, ctes)
        return Relation(blank=True)

    def with_clause(
        self, node: exp.Expr, ctes: Expressions, outer: Scope | None = None
    ) -> Expressions:
        """The expressions in sight, with those of the WITH of ``node``."""
        clause = node.args.get("with_")
        if clause is None:
            return ctes
        seen: dict[str, Lazy] = dict(ctes)
        for expression in clause.expressions:
            if expression.args.get("scalar"):
                continue
            name = expression.alias.lower()
            seen[name] = self._lazy(expression, name, dict(seen), outer)
            if len(seen) > _LONG_CHAIN:
                seen[name].relation()  # one by one, so that none has to wait for a row of others
        return seen

    def _lazy(
        self, expression: exp.CTE, name: str, before: dict[str, Lazy], outer: Scope | None
    ) -> Lazy:
        names = self.alias_columns(expression)

        def evaluate() -> Relation:
            body = expression.this
            if isinstance(body, exp.SetOperation):
                # What a recursive branch reads of itself is what the first branch puts out.
                first = Lazy(lambda: self._spine(body, before, outer)[0].renamed(names))
                sight: Expressions = {**before, name: first}
                branches = self._spine(body, before, outer, sight)
                return united(branches, body).renamed(names)
            if isinstance(body, exp.Query):
                return self.query(body, before, outer).renamed(names)
            if body.args.get("returning") is not None:
                return self._returned(body, before).renamed(names)
            return Relation(blank=True).renamed(names)

        return Lazy(evaluate)

    def _returned(self, node: exp.Expr, ctes: Expressions) -> Relation:
        """What ``DELETE … RETURNING a, b`` puts out: columns of the table that it writes."""
        scope = self.from_clause(node, ctes)
        target = table_of(node.this)
        if target is not None:
            self.member(target, scope, {})
            scope.members = [scope.members[-1], *scope.members[:-1]]
        items: list[Item] = []
        for expression in node.args["returning"].expressions:
            items += self.projection(expression, scope, ctes)
        return Relation(items)

    def _subquery(self, node: exp.Subquery, ctes: Expressions, outer: Scope | None) -> Relation:
        inner = node.this
        if isinstance(inner, (exp.Query, exp.Values)) and not node.args.get("joins"):
            return self.query(inner, ctes, outer)
        scope = Scope(self.session.dialect, outer)
        self.member(inner, scope, ctes)
        self._joins(node, scope, ctes)
        return Relation(scope.star(()))

    def _spine(
        self,
        node: exp.SetOperation,
        ctes: Expressions,
        outer: Scope | None,
        later: Expressions | None = None,
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
        sight = ctes if later is None else later
        return [first, *(self.query(branch, sight, outer) for branch in branches[1:])]

    def _values(self, node: exp.Values, ctes: Expressions, outer: Scope | None) -> Relation:
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
            Item(names[i] if i < len(names) else f"column{i + 1}", origin, i < len(names), node)
            for i, origin in enumerate(columns)
        ]
        return Relation(named_columns)

    def _select(self, node: exp.Select, ctes: Expressions, outer: Scope | None) -> Relation:
        scope = self.from_clause(node, ctes, outer)
        self._named_values(node, scope, ctes)
        items: list[Item] = []
        for expression in node.expressions:
            items += self.projection(expression, scope, ctes)
        return Relation(items)

    def _named_values(self, node: exp.Select, scope: Scope, ctes: Expressions) -> None:
        """ClickHouse's ``WITH expression AS name``: a value that goes by a name."""
        clause = node.args.get("with_")
        for part in clause.expressions if clause is not None else ():
            if part.args.get("scalar"):
                item = Item(part.alias, self.origin(part.this, scope, ctes), made_at=part)
                scope.aliases.setdefault(part.alias.lower(), (item, False))
