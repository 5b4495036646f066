"""Effects of COPY, LOAD DATA, EXPORT and PUT: tables to and from files and stages."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.sql.building import EffectBuilder, table_of
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.tables import Named, line_of, named
from orchestrator.model.dataset import Dataset, DatasetKind

_PARTITION_FUNCTIONS = frozenset(
    {"swap_partitions_between_tables", "move_partitions_to_table", "copy_partitions_to_table"}
)
_STREAMS = frozenset({"stdin", "stdout", "program"})


def copy(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``COPY t FROM 'f'``, ``COPY (query) TO 'f'``, ``COPY INTO t FROM @s``, ``COPY INTO @s FROM t``."""
    effect.kind = StatementKind.COPY
    files = tree.args.get("files") or []
    loads = bool(tree.args.get("kind"))
    sources, targets = (files, [tree.this]) if loads else ([tree.this], files)
    for source in sources:
        _read(source, effect)
    for target in targets:
        for name in end_of(target, effect):
            effect.write(name)


def load(tree: exp.Expr, effect: EffectBuilder) -> None:
    """Hive's ``LOAD DATA INPATH 'x' INTO TABLE t`` and BigQuery's ``LOAD DATA … FROM FILES``."""
    effect.kind = StatementKind.COPY
    for name in loaded_files(tree):
        effect.read(name)
    for name in effect.resolve(tree.this):
        effect.write(name, replaces=bool(tree.args.get("overwrite")))


def export(tree: exp.Expr, effect: EffectBuilder) -> None:
    """BigQuery's ``EXPORT DATA OPTIONS (uri = '…') AS query``."""
    effect.kind = StatementKind.COPY
    effect.read_all(tree.this)
    for name in exported_files(tree):
        effect.write(name)


def loaded_files(tree: exp.Expr) -> list[Named]:
    """The files of LOAD DATA."""
    path = tree.args.get("inpath")
    files = tree.args.get("files")
    texts = [path] if path is not None else list(files.find_all(exp.Literal)) if files else []
    return [_file(t) for t in texts if t.is_string and ("/" in t.name or path is not None)]


def exported_files(tree: exp.Expr) -> list[Named]:
    """The files of EXPORT DATA."""
    options = tree.args.get("options")
    return [
        _file(option.args["value"])
        for option in (options.expressions if options is not None else [])
        if option.name.lower() == "uri" and option.args.get("value") is not None
    ]


def put(tree: exp.Expr, effect: EffectBuilder) -> None:
    """Snowflake's ``PUT file://x @stage``."""
    effect.kind = StatementKind.COPY
    effect.read(_file(tree.this))
    target = tree.args.get("target")
    if target is not None and target.name.startswith("@"):
        effect.write(Named(Dataset(None, None, target.name, DatasetKind.STAGE), 0))


def moved_by_function(tree: exp.Expr, effect: EffectBuilder) -> None:
    """Vertica's ``SELECT move_partitions_to_table('a', …, 'b')`` and its relatives."""
    for call in tree.expressions:
        arguments = call.expressions if isinstance(call, exp.Anonymous) else []
        if len(arguments) < 4 or call.name.lower() not in _PARTITION_FUNCTIONS:
            continue
        effect.kind = StatementKind.COPY
        for name in named(exp.DynamicIdentifier(this=arguments[0]), effect.session):
            effect.read(name)
        for name in named(exp.DynamicIdentifier(this=arguments[3]), effect.session):
            effect.write(name)


def _read(source: exp.Expr, effect: EffectBuilder) -> None:
    inner = table_of(source)
    if isinstance(inner, (exp.Query, exp.Subquery)):
        effect.read_all(inner)
        return
    for name in end_of(source, effect):
        effect.read(name)


def end_of(node: exp.Expr, effect: EffectBuilder) -> list[Named]:
    """One end of a copy: a table, a stage, a file, or nothing for a stream."""
    target = table_of(node)
    if isinstance(target, exp.Literal):
        return [_end_of_text(target)]
    if isinstance(target, exp.Identifier):
        return [] if target.name.lower() in _STREAMS else [_end_of_text(target)]
    if isinstance(target, exp.Table) and isinstance(target.this, exp.Literal):
        return [_end_of_text(target.this)]
    return effect.resolve(target)


def _end_of_text(node: exp.Expr) -> Named:
    if node.name.startswith("@"):
        return Named(Dataset(None, None, node.name, DatasetKind.STAGE), line_of(node))
    return _file(node)


def _file(node: exp.Expr) -> Named:
    return Named(Dataset(None, None, node.name, DatasetKind.FILE), line_of(node))
