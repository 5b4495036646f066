"""What goes into the value of an expression, and which columns a projection puts out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping

from sqlglot import exp

from orchestrator.lineage.columns.relations import NOTHING, Item, Origin, Relation, union
from orchestrator.lineage.columns.scope import Scope
from orchestrator.lineage.columns.stars import chosen_by_pattern, unstarred
from orchestrator.lineage.sql.names import Session, parser_dialect
from orchestrator.model.dataset import Dataset

#: A dataset as a relation, by its columns where they are known.
RelationOf = Callable[[Dataset], Relation]


class Lazy:
    """A common table expression, evaluated when first asked for."""

    def __init__(self, evaluate: Callable[[], Relation]) -> None:
        self._evaluate: Callable[[], Relation] | None = evaluate
        self._relation = Relation()
        self.running = False

    def relation(self) -> Relation:
        """Its columns."""
        if self._evaluate is not None:
            self.running = True
            self._relation = self._evaluate()
            self.running = False
            self._evaluate = None  # and with it the expressions it could see
        return self._relation


#: Common table expressions in sight, by name in lower case.
Expressions = Mapping[str, Lazy]


class ExpressionColumns(ABC):
    """Evaluates the expressions of one statement.

    Args:
        session: How names are resolved.
        relation_of: What is known of datasets.
    """

    def __init__(self, session: Session, relation_of: RelationOf) -> None:
        self.session = session
        self.relation_of = relation_of
        self._dialect = parser_dialect(session.dialect)

    @abstractmethod
    def query(
        self, node: exp.Expr, ctes: Expressions | None = None, outer: Scope | None = None
    ) -> Relation:
        """The columns that a query puts out."""

    # -- names -------------------------------------------------------------------------------

    def fold(self, node: exp.Expr) -> str:
        """The name of a column as the dialect compares it."""
        return self.session.column(node.name, bool(node.args.get("quoted")))

    def alias_columns(self, node: exp.Expr) -> list[str]:
        """The columns that an alias names: ``t (a, b)``."""
        alias = node.args.get("alias")
        columns = alias.args.get("columns") if isinstance(alias, exp.TableAlias) else None
        return [self.fold(column) for column in columns or []]

    def parts(self, node: exp.Column) -> list[str]:
        """The parts of a column's name; Snowflake's ``$1`` is the first column of a file."""
        if isinstance(node.this, exp.Parameter):
            return [*(self.fold(part) for part in node.parts[:-1]), _position(node.this)]
        return [self.fold(part) for part in node.parts]

    def _name(self, node: exp.Expr) -> str:
        """The name that a column has without an alias; empty for most expressions."""
        while isinstance(node, (exp.Cast, exp.Paren)):
            node = node.this
        if isinstance(node, exp.Column):
            return self.parts(node)[-1]
        if isinstance(node, exp.Dot):
            field = isinstance(node.expression, exp.Identifier)
            return self.fold(node.expression) if field else ""
        return "" if isinstance(node, exp.Star) else node.output_name

    # -- projections -------------------------------------------------------------------------

    def projection(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> list[Item]:
        """The columns that one member of a SELECT list puts out."""
        if isinstance(node, exp.Star):
            return self._star(node, (), scope, ctes)
        if isinstance(node, exp.Column) and isinstance(node.this, exp.Star):
            qualifier = tuple(part.name for part in node.parts[:-1])
            return self._star(node.this, qualifier, scope, ctes)
        several = self._several(node, scope, ctes)
        if several is not None:
            return several
        if isinstance(node, exp.Aliases):
            origin = self.origin(node.this, scope, ctes)
            return [Item(self.fold(name), origin, made_at=node) for name in node.expressions]
        return [self._item(node, scope, ctes)]

    def _item(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> Item:
        value, name = node, ""
        if isinstance(node, exp.PropertyEQ) or (isinstance(node, exp.EQ) and self._assigns(node)):
            value, name = node.expression, self.fold(node.this.this)
        elif isinstance(node, exp.Alias):
            value, name = node.this, self.fold(node.args["alias"])
        name = name or self._name(node)
        origin = self.origin(value, scope, ctes)
        item = Item(name or node.sql(dialect=self._dialect), origin, bool(name), node)
        if name:
            names_itself = any(
                column.name.lower() == name.lower() for column in value.find_all(exp.Column)
            )
            scope.aliases.setdefault(name.lower(), (item, names_itself))
        return item

    def _assigns(self, node: exp.EQ) -> bool:
        """T-SQL's ``SELECT name = expression``."""
        return self.session.dialect in ("tsql", "fabric") and isinstance(node.this, exp.Column)

    def _star(
        self, node: exp.Star, qualifier: tuple[str, ...], scope: Scope, ctes: Expressions
    ) -> list[Item]:
        def origin(part: exp.Expr) -> Origin:
            return self.origin(part, scope, ctes)

        return unstarred(node, scope.star(qualifier), origin)

    def _several(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> list[Item] | None:
        """DuckDB's ``COLUMNS('pattern')``, also inside a function, and ``* LIKE 'pattern'``."""
        if self.session.dialect not in ("duckdb", "clickhouse"):
            return None
        if isinstance(node, (exp.Like, exp.ILike, exp.SimilarTo, exp.RegexpLike, exp.Glob)):
            if not isinstance(node.this, exp.Star):
                return None
            items = self._star(node.this, (), scope, ctes)
            return chosen_by_pattern(node, items)
        columns = node.find(exp.Columns)
        if columns is None or node.find_ancestor(exp.Columns):
            return None
        found = self._columns(columns.this, scope, ctes)
        others = [
            self.origin(column, scope, ctes)
            for column in node.find_all(exp.Column)
            if column.find_ancestor(exp.Columns) is None
        ]
        return [Item(i.name, union([i.origin, *others]), i.named, node) for i in found]

    def _columns(self, chosen: exp.Expr, scope: Scope, ctes: Expressions) -> list[Item]:
        if isinstance(chosen, exp.Star):
            return self._star(chosen, (), scope, ctes)
        if isinstance(chosen, exp.Array):
            return [self._item(part, scope, ctes) for part in chosen.expressions]
        return chosen_by_pattern(chosen, scope.star(()))

    # -- values ------------------------------------------------------------------------------

    def origin(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> Origin:
        """What goes into the value of an expression, subqueries included."""
        if isinstance(node, exp.Column) and not isinstance(node.this, exp.Star):
            return scope.column(self.parts(node))
        if isinstance(node, exp.Query):
            return self._value_of(node, scope, ctes)
        found: list[Origin] = []
        outside = scope.parameters
        for part in node.walk(prune=_is_whole):
            if isinstance(part, exp.Column):
                if isinstance(part.this, exp.Star):
                    found.append(self._everything(part, part.this, scope, ctes))
                else:
                    found.append(scope.column(self.parts(part)))
            elif isinstance(part, exp.Query):
                found.append(self._value_of(part, scope, ctes))
            elif isinstance(part, exp.Dot):
                found.append(self._dotted(part, scope, ctes))
            elif isinstance(part, exp.Star):
                found.append(self._everything(part, part, scope, ctes))
            elif isinstance(part, (exp.Lambda, exp.Comprehension)):
                scope.parameters = scope.parameters | _parameters(part)
            elif isinstance(part, exp.Window) and part.args.get("alias") is not None:
                found.append(self._named_window(part, scope, ctes))
            elif isinstance(part, exp.Anonymous) and scope.fresh is not None:
                if part.name.upper() == "VALUES" and part.expressions:
                    found.append(scope.fresh.find(self.fold(part.expressions[0])) or NOTHING)
            elif isinstance(part, exp.Parameter) and self.session.dialect == "snowflake":
                if isinstance(part.this, exp.Literal) and scope.members:
                    found.append(scope.column([_position(part)]))
        scope.parameters = outside
        return union(found)

    def _everything(
        self, node: exp.Expr, star: exp.Star, scope: Scope, ctes: Expressions
    ) -> Origin:
        """A star inside an expression: COUNT counts rows, other functions take every column."""
        if isinstance(node.parent, exp.Count) or not isinstance(node.parent, exp.Func):
            return Origin(counted=scope.datasets())
        qualifier: tuple[str, ...] = ()
        if isinstance(node, exp.Column):
            qualifier = tuple(part.name for part in node.parts[:-1])
        return union(item.origin for item in self._star(star, qualifier, scope, ctes))

    def _dotted(self, node: exp.Dot, scope: Scope, ctes: Expressions) -> Origin:
        """``a.b.c.d.e``: more parts than a column has, or a field of what an expression gives."""
        parts: list[str] = []
        called: list[exp.Expr] = []
        current: exp.Expr = node
        while isinstance(current, (exp.Dot, exp.Paren)):
            if isinstance(current, exp.Dot):
                if isinstance(current.expression, exp.Identifier):
                    parts.append(self.fold(current.expression))
                else:
                    parts, called = [], [*called, current.expression]
            current = current.this
        arguments = [self.origin(part, scope, ctes) for part in called]
        if isinstance(current, exp.Identifier):
            return union([scope.column([self.fold(current), *reversed(parts)]), *arguments])
        if not isinstance(current, exp.Column) or isinstance(current.this, exp.Star):
            return union([self.origin(current, scope, ctes), *arguments])
        return union([scope.column([*self.parts(current), *reversed(parts)]), *arguments])

    def _value_of(self, node: exp.Expr, scope: Scope, ctes: Expressions) -> Origin:
        return union(item.origin for item in self.query(node, ctes, scope).items)

    def _named_window(self, node: exp.Window, scope: Scope, ctes: Expressions) -> Origin:
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


def _parameters(node: exp.Expr) -> set[str]:
    """The names that a lambda or a list comprehension gives to elements."""
    named: Iterable[exp.Expr] = node.expressions
    if isinstance(node, exp.Comprehension):
        named = [part for part in (node.expression, node.args.get("position")) if part is not None]
    return {part.name.lower() for part in named}


def _position(node: exp.Expr) -> str:
    return f"${node.name}"
