"""What PIVOT, UNPIVOT and MATCH_RECOGNIZE leave of a relation."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from orchestrator.lineage.columns.expressions import ExpressionColumns, Expressions
from orchestrator.lineage.columns.relations import NOTHING, Item, Relation, union
from orchestrator.lineage.columns.scope import Member, Scope

#: Dialects in which UNPIVOT puts the value before the name of the column it comes from.
_VALUE_FIRST = frozenset({"bigquery", "tsql", "fabric"})


def pivoted(
    node: exp.Expr, relation: Relation, scope: Scope, query: ExpressionColumns, ctes: Expressions
) -> Relation:
    """The columns of a member of FROM after its PIVOT and UNPIVOT clauses."""
    for pivot in node.args.get("pivots") or []:
        inner = Scope(scope.dialect, scope.outer, [Member(node.alias.lower(), (), relation)])
        if isinstance(node, exp.Table):
            inner.members[0].path = (node.name.lower(),)
        fields = pivot.args.get("fields") or []
        used = _columns_in(fields)
        rest = NOTHING
        if pivot.args.get("unpivot"):
            made = _unpivoted(pivot, fields, inner, query, ctes)
        else:
            used |= _columns_in(pivot.expressions)
            values = union(query.origin(part, inner, ctes) for part in pivot.expressions)
            known = not any(field.find(exp.Query, exp.PivotAny) for field in fields)
            columns = (pivot.args.get("columns") or []) if known else []
            made = [Item(c.name, values, made_at=pivot) for c in columns]
            if not made:
                rest = values  # the columns it makes are named by the data
        kept = [item for item in relation.items if item.name.lower() not in used]
        relation = Relation([*kept, *made], blank=rest is not NOTHING, rest=rest)
        relation = relation.renamed(query.alias_columns(pivot))
    return relation


def _unpivoted(
    pivot: exp.Pivot,
    fields: list[exp.Expr],
    inner: Scope,
    query: ExpressionColumns,
    ctes: Expressions,
) -> list[Item]:
    """The column of names and those of values; the values of each come from its own columns."""
    names = [Item(query.fold(f.this), made_at=pivot) for f in fields if isinstance(f, exp.In)]
    targets = [p for part in pivot.expressions for p in _listed(part)]
    groups = [part for f in fields for part in f.expressions]
    values: list[Item] = []
    for index, target in enumerate(targets):
        sources = [s[index] for g in groups if len(s := _listed(_unaliased(g))) == len(targets)]
        origin = union(query.origin(_unaliased(s), inner, ctes) for s in sources)
        values.append(Item(_plain_name(target, query), origin, made_at=pivot))
    return [*values, *names] if inner.dialect in _VALUE_FIRST else [*names, *values]


def pivot_statement(
    node: exp.Pivot, scope: Scope, query: ExpressionColumns, ctes: Expressions
) -> Relation:
    """DuckDB's ``PIVOT t ON x USING sum(y)`` and ``UNPIVOT t ON a, b``.

    Args:
        node: The statement.
        scope: The scope of its table.
        query: The reader of expressions.
        ctes: Common table expressions in sight.
    """
    items = scope.star(())
    if node.args.get("unpivot"):
        return _unpivot_statement(node, items, scope, query, ctes)
    using = node.args.get("using") or []
    used = _columns_in([*node.expressions, *using])
    group = node.args.get("group")
    if group is not None:
        wanted = _columns_in([group])
        kept = [item for item in items if item.name.lower() in wanted]
        kept = kept or [item for part in group.expressions for item in _named(part, scope, query)]
    else:
        kept = [item for item in items if item.name.lower() not in used]
    made = [i for part in node.expressions for i in _pivot_values(part, using, scope, query, ctes)]
    # The other columns it makes are named by the data.
    return Relation([*kept, *made], blank=not made)


def _pivot_values(
    part: exp.Expr,
    using: list[exp.Expr],
    scope: Scope,
    query: ExpressionColumns,
    ctes: Expressions,
) -> list[Item]:
    """The columns of ``ON x IN ('k', 'l')``, one for each value and aggregate."""
    if not isinstance(part, exp.In):
        return []
    made: list[Item] = []
    for value in part.expressions:
        for aggregate in using:
            inner = _unaliased(aggregate)
            suffix = aggregate.alias or (inner.sql().lower() if len(using) > 1 else "")
            name = f"{value.alias_or_name}_{suffix}" if suffix else value.alias_or_name
            made.append(Item(name, query.origin(inner, scope, ctes), made_at=value))
    return made


def _unpivot_statement(
    node: exp.Pivot,
    items: list[Item],
    scope: Scope,
    query: ExpressionColumns,
    ctes: Expressions,
) -> Relation:
    turned = [item for part in node.expressions for item in query.projection(part, scope, ctes)]
    used = {item.name.lower() for item in turned}
    kept = [item for item in items if item.is_star or item.name.lower() not in used]
    into = node.args.get("into")
    name = query.fold(into.this.this) if into is not None else "name"
    values = [query.fold(c.this) for c in into.expressions] if into is not None else ["value"]
    origin = union(item.origin for item in turned)
    made = [Item(name, made_at=node), *(Item(value, origin, made_at=node) for value in values)]
    return Relation([*kept, *made])


def measured(match: exp.Expr, scope: Scope, query: ExpressionColumns, ctes: Expressions) -> None:
    """Put what MATCH_RECOGNIZE puts out in the place of the table it looks at."""
    partition = match.args.get("partition_by") or []
    variables = {part.alias.lower() for part in match.args.get("define") or []}
    table = scope.members[-1]
    inner = Scope(scope.dialect, scope.outer, [table])
    # ``k.x`` is the column x of the rows that the variable k matches.
    inner.hidden = [Member(name, (name,), table.relation) for name in variables]
    rows = match.args.get("rows")
    every = "ALL ROWS" in rows.name.upper() if rows is not None else False
    kept = table.relation.items if every else []
    kept = kept or [item for part in partition for item in query.projection(part, inner, ctes)]
    made = [
        item
        for measure in match.args.get("measures") or []
        for item in query.projection(measure.this, inner, ctes)
    ]
    alias = match.args.get("alias")
    name = alias.name.lower() if alias is not None else table.alias
    scope.members[-1] = Member(name, table.path, Relation([*kept, *made]))


def _columns_in(parts: Iterable[exp.Expr]) -> set[str]:
    return {column.name.lower() for part in parts for column in part.find_all(exp.Column)}


def _named(part: exp.Expr, scope: Scope, query: ExpressionColumns) -> list[Item]:
    return query.projection(part, scope, {})


def _unaliased(node: exp.Expr) -> exp.Expr:
    return node.this if isinstance(node, (exp.Alias, exp.PivotAlias)) else node


def _listed(node: exp.Expr) -> list[exp.Expr]:
    """The members of ``(a, b)``, or the node itself."""
    if isinstance(node, exp.Tuple):
        return list(node.expressions)
    return _listed(node.this) if isinstance(node, exp.Paren) else [node]


def _plain_name(node: exp.Expr, query: ExpressionColumns) -> str:
    return query.fold(node.this if isinstance(node, exp.Column) else node)
