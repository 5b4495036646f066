"""Which ephemeral models stand behind a node: dbt compiles them first, each once a run."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.lineage.dbt.manifest import Manifest


class Ephemerals:
    """The ephemeral models of a manifest, by the nodes that they become part of.

    Args:
        manifest: The manifest.
        selected: Unique ids that dbt would build; an ephemeral model among them is a node of the
            run, and what depends on it is skipped if it does not compile.
    """

    def __init__(self, manifest: Manifest, selected: Collection[str]) -> None:
        self._manifest = manifest
        self._selected = selected
        self._behind: dict[str, tuple[str, ...]] = {}

    def of(self, unique_id: str) -> tuple[str, ...]:
        """Return those behind a node, each after the ones behind itself."""
        if unique_id not in self._behind:
            self._behind[unique_id] = ()  # what a circle comes back to; dbt itself refuses those
            node = self._manifest.nodes.get(unique_id) or {}
            found: dict[str, None] = {}
            for parent in (node.get("depends_on") or {}).get("nodes") or ():
                if self._is_ephemeral(parent):
                    found.update(dict.fromkeys((*self.of(parent), parent)))
            self._behind[unique_id] = tuple(found)
        return self._behind[unique_id]

    def _is_ephemeral(self, unique_id: str) -> bool:
        config = (self._manifest.nodes.get(unique_id) or {}).get("config") or {}
        return config.get("materialized") == "ephemeral" and unique_id in self._selected
