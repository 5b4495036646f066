"""The relations that ``ref()`` and ``source()`` stand for, by dbt's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from orchestrator.errors import ManifestError, SqlError
from orchestrator.nearest import did_you_mean


def relation_of(call: tuple[str, ...], manifest: Path) -> str:
    """Return what stands in the SQL for a call.

    Args:
        call: ``("ref", model)``, ``("ref", package, model)`` or ``("source", name, table)``.
        manifest: dbt's manifest.json.

    Raises:
        SqlError: There is no such node, or it is no table or view; or there is no manifest.
    """
    wanted = "{}({})".format(call[0], ", ".join(repr(name) for name in call[1:]))
    try:
        relations = _relations(str(manifest), manifest.stat().st_mtime_ns)
    except (OSError, ManifestError):
        raise SqlError(
            f"{wanted} needs dbt's manifest, which cannot be read",
            where=str(manifest),
            fix="run dbt parse, or write the table's name",
        ) from None
    found = relations.get(call)
    if found:
        return found
    if call in relations:
        raise SqlError(f"{wanted} is no table or view (ephemeral)", fix="materialise it as a view")
    known = [".".join(key[1:]) for key in relations if key[0] == call[0]]
    raise SqlError(
        f"{wanted} names nothing in dbt's manifest",
        where=str(manifest),
        fix=did_you_mean(".".join(call[1:]), known, "look at `dbt ls`"),
    )


@lru_cache(maxsize=4)
def _relations(path: str, changed: int) -> Mapping[tuple[str, ...], str | None]:
    from orchestrator.lineage.dbt.file import read_manifest

    manifest = read_manifest(path)
    found: dict[tuple[str, ...], str | None] = {}
    for node in manifest.nodes.values():
        if node.get("resource_type") in ("model", "seed", "snapshot"):
            found.setdefault(("ref", node["name"]), _name(node))
            found[("ref", node["package_name"], node["name"])] = _name(node)
    for node in manifest.sources.values():
        found[("source", node["source_name"], node["name"])] = _name(node)
    return found


def _name(node: Mapping[str, Any]) -> str | None:
    ephemeral = (node.get("config") or {}).get("materialized") == "ephemeral"
    return None if ephemeral else node.get("relation_name")
