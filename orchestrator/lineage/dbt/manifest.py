"""dbt's manifest as facts: what `dbt build` runs, what it waits for, reads and writes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from orchestrator.lineage.collector import without_collector
from orchestrator.lineage.dbt.declared import declared
from orchestrator.lineage.dbt.edges import (
    WRITERS,
    ManifestEdges,
    file_of,
    parents_of,
    runs,
    sources_of,
)
from orchestrator.lineage.dbt.facts import DbtFacts
from orchestrator.lineage.dbt.file import SUPPORTED, Manifest, Node, read_manifest
from orchestrator.lineage.dbt.macros import MacroFiles
from orchestrator.lineage.dbt.relations import external_file, relation
from orchestrator.model.dataset import Access
from orchestrator.model.evidence import Evidence, Source

__all__ = ["SUPPORTED", "Manifest", "facts", "landmarks", "read_manifest"]


@without_collector
def facts(
    manifest: Manifest,
    *,
    selected: Collection[str] | None = None,
    folder: str = "",
    after: tuple[tuple[str, Evidence], ...] = (),
) -> list[DbtFacts]:
    """The nodes that ``dbt build`` runs, in the manifest's order.

    Models that are not ephemeral, seeds, snapshots, data tests, unit tests and functions. Each
    waits for what dbt makes it wait for: what it depends on, through nodes that do not run; the
    data tests of what comes before it; the unit tests of itself.

    Args:
        manifest: From :func:`read_manifest`.
        selected: Unique ids to keep, or None for all. Order through nodes left out is kept, and
            their tables are read as those of sources are: another task may write them.
        folder: Folder of the dbt project, below which files are named.
        after: Tasks that every node waits for besides.

    Example:
        >>> manifest = read_manifest("dbt_project/target/manifest.json")  # doctest: +SKIP
        >>> [fact.name for fact in facts(manifest)][:2]  # doctest: +SKIP
        ['stg_flights', 'stg_planes']
    """
    edges = ManifestEdges(manifest, selected, folder)
    macros = MacroFiles(manifest, folder)
    return [_running(manifest, edges, macros, folder, key, after) for key in edges.running]


@without_collector
def landmarks(manifest: Manifest, *, folder: str = "") -> list[DbtFacts]:
    """What a selection can name though it does not run: sources, ephemeral models, exposures, …

    Args:
        manifest: From :func:`read_manifest`.
        folder: Folder of the dbt project, below which files are named.
    """
    macros = MacroFiles(manifest, folder)
    return [
        _landmark(manifest, macros, folder, key, node)
        for key, node in manifest.everything()
        if _named(node)
    ]


def _named(node: Node) -> bool:
    enabled = (node.get("config") or {}).get("enabled") is not False
    return enabled and not runs(node) and node.get("resource_type") != "operation"


def _running(
    manifest: Manifest,
    edges: ManifestEdges,
    macros: MacroFiles,
    folder: str,
    key: str,
    after: tuple[tuple[str, Evidence], ...],
) -> DbtFacts:
    node = edges.running[key]
    reads, sources = edges.reads(key)
    return _described(
        manifest,
        folder,
        key,
        node,
        reads=(*reads, *declared(node, "reads", manifest.dialect, folder)),
        writes=(
            *_writes(manifest, folder, node),
            *declared(node, "writes", manifest.dialect, folder),
        ),
        upstream=(*edges.upstream(key), *after),
        parents=edges.parents[key],
        sources=sources,
        macro_files=macros.of(node),
    )


def _landmark(
    manifest: Manifest, macros: MacroFiles, folder: str, key: str, node: Node
) -> DbtFacts:
    parents = parents_of(node)
    if node["resource_type"] != "source":
        files = macros.of(node)
        return _described(manifest, folder, key, node, parents=parents, macro_files=files)
    table = relation(node, manifest.dialect)
    text = f"source {sources_of(node)}"
    place = Evidence(Source.MANIFEST, text, file_of(node, folder), None, key)
    reads = (Access(table, place),) if table else ()
    named = frozenset({sources_of(node)})
    return _described(manifest, folder, key, node, parents=parents, reads=reads, sources=named)


def _writes(manifest: Manifest, folder: str, node: Node) -> tuple[Access, ...]:
    """What a node that runs writes."""
    stores = node["resource_type"] == "test" and (node.get("config") or {}).get("store_failures")
    if node["resource_type"] not in WRITERS and not stores:
        return ()
    written = (relation(node, manifest.dialect), external_file(node))
    place = Evidence(
        Source.MANIFEST,
        f"{node['resource_type']} {node['name']}",
        file_of(node, folder),
        None,
        node["unique_id"],
    )
    return tuple(Access(dataset, place) for dataset in written if dataset)


def _described(
    manifest: Manifest,
    folder: str,
    key: str,
    node: Node,
    *,
    parents: tuple[str, ...],
    reads: tuple[Access, ...] = (),
    writes: tuple[Access, ...] = (),
    upstream: tuple[tuple[str, Evidence], ...] = (),
    sources: frozenset[str] = frozenset(),
    macro_files: frozenset[str] = frozenset(),
) -> DbtFacts:
    """The facts of a node: what it touches as given, what it is called as the manifest says."""
    said = node.get
    name, package = node["name"], said("package_name")
    config, patch = said("config") or {}, said("patch_path")
    test_name, test_kind = _test(node)
    return DbtFacts(
        key,
        name,
        node["resource_type"],
        reads=reads,
        writes=writes,
        upstream=upstream,
        tags=frozenset(_tags(said("tags") or config.get("tags"))),
        path=file_of(node, folder),
        fqn=tuple(said("fqn") or (name,)),
        package=package,
        config=config,
        sources=sources,
        parents=parents,
        patch_path=_patch(patch, folder) if patch else None,
        test_name=test_name,
        test_kind=test_kind,
        version=said("version"),
        latest_version=said("latest_version"),
        access=said("access"),
        in_root=manifest.project_name in (None, package),
        macro_files=macro_files,
    )


def _patch(patch: str, folder: str) -> str:
    path = patch.split("://", 1)[-1]
    return f"{folder}/{path}" if folder else path


def _test(node: Node) -> tuple[str | None, str | None]:
    """Name and kind of a test; neither for what is none."""
    if node["resource_type"] == "unit_test":
        return node["name"], "unit"
    if node["resource_type"] != "test":
        return None, None
    generic = node.get("test_metadata")
    return (generic.get("name"), "generic") if generic else (None, "singular")


def _tags(tags: Any) -> list[str]:
    return [tags] if isinstance(tags, str) else list(tags or ())
