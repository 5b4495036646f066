"""dbt's manifest.json, read and checked: what stands in the file, and nothing derived from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from orchestrator.errors import ManifestError
from orchestrator.lineage.collector import without_collector

#: Schema versions of manifest.json that are understood: dbt 1.5 to 1.11.
SUPPORTED = range(9, 13)

Node = Mapping[str, Any]

_ALIKE = (
    "athena bigquery clickhouse databricks doris dremio duckdb exasol fabric hive materialize "
    "mysql oracle postgres presto redshift risingwave singlestore snowflake spark sqlite "
    "starrocks teradata trino"
)
#: sqlglot's dialect of each dbt adapter; most bear the same name.
_DIALECTS = {name: name for name in _ALIKE.split()} | {
    "sqlserver": "tsql",
    "synapse": "tsql",
    "greenplum": "postgres",
    "vertica": "postgres",
    "fabricspark": "spark",
    "glue": "spark",
    "impala": "hive",
}
_SECTIONS = ("exposures", "metrics", "semantic_models", "saved_queries")
_VERSION = re.compile(r"/manifest/v(\d+)\.json$")


@dataclass(frozen=True, slots=True, repr=False)
class Manifest:
    """One manifest.json.

    Args:
        path: The file.
        version: Schema version, 9 to 12.
        dbt_version: The dbt that wrote it.
        project_name: The root project, or None where the file does not say (version 9).
        adapter_type: dbt's name of the adapter.
        nodes: Models, seeds, snapshots, data tests, analyses and hooks by unique id.
        sources: Sources by unique id.
        unit_tests: Unit tests by unique id.
        functions: User-defined functions by unique id (dbt 1.11).
        others: Exposures, metrics, semantic models and saved queries: they never run here.
        macros: Macros by unique id, dbt's own among them.
    """

    path: Path
    version: int
    dbt_version: str
    project_name: str | None
    adapter_type: str
    nodes: Mapping[str, Node]
    sources: Mapping[str, Node]
    unit_tests: Mapping[str, Node]
    functions: Mapping[str, Node]
    others: Mapping[str, Node]
    macros: Mapping[str, Node] = field(default_factory=dict)

    @property
    def dialect(self) -> str:
        """sqlglot's name of the adapter's dialect; empty (standard SQL) for unknown adapters."""
        return _DIALECTS.get(self.adapter_type, "")

    def everything(self) -> Iterator[tuple[str, Node]]:
        """Every (unique id, node), running or not."""
        for section in (self.sources, self.nodes, self.functions, self.unit_tests, self.others):
            yield from section.items()

    def __repr__(self) -> str:
        return f"Manifest({str(self.path)!r}, v{self.version}, {len(self.nodes)} nodes)"


@without_collector
def read_manifest(path: str | Path) -> Manifest:
    """Read a manifest.json of dbt 1.5 to 1.11 (schema versions 9 to 12).

    Args:
        path: The file; ``target/manifest.json`` of the dbt project.

    Raises:
        ManifestError: The file is missing, empty, cut off, no manifest, or of another version.

    Example:
        >>> manifest = read_manifest("dbt_project/target/manifest.json")  # doctest: +SKIP
        >>> manifest.project_name, manifest.dialect  # doctest: +SKIP
        ('nyc_flights', 'duckdb')
    """
    path = Path(path)
    document = _load(path)
    metadata = document.get("metadata")
    if not isinstance(metadata, dict):
        raise _broken(path, "is not a dbt manifest: it has no `metadata`")
    version = _schema_version(path, metadata)
    sections = {name: _section(path, document, name) for name in _SECTIONS}
    return Manifest(
        path=path,
        version=version,
        dbt_version=str(metadata.get("dbt_version", "")),
        project_name=metadata.get("project_name"),
        adapter_type=str(metadata.get("adapter_type") or ""),
        nodes=_section(path, document, "nodes", required=True),
        sources=_section(path, document, "sources", required=True),
        unit_tests=_section(path, document, "unit_tests"),
        functions=_section(path, document, "functions"),
        others={key: node for section in sections.values() for key, node in section.items()},
        macros=_section(path, document, "macros"),
    )


def _load(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _broken(path, "does not exist", "run `dbt parse` to write it") from None
    except OSError as error:
        raise _broken(path, f"cannot be read: {error.strerror or error}", "") from error
    if not content.strip():
        raise _broken(path, "is empty")
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _broken(path, f"is cut off or no JSON ({place}: {error.msg})") from None
    if not isinstance(document, dict):
        raise _broken(path, "is not a dbt manifest: not a JSON object")
    return document


def _schema_version(path: Path, metadata: Mapping[str, Any]) -> int:
    named = str(metadata.get("dbt_schema_version", ""))
    match = _VERSION.search(named)
    if match and int(match[1]) in SUPPORTED:
        return int(match[1])
    writer = f" (written by dbt {metadata['dbt_version']})" if "dbt_version" in metadata else ""
    said = f"v{match[1]}" if match else repr(named)
    raise _broken(
        path,
        f"has schema version {said}{writer}; v{SUPPORTED[0]} to v{SUPPORTED[-1]} can be read",
        "run `dbt parse` with dbt-core 1.5 to 1.11 to write it again",
    )


def _section(
    path: Path, document: Mapping[str, Any], name: str, *, required: bool = False
) -> Mapping[str, Node]:
    section = document.get(name)
    if section is None and not required:
        return {}
    if not isinstance(section, dict) or not all(isinstance(n, dict) for n in section.values()):
        raise _broken(path, f"is not a whole dbt manifest: `{name}` is missing or no object")
    return section


def _broken(
    path: Path, what: str, fix: str = "delete it and run `dbt parse` to write it again"
) -> ManifestError:
    return ManifestError(f"{path.name} {what}", where=str(path), fix=fix or None)
