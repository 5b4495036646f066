"""Columns of what writes into a table that is there: INSERT, UPDATE, MERGE."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.columns.expressions import Expressions
from orchestrator.lineage.columns.ledger import Ledger
from orchestrator.lineage.columns.query import QueryColumns
from orchestrator.lineage.columns.relations import Item, Relation
from orchestrator.lineage.columns.scope import Member, Scope
from orchestrator.lineage.sql.building import table_of
from orchestrator.model.dataset import Dataset


def insert(tree: exp.Expr, ledger: Ledger) -> None:
    """``INSERT INTO t (a, b) SELECT …``, by position or by list."""
    if not isinstance(tree.expression, (exp.Query, exp.Values)):
        return
    query = ledger.query()
    ctes = query.with_clause(tree, ledger.sight)
    relation = query.query(tree.expression, ctes)
    _into(tree, relation, ledger)
    conflict = tree.args.get("conflict")
    if conflict is not None:
        _upsert(tree, conflict, relation, query, ctes, ledger)


def _into(tree: exp.Expr, relation: Relation, ledger: Ledger) -> None:
    for dataset in ledger.targets(tree.this):
        names = ledger.column_names(tree.this)
        if not names and not tree.args.get("by_name"):
            names = ledger.positions(dataset, relation)
        items = relation.renamed(names).items[: len(names) or None]
        unnamed = isinstance(tree.expression, exp.Values) and not names
        ledger.emit(dataset, [] if unnamed else items)


def _upsert(
    tree: exp.Expr,
    conflict: exp.Expr,
    relation: Relation,
    query: QueryColumns,
    ctes: Expressions,
    ledger: Ledger,
) -> None:
    """``ON CONFLICT … DO UPDATE SET a = excluded.a`` and ``ON DUPLICATE KEY UPDATE``."""
    target = table_of(tree.this)
    for dataset in ledger.targets(tree.this):
        names = ledger.column_names(tree.this) or ledger.positions(dataset, relation)
        scope = Scope(ledger.session.dialect)
        if target is not None:
            query.member(target, scope, ctes)
        fresh = relation.renamed(names)
        for alias in ("excluded", tree.expression.alias.lower()):
            scope.hidden.append(Member(alias, (alias,), fresh))
        scope.fresh = fresh
        if isinstance(tree.expression, exp.Select):
            scope.hidden += query.from_clause(tree.expression, ctes).members
        for assignment in conflict.expressions:
            _assign(assignment, dataset, scope, query, ctes, ledger)


def insert_many(tree: exp.Expr, ledger: Ledger) -> None:
    """``INSERT ALL INTO … INTO … SELECT`` and Hive's ``FROM … INSERT … INSERT``."""
    query = ledger.query()
    scope = Scope(ledger.session.dialect)
    query.member(tree.args["source"], scope, query.with_clause(tree, ledger.sight))
    for branch in tree.expressions:
        target = branch.this if isinstance(branch, exp.ConditionalInsert) else branch
        body = target.expression
        if isinstance(body, exp.Values):
            row = body.expressions[0]
            items = [
                Item(v.alias_or_name, query.origin(v, scope, {}), made_at=v)
                for v in row.expressions
            ]
            relation = Relation(items)
        elif isinstance(body, exp.Query):
            relation = query.query(body, {}, scope)
        else:
            relation = Relation(scope.star(()))
        _into(target, relation, ledger)


def update(tree: exp.Expr, ledger: Ledger) -> None:
    """``UPDATE t SET a = … FROM …``."""
    query = ledger.query()
    ctes = query.with_clause(tree, ledger.sight)
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
        _assign(assignment, target, scope, query, ctes, ledger)


def merge(tree: exp.Expr, ledger: Ledger) -> None:
    """``MERGE INTO t USING …`` with any number of WHEN."""
    query = ledger.query()
    ctes = query.with_clause(tree, ledger.sight)
    scope = Scope(ledger.session.dialect)
    query.member(tree.this, scope, ctes)
    target = _dataset_of(scope.members[0])
    query.member(tree.args["using"], scope, ctes)
    source = Scope(ledger.session.dialect, None, scope.members[1:])
    whens = tree.args.get("whens")
    if target is None or whens is None:
        return
    for when in whens.expressions:
        then = when.args.get("then")
        if isinstance(then, exp.Update):
            if not then.expressions:
                _all_in_order(target, source, ledger)
            elif isinstance(then.expressions[0], exp.Star):
                ledger.emit(target, source.star(()))
            for assignment in then.expressions:
                _assign(assignment, target, scope, query, ctes, ledger)
        elif isinstance(then, exp.Insert):
            _merge_insert(then, target, scope, source, query, ledger)


def _merge_insert(
    then: exp.Insert,
    target: Dataset,
    scope: Scope,
    source: Scope,
    query: QueryColumns,
    ledger: Ledger,
) -> None:
    values = then.expression
    if not isinstance(values, exp.Tuple):
        if isinstance(then.this, exp.Star):
            ledger.emit(target, source.star(()))
        else:
            _all_in_order(target, source, ledger)
        return
    listed = then.this.expressions if isinstance(then.this, exp.Tuple) else []
    names = [query.fold(column.this) for column in listed] or ledger.columns_of(target) or []
    items = []
    for index, value in enumerate(values.expressions):
        name = names[index] if index < len(names) else value.alias_or_name
        if name:
            items.append(Item(name, query.origin(value, scope, {}), made_at=value))
    ledger.emit(target, items)


def _all_in_order(target: Dataset, source: Scope, ledger: Ledger) -> None:
    """All columns of the source, the first into the first and so on."""
    relation = Relation(source.star(()))
    names = ledger.positions(target, relation)
    if len(names) == len(relation.items):
        relation = relation.renamed(names)
    ledger.emit(target, relation.items)


def _assign(
    node: exp.Expr,
    target: Dataset | None,
    scope: Scope,
    query: QueryColumns,
    ctes: Expressions,
    ledger: Ledger,
) -> None:
    if not isinstance(node, exp.EQ):
        return
    written = node.this
    if isinstance(written, exp.Column) and written.table:
        member = scope.member([part.name for part in written.parts[:-1]])
        target = (_dataset_of(member) if member else None) or target
    if target is None:
        return
    if isinstance(written, exp.Tuple):
        ledger.emit(target, _assigned(written, node.expression, scope, query, ctes))
        return
    origin = query.origin(node.expression, scope, ctes)
    ledger.emit(target, [Item(query.fold(written.this), origin, made_at=node)])


def _assigned(
    written: exp.Tuple, value: exp.Expr, scope: Scope, query: QueryColumns, ctes: Expressions
) -> list[Item]:
    """``SET (a, b) = (SELECT x, y …)``."""
    names = [query.fold(column.this) for column in written.expressions]
    if isinstance(value, exp.Query):
        return query.query(value, ctes, scope).renamed(names).items
    return [
        Item(name, query.origin(v, scope, ctes), made_at=v)
        for name, v in zip(names, value.expressions, strict=False)
    ]


def _member_of(main: exp.Expr, scope: Scope) -> Member | None:
    """The member of FROM that the target of an UPDATE stands for."""
    if not isinstance(main, exp.Table):
        return None
    return scope.member([part.name for part in main.parts])


def _dataset_of(member: Member) -> Dataset | None:
    """The one dataset that a member of FROM is."""
    if member.relation.base is not None:
        return member.relation.base
    datasets = {dataset for item in member.relation.items for dataset, _ in item.origin.sources}
    return next(iter(datasets)) if len(datasets) == 1 else None
