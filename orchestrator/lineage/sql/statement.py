"""The effect of one parsed statement: who reads, who is written."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from orchestrator.lineage.sql import copying, ddl, dml
from orchestrator.lineage.sql.building import EffectBuilder
from orchestrator.lineage.sql.effects import StatementKind

Handler = Callable[[exp.Expr, EffectBuilder], None]


def is_statement(tree: exp.Expr) -> bool:
    """Whether a tree is a statement at all, and not an expression that happens to parse."""
    return type(tree) in _HANDLERS or isinstance(tree, (exp.Query, *_WITHOUT_DATA))


def apply(tree: exp.Expr, effect: EffectBuilder) -> None:
    """Add what a statement does to ``effect``.

    Args:
        tree: The parsed statement.
        effect: Where its reads and writes are collected.
    """
    handler = _HANDLERS.get(type(tree))
    if handler is not None:
        handler(tree, effect)
    elif isinstance(tree, exp.Query):
        _query(tree, effect)


def _query(tree: exp.Expr, effect: EffectBuilder) -> None:
    effect.kind = StatementKind.SELECT
    dml.written_inside(tree, effect)
    if tree.args.get("from_") is None:
        copying.moved_by_function(tree, effect)
        _set_config(tree, effect)


def _set_config(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``SELECT set_config('search_path', 'a, b', false)``."""
    for call in tree.expressions:
        if isinstance(call, exp.Anonymous) and call.name.lower() == "set_config":
            setting, value = call.expressions[0], call.expressions[1]
            if setting.name.lower() == "search_path":
                pieces = (piece.strip() for piece in value.name.split(","))
                fold = effect.session.fold
                effect.session.search([fold(p.strip('"'), p.startswith('"')) for p in pieces])


def _reads_only(tree: exp.Expr, effect: EffectBuilder) -> None:
    effect.kind = StatementKind.SELECT
    effect.read_all(tree)


def _use(tree: exp.Expr, effect: EffectBuilder) -> None:
    effect.kind = StatementKind.SESSION
    kind = tree.args.get("kind")
    target = tree.this
    if isinstance(target, exp.Table):
        parts = [(part.name, bool(part.args.get("quoted"))) for part in target.parts]
        effect.session.use(parts, kind.name.upper() if kind else "")


def _attach(tree: exp.Expr, effect: EffectBuilder) -> None:
    effect.kind = StatementKind.SESSION
    name = tree.this.alias if tree.this is not None else ""
    if name:
        effect.session.attached.add(effect.session.fold(name, False))


_HANDLERS: dict[type[exp.Expr], Handler] = {
    exp.Insert: dml.insert,
    exp.MultitableInserts: dml.insert_many,
    exp.Update: dml.update,
    exp.Delete: dml.delete,
    exp.Merge: dml.merge,
    exp.TruncateTable: dml.truncate,
    exp.Create: ddl.create,
    exp.Drop: ddl.drop,
    exp.Alter: ddl.alter,
    exp.Cache: ddl.cache,
    exp.Refresh: ddl.refresh,
    exp.Copy: copying.copy,
    exp.LoadData: copying.load,
    exp.Export: copying.export,
    exp.Put: copying.put,
    exp.Pivot: _reads_only,
    exp.Summarize: _reads_only,
    exp.Values: _reads_only,
    exp.Use: _use,
    exp.Attach: _attach,
}
#: Statements that move no data between datasets.
_WITHOUT_DATA = (
    exp.Command,
    exp.Set,
    exp.Show,
    exp.Describe,
    exp.Pragma,
    exp.Transaction,
    exp.Commit,
    exp.Rollback,
    exp.Grant,
    exp.Revoke,
    exp.Comment,
    exp.Analyze,
    exp.Detach,
    exp.Kill,
    exp.Declare,
    exp.Execute,
    exp.Semicolon,
    exp.Undrop,
    exp.Uncache,
    exp.Use,
    exp.Get,
)
