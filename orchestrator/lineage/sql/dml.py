"""Effects of INSERT, UPDATE, DELETE, MERGE, TRUNCATE and of queries that write."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from orchestrator.lineage.sql.building import EffectBuilder, table_of
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.tables import Named
from orchestrator.lineage.sql.walk import gather
from orchestrator.model.dataset import Dataset, DatasetKind


def insert(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``INSERT [OVERWRITE] INTO t …``, into a table, a directory or a table function."""
    effect.kind = StatementKind.INSERT
    written_inside(tree, effect)


def insert_many(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``INSERT ALL INTO … INTO … SELECT`` and Hive's ``FROM … INSERT … INSERT``."""
    effect.kind = StatementKind.INSERT
    written_inside(tree, effect)


def update(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``UPDATE t SET … FROM …``, the target possibly an alias of a joined table."""
    effect.kind = StatementKind.UPDATE
    written_inside(tree, effect)


def delete(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``DELETE FROM t USING …`` and ``DELETE a, b FROM a JOIN b``."""
    effect.kind = StatementKind.DELETE
    written_inside(tree, effect)


def merge(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``MERGE INTO t USING …``."""
    effect.kind = StatementKind.MERGE
    written_inside(tree, effect)


def truncate(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``TRUNCATE TABLE a, b``."""
    effect.kind = StatementKind.TRUNCATE
    for table in tree.expressions:
        for name in effect.resolve(table):
            effect.write(name, replaces=True)


def written_inside(tree: exp.Expr, effect: EffectBuilder) -> None:
    """Everything under ``tree``: the targets of its writers are written, the rest is read.

    A writer may stand at the top, in a common table expression, or behind INTO.
    """
    targets: list[tuple[Named, bool, bool]] = []
    skip: set[int] = set()
    gathered = gather(tree)
    for node in gathered.writers:
        if isinstance(node, exp.Into):
            targets += [(name, True, False) for name in _into(node, effect, skip)]
        elif isinstance(node, exp.Returning):
            targets += [(name, False, False) for name in _output(node, effect, skip)]
        elif not isinstance(node.parent, exp.When):
            replaces = _replaces(node)
            targets += [(name, False, replaces) for name in _targets(node, effect, skip)]
    effect.read_all(gathered, frozenset(skip))
    for name, creates, replaces in targets:
        if creates:
            effect.create(name)
        else:
            effect.write(name, replaces=replaces)


def _replaces(node: exp.Expr) -> bool:
    if isinstance(node, exp.Delete):
        return (
            not node.args.get("where")
            and not node.args.get("using")
            and not node.args.get("tables")
        )
    if not isinstance(node, exp.Insert) or not node.args.get("overwrite"):
        return False
    target = table_of(node.this)
    partition = node.args.get("partition") or (target.args.get("partition") if target else None)
    return not partition


def _into(node: exp.Expr, effect: EffectBuilder, skip: set[int]) -> list[Named]:
    """``SELECT … INTO t``."""
    target = node.this
    skip.add(id(target))
    if not isinstance(target, exp.Table) or node.args.get("bulk_collect"):
        return []
    effect.kind = StatementKind.CREATE_AS
    effect.temporary = bool(node.args.get("temporary"))
    return effect.resolve(target)


def _output(node: exp.Expr, effect: EffectBuilder, skip: set[int]) -> list[Named]:
    """T-SQL's ``OUTPUT … INTO t``, which the parser takes for a name or for a call."""
    into = node.args.get("into")
    if not isinstance(into, exp.Expr):
        return []
    skip.add(id(into))
    if isinstance(into, exp.Table):
        return effect.resolve(into)
    parts = into.parts if isinstance(into, (exp.Column, exp.Dot)) else [into]
    names = [(part.name, bool(part.args.get("quoted"))) for part in parts if part.name]
    dataset = effect.session.table(names) if names else None
    return [Named(dataset, 0)] if dataset else []


def _targets(node: exp.Expr, effect: EffectBuilder, skip: set[int]) -> list[Named]:
    if isinstance(node, exp.Delete):
        return _delete_targets(node, effect, skip)
    if isinstance(node, exp.Update):
        return _update_targets(node, effect, skip)
    target = table_of(node.this)
    if isinstance(target, exp.Directory):
        return [Named(Dataset(None, None, target.name, DatasetKind.FILE), 0)]
    if target is None or isinstance(target, exp.Query):
        return []
    skip.add(id(target))
    return effect.resolve(target)


def _delete_targets(node: exp.Delete, effect: EffectBuilder, skip: set[int]) -> list[Named]:
    listed = node.args.get("tables") or []
    main = table_of(node.this) if node.this else None
    if not listed:
        using = node.args.get("using") or []
        listed = [main, *_tables_in(main)[1:]] if using else [main]
        return [n for table in listed for n in _alias_or_table(table, using, effect, skip)]
    sources = _tables_in(main)
    return [name for table in listed for name in _alias_or_table(table, sources, effect, skip)]


def _update_targets(node: exp.Update, effect: EffectBuilder, skip: set[int]) -> list[Named]:
    main = table_of(node.this)
    source = node.args.get("from_")
    sources = _tables_in(source.this) if source is not None else []
    joined = _tables_in(main)[1:] if isinstance(main, exp.Table) else []
    if not joined:
        return _alias_or_table(main, sources, effect, skip)
    everyone = _tables_in(main)
    assigned: list[exp.Expr | None] = [*_assigned_tables(node, everyone)]
    return [
        n for table in assigned or [main] for n in _alias_or_table(table, everyone, effect, skip)
    ]


def _assigned_tables(node: exp.Update, tables: list[exp.Table]) -> list[exp.Table]:
    """The joined tables whose columns ``SET`` names: those a MySQL update writes."""
    names = {
        assignment.this.table.lower()
        for assignment in node.expressions
        if isinstance(assignment, exp.EQ) and isinstance(assignment.this, exp.Column)
    }
    return [table for table in tables if table.alias_or_name.lower() in names]


def _tables_in(source: exp.Expr | None) -> list[exp.Table]:
    """The tables of a FROM clause itself, without those of its subqueries."""
    if source is None:
        return []
    own = [source] if isinstance(source, exp.Table) else []
    if isinstance(source, (exp.Paren, exp.Subquery)) and isinstance(source.this, exp.Table):
        own = _tables_in(source.this)
    joins = source.args.get("joins") or []
    return own + [table for join in joins for table in _tables_in(join.this)]


def _alias_or_table(
    target: exp.Expr | None,
    sources: Iterable[exp.Expr],
    effect: EffectBuilder,
    skip: set[int],
) -> list[Named]:
    """Resolve a target that may be the alias of one of ``sources``; neither is then read."""
    if isinstance(target, exp.Subquery):
        source = target.this.args.get("from_")  # Oracle writes through a query of one table
        target = source.this if source is not None else None
    if target is None:
        return []
    skip.add(id(target))
    if isinstance(target, exp.Table):
        behind = _behind_expression(target, effect)
        if behind is not None:
            skip.add(id(behind))
            return effect.resolve(behind)
        for source in sources:
            for table in _tables_in(source):
                if table is target or _stands_for(target, table):
                    skip.add(id(table))
                    return effect.resolve(table)
    return effect.resolve(target)


def _behind_expression(target: exp.Table, effect: EffectBuilder) -> exp.Table | None:
    """The table that T-SQL writes where the target is a common table expression."""
    if effect.session.dialect not in ("tsql", "fabric") or target.args.get("db"):
        return None
    found: exp.Table | None = None
    clause = target.parent.args.get("with_") if target.parent is not None else None
    wanted = target.name.lower()
    for expression in reversed(clause.expressions if clause is not None else []):
        source = expression.this.args.get("from_")
        if expression.alias.lower() == wanted and source is not None:
            if not isinstance(source.this, exp.Table):
                return None
            found, wanted = source.this, source.this.name.lower()
    return found


def _stands_for(target: exp.Table, table: exp.Table) -> bool:
    """Whether ``target`` names ``table``, by its alias or by its own name."""
    if target.args.get("db"):
        return target.parts == table.parts and not table.alias
    return target.name.lower() == table.alias_or_name.lower()
