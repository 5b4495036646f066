"""Columns of what makes or fills a whole relation: queries, CREATE … AS, COPY, LOAD, EXPORT."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.columns.ledger import Ledger, column_parts
from orchestrator.lineage.columns.relations import NOTHING, Item, Relation
from orchestrator.lineage.sql import copying
from orchestrator.lineage.sql.building import table_of
from orchestrator.lineage.sql.ddl import templates
from orchestrator.lineage.sql.tables import Named


def query(tree: exp.Expr, ledger: Ledger) -> None:
    """``SELECT …``, and ``SELECT … INTO t``."""
    into = tree.find(exp.Into) if tree.args.get("into") is not None else None
    relation = ledger.query().query(tree)
    if into is None or into.args.get("bulk_collect"):
        ledger.emit(None, relation.items)
        return
    for dataset in ledger.targets(into.this):
        ledger.fill(dataset, relation)


def create(tree: exp.Expr, ledger: Ledger) -> None:
    """``CREATE TABLE | VIEW``, from a query, a clone, or by definitions."""
    if str(tree.args.get("kind")).upper() not in ("TABLE", "VIEW", "MODEL"):
        return
    targets = ledger.targets(tree.this)
    for prop in _properties(tree):
        if isinstance(prop, exp.ToTableProperty):
            targets = ledger.targets(prop.this)
    names = ledger.column_names(tree.this)
    body = tree.expression or _copied(tree)
    if body is None:
        parts = column_parts(tree.this)
        items = [Item(name, made_at=part) for name, part in zip(names, parts, strict=True)]
        taken = _likeness(tree, ledger)
        items = [*(Item(name) for name in taken or () if name not in names), *items]
        for dataset in targets:
            ledger.emit(dataset, items)
            ledger.learn(dataset, None if taken is None else [item.name for item in items])
        return
    reader = ledger.query()
    relation = reader.query(body, reader.with_clause(tree, {})).renamed(names)
    for dataset in targets:
        ledger.fill(dataset, relation)


def cache(tree: exp.Expr, ledger: Ledger) -> None:
    """Spark's ``CACHE TABLE a AS SELECT``."""
    if tree.expression:
        relation = ledger.query().query(tree.expression)
        for dataset in ledger.targets(tree.this):
            ledger.fill(dataset, relation)


def copy(tree: exp.Expr, ledger: Ledger) -> None:
    """``COPY t FROM 'f'``, ``COPY (query) TO 'f'``, ``COPY INTO t FROM (SELECT … FROM @s)``."""
    files = tree.args.get("files") or []
    loads = bool(tree.args.get("kind"))
    for source in files if loads else [tree.this]:
        relation = _source(source, ledger)
        for target in [tree.this] if loads else files:
            _load_into(target, relation, ledger)


def load(tree: exp.Expr, ledger: Ledger) -> None:
    """``LOAD DATA … INTO TABLE t``."""
    for name in copying.loaded_files(tree):
        _load_into(tree.this, ledger.relation_of(name.dataset), ledger)


def export(tree: exp.Expr, ledger: Ledger) -> None:
    """BigQuery's ``EXPORT DATA … AS query``."""
    relation = ledger.query().query(tree.this)
    for name in copying.exported_files(tree):
        ledger.emit(name.dataset, relation.items)


def _source(node: exp.Expr, ledger: Ledger) -> Relation:
    """One source of COPY: a query, a table with or without a list of columns, a file."""
    body = table_of(node)
    if isinstance(body, exp.Query):
        return ledger.query().query(body)
    found = copying.end_of(node, ledger.effect)
    relation = Relation([i for name in found for i in ledger.relation_of(name.dataset).items])
    listed = ledger.column_names(node)
    if not listed:
        return relation
    return Relation([Item(name, relation.find(name) or NOTHING) for name in listed])


def _load_into(target: exp.Expr, relation: Relation, ledger: Ledger) -> None:
    listed = ledger.column_names(target)
    found: list[Named] = copying.end_of(target, ledger.effect)
    for dataset in (name.dataset for name in found):
        names = listed or ledger.positions(dataset, relation)
        if not names and all(item.is_star for item in relation.items):
            names = ledger.columns_of(dataset) or []
        ledger.emit(dataset, relation.renamed(names).items)


def _likeness(tree: exp.Expr, ledger: Ledger) -> list[str] | None:
    """The columns that ``LIKE t`` and ``INHERITS (t, u)`` give a table; None if not known."""
    names: list[str] = []
    for template in templates(tree):
        parents = isinstance(template, exp.InheritsProperty)
        for node in template.expressions if parents else [template.this]:
            for dataset in ledger.targets(node):
                known = ledger.columns_of(dataset)
                if known is None:
                    return None
                names += known
    return names


def _properties(tree: exp.Expr) -> list[exp.Expr]:
    properties = tree.args.get("properties")
    return list(properties.expressions) if properties is not None else []


def _copied(tree: exp.Expr) -> exp.Expr | None:
    """The table of CLONE; LIKE takes over no rows."""
    clone = tree.args.get("clone")
    return clone.this if clone is not None else None
