"""What a dbt manifest says of its nodes besides their edges: owners, exposures, tests, hooks, macros."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import orjson

from orchestrator.lineage.dbt.edges import parents_of, writes_table
from orchestrator.lineage.dbt.file import Manifest, Node
from orchestrator.lineage.dbt.relations import relation
from orchestrator.model.dataset import Dataset

#: Tests of well-known packages that make sure of the same.
_ALIKE = {
    "unique_combination_of_columns": "unique",
    "expect_column_values_to_be_unique": "unique",
    "expect_compound_columns_to_be_unique": "unique",
    "expect_column_values_to_not_be_null": "not_null",
    "not_null_proportion": "not_null",
}


class DbtSaid:
    """One manifest, asked about its nodes.

    Args:
        manifest: The manifest.
        folder: Folder of the dbt project, below which files are named.
    """

    def __init__(self, manifest: Manifest, folder: str = "") -> None:
        self.manifest, self.folder = manifest, folder

    @cached_property
    def _groups(self) -> Sequence[Mapping[str, Any]]:
        document = orjson.loads(self.manifest.path.read_bytes())
        return tuple((document.get("groups") or {}).values())

    def node(self, key: str) -> Node:
        """A node by unique id; empty where there is none."""
        return self.manifest.nodes.get(key) or self.manifest.sources.get(key) or {}

    def reads(self, key: str) -> Iterator[tuple[str, Dataset]]:
        """What a node reads by ``ref`` and ``source``, through ephemeral models too: unique id, table."""
        met: set[str] = set()
        waiting = [key]
        while waiting:
            for parent in parents_of(self.node(waiting.pop())):
                if parent in met:
                    continue
                met.add(parent)
                node = self.node(parent)
                if not writes_table(node) and parent not in self.manifest.sources:
                    waiting.append(parent)
                elif (table := relation(node, self.manifest.dialect)) is not None:
                    yield parent, table

    def owner(self, key: str) -> str:
        """Who owns a node: its meta's owner, else its group's; empty where nobody does."""
        node = self.node(key)
        config = node.get("config") or {}
        for meta in (config.get("meta"), node.get("meta")):
            if isinstance(meta, Mapping) and meta.get("owner"):
                return str(meta["owner"])
        group = node.get("group") or config.get("group")
        return self._owner_of_group(str(group), node.get("package_name")) if group else ""

    def _owner_of_group(self, name: str, package: Any) -> str:
        found = [
            group
            for group in self._groups
            if (group.get("name"), group.get("package_name")) == (name, package)
        ]
        owner = (found[0].get("owner") or {}) if found else {}
        email = owner.get("email")
        if isinstance(email, list):
            email = email[0] if email else None
        return str(email or owner.get("name") or name)

    @cached_property
    def exposed(self) -> Mapping[str, str]:
        """Unique ids of nodes that exposures use, each with the name of the first that does."""
        found: dict[str, str] = {}
        for other in self.manifest.others.values():
            if other.get("resource_type") == "exposure":
                for key in (other.get("depends_on") or {}).get("nodes") or ():
                    found.setdefault(key, str(other.get("name")))
        return found

    def tested(self, key: str) -> tuple[str, Dataset] | None:
        """The name of a test and the table it looks at; None where it cannot fail, or looks at part.

        Args:
            key: Unique id of the test.
        """
        node = self.node(key)
        config = node.get("config") or {}
        if str(config.get("severity") or "").lower() == "warn" or config.get("where"):
            return None
        parents = list((node.get("depends_on") or {}).get("nodes") or ())
        attached = node.get("attached_node") or (parents[0] if len(parents) == 1 else None)
        table = relation(self.node(attached), self.manifest.dialect) if attached else None
        if table is None:
            return None
        name = str((node.get("test_metadata") or {}).get("name") or node.get("name"))
        return _ALIKE.get(name, name), table

    def hooks(self, key: str) -> Iterator[tuple[str, str]]:
        """The hooks of a node as they are written: (``pre-hook`` or ``post-hook``, text)."""
        config = self.node(key).get("config") or {}
        for kind in ("pre-hook", "post-hook"):
            for hook in config.get(kind) or ():
                yield kind, str(hook.get("sql") if isinstance(hook, Mapping) else hook)

    def operations(self) -> Iterator[tuple[str, str, Node]]:
        """Hooks of the whole run, those of packages too: (name, text, node)."""
        for node in self.manifest.nodes.values():
            if node.get("resource_type") == "operation":
                yield str(node["name"]), str(node.get("raw_code") or ""), node
