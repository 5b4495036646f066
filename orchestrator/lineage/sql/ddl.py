"""Effects of CREATE, DROP, ALTER and their relatives."""

from __future__ import annotations

from sqlglot import exp

from orchestrator.lineage.sql.building import EffectBuilder, table_of
from orchestrator.lineage.sql.effects import StatementKind
from orchestrator.lineage.sql.tables import Named
from orchestrator.model.dataset import Dataset, DatasetKind

_RELATIONS = frozenset({"TABLE", "VIEW", "STREAM", "EXTERNAL TABLE", "DICTIONARY", "MODEL"})
_DROPPED = _RELATIONS | {"STAGE", "MATERIALIZED VIEW", "DYNAMIC TABLE"}
#: Properties that name another table, whose rows or shape the new one takes.
_TEMPLATES = (exp.LikeProperty, exp.InheritsProperty, exp.PartitionedOfProperty)
#: Options that say where the rows of a table lie.
_PLACES = frozenset({"location", "url", "path", "external_location", "uri", "uris"})
_TEMPORARY = (exp.TemporaryProperty, exp.VolatileProperty)


def create(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``CREATE TABLE | VIEW | …``, from a query, a clone, a template, a location, or empty."""
    kind = str(tree.args.get("kind") or "").upper()
    if kind == "INDEX":
        return _index(tree, effect)
    if kind == "STAGE":
        return _stage(tree, effect)
    if kind in ("FUNCTION", "PROCEDURE"):
        return _routine(tree, effect)
    if kind not in _RELATIONS:
        return None
    properties = _properties(tree)
    effect.kind = _kind(tree, kind)
    effect.temporary = any(isinstance(p, _TEMPORARY) for p in properties)
    effect.conditional = bool(tree.args.get("exists"))
    effect.takes_shape = not (tree.args.get("expression") or tree.args.get("clone"))
    _read_sources(tree, properties, effect)
    temporary_name = _is_temporary_name(table_of(tree.this))
    effect.temporary = effect.temporary or temporary_name
    for name in effect.resolve(tree.this):
        effect.create(name)
    for prop in properties:
        if isinstance(prop, exp.ToTableProperty):
            for name in effect.resolve(prop.this):
                effect.write(name)
    return None


def _is_temporary_name(target: exp.Expr | None) -> bool:
    inner = target.this if isinstance(target, exp.Table) else None
    if not isinstance(inner, exp.Identifier):
        return False
    return bool(inner.args.get("temporary")) or inner.name.startswith("#")


def _kind(tree: exp.Expr, kind: str) -> StatementKind:
    if kind == "VIEW":
        return StatementKind.VIEW
    derived = tree.args.get("expression") or tree.args.get("clone") or list(templates(tree))
    return StatementKind.CREATE_AS if derived else StatementKind.CREATE


def _properties(tree: exp.Expr) -> list[exp.Expr]:
    properties = tree.args.get("properties")
    return list(properties.expressions) if properties is not None else []


def templates(tree: exp.Expr) -> list[exp.Expr]:
    """What CREATE takes the columns of another table from."""
    inside = tree.this.expressions if isinstance(tree.this, exp.Schema) else []
    return [node for node in (*inside, *_properties(tree)) if isinstance(node, _TEMPLATES)]


def _read_sources(tree: exp.Expr, properties: list[exp.Expr], effect: EffectBuilder) -> None:
    if tree.args.get("with_") is not None:
        apart = [tree.args.get(key) for key in ("this", "properties", "clone")]
        skip = {id(t) for part in apart if part is not None for t in part.find_all(exp.Table)}
        effect.read_all(tree, frozenset(skip))
    else:
        effect.read_all(tree.expression)
    clone = tree.args.get("clone")
    if clone is not None:
        effect.read_all(clone)
    for template in templates(tree):
        effect.read_all(template)
    for location in _locations(properties):
        if tree.expression:
            effect.write(Named(location, 0))
        else:
            effect.read(Named(location, 0))


def _locations(properties: list[exp.Expr]) -> list[Dataset]:
    """Where the rows of an external table lie."""
    found = [p.this for p in properties if isinstance(p, exp.LocationProperty)]
    for prop in properties:
        if isinstance(prop, exp.Property) and not isinstance(prop, exp.LocationProperty):
            value = prop.args.get("value")
            if prop.name.lower() in _PLACES:
                found += value.expressions if isinstance(value, exp.Array) else [value]
        for option in prop.expressions if isinstance(prop, exp.OptionsProperty) else []:
            value = option.args.get("value")
            if option.name.lower() in _PLACES:
                found += value.expressions if isinstance(value, exp.Array) else [value]
    return [place for node in found if (place := _location(node)) is not None]


def _location(node: exp.Expr | None) -> Dataset | None:
    if node is None or not node.name:
        return None
    if node.name.startswith("@"):
        return Dataset(None, None, node.name, DatasetKind.STAGE)
    return (
        Dataset(None, None, node.name, DatasetKind.FILE) if isinstance(node, exp.Literal) else None
    )


def _index(tree: exp.Expr, effect: EffectBuilder) -> None:
    effect.kind = StatementKind.ALTER
    index = tree.this
    for name in effect.resolve(index.args.get("table") if index is not None else None):
        effect.write(name)


def _stage(tree: exp.Expr, effect: EffectBuilder) -> None:
    effect.kind = StatementKind.STAGE
    for location in _locations(_properties(tree)):
        effect.read(Named(location, 0))
    for name in effect.resolve(tree.this):
        effect.create(name)


def _routine(tree: exp.Expr, effect: EffectBuilder) -> None:
    effect.kind = StatementKind.ROUTINE
    effect.read_all(tree.expression)


def drop(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``DROP TABLE a, b``."""
    effect.kind = StatementKind.DROP
    if str(tree.args.get("kind") or "").upper() not in _DROPPED:
        return
    for table in tree.args.get("tables") or [tree.this]:
        for name in effect.resolve(table):
            effect.drop(name)


def alter(tree: exp.Expr, effect: EffectBuilder) -> None:
    """``ALTER TABLE a RENAME TO b | SWAP WITH b | …``."""
    effect.kind = StatementKind.ALTER
    actions = tree.args.get("actions") or []
    for action in actions:
        place = _location(_place_of(action))
        if place is not None:
            effect.read(Named(place, 0))
    for one in effect.resolve(tree.this):
        others = [
            action for action in actions if isinstance(action, (exp.AlterRename, exp.SwapTable))
        ]
        if not others:
            effect.write(one)
        for action in others:
            _exchange(one, action, effect)


def _place_of(action: exp.Expr) -> exp.Expr | None:
    """Where ``ADD PARTITION … LOCATION 'x'`` and ``SET LOCATION 'x'`` find rows."""
    if not isinstance(action, (exp.AddPartition, exp.AlterSet)):
        return None
    place = action.args.get("location")
    return place.this if isinstance(place, exp.LocationProperty) else place


def _exchange(one: Named, action: exp.Expr, effect: EffectBuilder) -> None:
    for other in effect.resolve(action.this):
        if isinstance(action, exp.SwapTable):
            effect.kind = StatementKind.SWAP
            effect.swap(one, other)
        else:
            effect.kind = StatementKind.RENAME
            effect.rename(one, _beside(one, other, action.this))


def _beside(old: Named, new: Named, written: exp.Expr) -> Named:
    """A new name without a schema stays in the schema of the old one."""
    if isinstance(written, exp.Table) and not written.args.get("db"):
        where = old.dataset
        return Named(Dataset(where.catalog, where.schema, new.dataset.name, where.kind), new.line)
    return new


def cache(tree: exp.Expr, effect: EffectBuilder) -> None:
    """Spark's ``CACHE TABLE a AS SELECT``: a temporary view."""
    query = tree.expression
    effect.kind = StatementKind.CACHE
    effect.read_all(query if query else tree)
    if query:
        effect.temporary = True
        for name in effect.resolve(tree.this):
            effect.create(name)


def refresh(tree: exp.Expr, effect: EffectBuilder) -> None:
    """Spark's ``REFRESH TABLE``: forgets what was cached of it, moves nothing."""
    effect.kind = StatementKind.OTHER
