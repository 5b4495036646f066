"""Effects of COPY, LOAD DATA, EXPORT and PUT: tables to and from files and stages."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.building import EffectBuilder, table_of
from orchestrator.lineage.effects import StatementKind
from orchestrator.lineage.tables import Named, line_of
from orchestrator.model.dataset import Dataset, DatasetKind

_STREAMS = frozenset({"stdin", "stdout"})


def copy(tree: exp.Expression, effect: EffectBuilder) -> None:
    """``COPY t FROM 'f'``, ``COPY (query) TO 'f'``, ``COPY INTO t FROM @s``, ``COPY INTO @s FROM t``."""
    effect.kind = StatementKind.COPY
    files = tree.args.get("files") or []
    loads = bool(tree.args.get("kind"))
    sources, targets = (files, [tree.this]) if loads else ([tree.this], files)
    for source in sources:
        _read(source, effect)
    for target in targets:
        for name in _end(target, effect):
            effect.write(name)


def load(tree: exp.Expression, effect: EffectBuilder) -> None:
    """Hive's ``LOAD DATA INPATH 'x' INTO TABLE t`` and BigQuery's ``LOAD DATA … FROM FILES``."""
    effect.kind = StatementKind.COPY
    path = tree.args.get("inpath")
    files = tree.args.get("files")
    texts = [path] if path is not None else list(files.find_all(exp.Literal)) if files else []
    for text in texts:
        if text.is_string and ("/" in text.name or path is not None):
            effect.read(_file(text))
    for name in effect.resolve(tree.this):
        effect.write(name, replaces=bool(tree.args.get("overwrite")))


def export(tree: exp.Expression, effect: EffectBuilder) -> None:
    """BigQuery's ``EXPORT DATA OPTIONS (uri = '…') AS query``."""
    effect.kind = StatementKind.COPY
    effect.read_all(tree.this)
    options = tree.args.get("options")
    for option in options.expressions if options is not None else []:
        if option.name.lower() == "uri" and option.args.get("value") is not None:
            effect.write(_file(option.args["value"]))


def put(tree: exp.Expression, effect: EffectBuilder) -> None:
    """Snowflake's ``PUT file://x @stage``."""
    effect.kind = StatementKind.COPY
    effect.read(_file(tree.this))
    target = tree.args.get("target")
    if target is not None and target.name.startswith("@"):
        effect.write(Named(Dataset(None, None, target.name, DatasetKind.STAGE), 0))


def _read(source: exp.Expression, effect: EffectBuilder) -> None:
    inner = table_of(source)
    if isinstance(inner, exp.Query) or (isinstance(inner, exp.Subquery)):
        effect.read_all(inner)
        return
    for name in _end(source, effect):
        effect.read(name)


def _end(node: exp.Expression, effect: EffectBuilder) -> list[Named]:
    """One end of a copy: a table, a stage, a file, or nothing for a stream."""
    target = table_of(node)
    if isinstance(target, exp.Literal):
        return [_end_of_text(target)]
    if isinstance(target, exp.Identifier):
        return [] if target.name.lower() in _STREAMS else [_end_of_text(target)]
    if isinstance(target, exp.Table) and isinstance(target.this, exp.Literal):
        return [_end_of_text(target.this)]
    return effect.resolve(target)


def _end_of_text(node: exp.Expression) -> Named:
    if node.name.startswith("@"):
        return Named(Dataset(None, None, node.name, DatasetKind.STAGE), line_of(node))
    return _file(node)


def _file(node: exp.Expression) -> Named:
    return Named(Dataset(None, None, node.name, DatasetKind.FILE), line_of(node))
