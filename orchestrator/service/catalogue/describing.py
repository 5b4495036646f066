"""What dbt's artifacts say of datasets: descriptions, layers, columns, tests, how fresh they must be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson

from orchestrator.errors import ManifestError
from orchestrator.lineage.dbt.file import Manifest, Node, read_manifest
from orchestrator.lineage.dbt.relations import external_file, relation
from orchestrator.model.dataset import Dataset

_KIND = re.compile(r"/(manifest|catalog|sources)/v\d+\.json$")
_TABLES = frozenset({"model", "seed", "snapshot", "source"})
_SECONDS = {"minute": 60, "hour": 3600, "day": 86_400}
#: Layers of what stands in no folder of its own.
_LAYERS = {"seed": "seeds", "source": "sources", "snapshot": "snapshots", "model": "models"}


@dataclass(frozen=True, slots=True)
class ColumnSaid:
    """What is said of one column: its type, a description, names of the tests that guard it."""

    type: str | None = None
    description: str = ""
    tests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of one dataset.

    Args:
        kind: dbt's resource type.
        layer: Folder of models it stands in, or ``seeds``, ``sources``, ``snapshots``.
        node: dbt's unique id.
        description: For people.
        columns: By name, in order.
        limit: Seconds after which it counts as not fresh; None where nothing is said.
        loaded: When dbt last saw it loaded, as ISO 8601.
    """

    kind: str
    layer: str
    node: str
    description: str = ""
    columns: Mapping[str, ColumnSaid] = field(default_factory=dict)
    limit: int | None = None
    loaded: str | None = None


def described(artifacts: Iterable[Path]) -> dict[Dataset, Said]:
    """Read what dbt's artifacts say of datasets; a file that cannot be read says nothing.

    Args:
        artifacts: ``manifest.json``, ``catalog.json`` and ``sources.json``, in any order.
    """
    found: dict[Dataset, Said] = {}
    files = {kind: path for path in artifacts if (kind := _kind(path))}
    types, loaded = _types(files.get("catalog")), _loaded(files.get("sources"))
    if "manifest" in files:
        try:
            manifest = read_manifest(files["manifest"])
        except ManifestError:
            return found
        for dataset, said in _of_manifest(manifest, types, loaded):
            found.setdefault(dataset, said)
    return found


def together(files: Mapping[Dataset, Said], dbt: Mapping[Dataset, Said]) -> dict[Dataset, Said]:
    """What SQL files and dbt say; dbt goes first, but for a description that it does not give.

    Args:
        files: What SQL files say of the tables they write.
        dbt: What :func:`described` found.
    """
    found = dict(files)
    for dataset, said in dbt.items():
        text = said.description or (files[dataset].description if dataset in files else "")
        found[dataset] = replace(said, description=text)
    return found


def _kind(path: Path) -> str | None:
    named = str((_json(path).get("metadata") or {}).get("dbt_schema_version", ""))
    match = _KIND.search(named)
    return match[1] if match else None


def _json(path: Path | None) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes()) if path is not None else {}
    except (OSError, orjson.JSONDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _types(catalog: Path | None) -> dict[str, dict[str, str]]:
    """Types of columns by unique id of their table, in the order of the table."""
    document = _json(catalog)
    sections = (document.get("nodes") or {}) | (document.get("sources") or {})
    return {
        key: {
            str(column.get("name")): str(column.get("type") or "")
            for column in sorted(
                (table.get("columns") or {}).values(), key=lambda one: one.get("index") or 0
            )
        }
        for key, table in sections.items()
    }


def _loaded(sources: Path | None) -> dict[str, str]:
    results = _json(sources).get("results") or []
    return {
        str(one["unique_id"]): str(one["max_loaded_at"])
        for one in results
        if isinstance(one, dict) and one.get("max_loaded_at")
    }


def _of_manifest(
    manifest: Manifest, types: Mapping[str, Mapping[str, str]], loaded: Mapping[str, str]
) -> Iterator[tuple[Dataset, Said]]:
    tests = _column_tests(manifest)
    for key, node in manifest.everything():
        if node.get("resource_type") not in _TABLES:
            continue
        said = Said(
            node["resource_type"],
            _layer(node),
            key,
            str(node.get("description") or "").strip(),
            _columns(node, types.get(key, {}), tests.get(key, {})),
            _limit(node),
            loaded.get(key),
        )
        for dataset in (relation(node, manifest.dialect), external_file(node)):
            if dataset is not None:
                yield dataset, said


def _layer(node: Node) -> str:
    folders = list(node.get("fqn") or ())[1:-1]
    if node["resource_type"] == "model" and folders:
        return str(folders[0])
    return _LAYERS[node["resource_type"]]


def _column_tests(manifest: Manifest) -> dict[str, dict[str, list[str]]]:
    """Names of generic tests by the node they guard and the column, in lower case."""
    found: dict[str, dict[str, list[str]]] = {}
    for node in manifest.nodes.values():
        guarded, column = node.get("attached_node"), node.get("column_name")
        if node.get("resource_type") == "test" and guarded and column:
            name = str((node.get("test_metadata") or {}).get("name") or node["name"])
            found.setdefault(guarded, {}).setdefault(str(column).casefold(), []).append(name)
    return found


def _columns(
    node: Node, types: Mapping[str, str], tests: Mapping[str, list[str]]
) -> dict[str, ColumnSaid]:
    said = {str(name): column for name, column in (node.get("columns") or {}).items()}
    known = {name.casefold(): kind for name, kind in types.items()}
    names = {name.casefold(): name for name in said} | {name.casefold(): name for name in types}
    # The table itself knows the order, where it was looked at; else its description does.
    order = dict.fromkeys([*known, *(name.casefold() for name in said)])
    described = {name.casefold(): column for name, column in said.items()}
    return {
        names[name]: ColumnSaid(
            known.get(name) or (described.get(name) or {}).get("data_type") or None,
            str((described.get(name) or {}).get("description") or "").strip(),
            tuple(dict.fromkeys(tests.get(name, ()))),
        )
        for name in order
    }


def _limit(node: Node) -> int | None:
    """Seconds after which dbt's source freshness would warn, or fail if it does not warn."""
    places = (node.get("freshness"), (node.get("config") or {}).get("freshness"))
    for level in ("warn_after", "error_after"):
        for said in places:
            after = (said or {}).get(level) or {}
            if after.get("count") and after.get("period") in _SECONDS:
                return int(after["count"]) * _SECONDS[after["period"]]
    return None
