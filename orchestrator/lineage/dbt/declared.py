"""What a dbt node declares of itself besides its ``ref``s: ``meta: {orchestrator: {reads, writes}}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.errors import ManifestError
from orchestrator.lineage.dbt.edges import file_of
from orchestrator.lineage.dbt.file import Node
from orchestrator.model.dataset import Access, Dataset, Namespace, fold
from orchestrator.model.evidence import Evidence, Source
from orchestrator.nearest import hint

_KEYS = ("reads", "writes")
_SHAPE = "write meta: {orchestrator: {reads: [schema.table], writes: [schema.table]}}"


def declared(node: Node, verb: str, dialect: str, folder: str) -> tuple[Access, ...]:
    """What a node says that it reads, or writes, through hooks and macros.

    Names are folded as the dialect folds them, and completed by the node's database and schema.

    Args:
        node: A node of the manifest.
        verb: ``reads`` or ``writes``.
        dialect: sqlglot's name of the adapter's dialect.
        folder: Folder of the dbt project, below which files are named.

    Raises:
        ManifestError: It says something else there.

    Example:
        >>> node = {"unique_id": "model.shop.a", "name": "a", "schema": "main",
        ...         "config": {"meta": {"orchestrator": {"writes": ["audit.log"]}}}}
        >>> [str(access.dataset) for access in declared(node, "writes", "duckdb", "")]
        ['audit.log']
    """
    said = (node.get("config") or {}).get("meta") or node.get("meta") or {}
    if "orchestrator" not in said:
        return ()
    namespace = Namespace(
        dialect,
        *(
            part and fold(part, True, dialect)
            for part in (node.get("database"), node.get("schema"))
        ),
    )
    file, key = file_of(node, folder), node["unique_id"]
    return tuple(
        Access(
            _dataset(name, namespace, node, file),
            Evidence(Source.MANIFEST, f"{verb} {name} (meta.orchestrator)", file, None, key),
        )
        for name in _names(said["orchestrator"], verb, node, file)
    )


def _names(said: Any, verb: str, node: Node, file: str | None) -> list[str]:
    if not isinstance(said, Mapping):
        raise _wrong(node, file, f"meta.orchestrator is {said!r}, which is no mapping")
    for key in said:
        if key not in _KEYS:
            what = f"meta.orchestrator has no key {key!r}{hint(key, _KEYS)}"
            raise _wrong(node, file, what)
    names = said.get(verb) or []
    if isinstance(names, str):
        names = [names]
    if not isinstance(names, list) or not all(isinstance(n, str) and n.strip() for n in names):
        raise _wrong(
            node, file, f"meta.orchestrator.{verb} is {names!r}, which is no list of names"
        )
    return names


def _dataset(name: str, namespace: Namespace, node: Node, file: str | None) -> Dataset:
    try:
        return Dataset.parse(name.strip(), namespace)
    except ValueError as error:
        raise _wrong(node, file, f"meta.orchestrator: {error}") from None


def _wrong(node: Node, file: str | None, what: str) -> ManifestError:
    where = f"{node['unique_id']} ({file})" if file else str(node["unique_id"])
    return ManifestError(f"{node['name']}: {what}", where=where, fix=_SHAPE)
