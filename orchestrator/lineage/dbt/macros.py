"""The files of a project's own macros that each node is made with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from orchestrator.lineage.dbt.edges import file_of
from orchestrator.lineage.dbt.file import Manifest, Node

_NONE: frozenset[str] = frozenset()
_CALL = re.compile(r"\b(\w++)\s*+\(")


class MacroFiles:
    """Follows the macros of a manifest from call to call, each once.

    What a node calls only under a condition (``{% if execute %}``, ``{% if is_incremental() %}``) dbt
    may not note: such macros are found by their names in its code. Macros of packages, dbt's own
    among them, are left out: what they call of the project they call by dispatch.

    Args:
        manifest: The manifest.
        folder: Folder of the dbt project, below which files are named.
    """

    def __init__(self, manifest: Manifest, folder: str = "") -> None:
        self._own: dict[str, Node] = {
            key: macro
            for key, macro in manifest.macros.items()
            if macro.get("package_name") == manifest.project_name and manifest.project_name
        }
        self._folder = folder
        self._found: dict[frozenset[str], frozenset[str]] = {}
        self._by_name = {str(macro.get("name")): key for key, macro in self._own.items()}

    def of(self, node: Node) -> frozenset[str]:
        """The files of a node's macros, and of those that they call."""
        if not self._own:
            return _NONE
        keys = frozenset(self._called(node, str(node.get("raw_code") or "")))
        if keys not in self._found:
            self._found[keys] = frozenset(self._files(keys))
        return self._found[keys]

    def _called(self, node: Node, code: str) -> Iterable[str]:
        noted = (node.get("depends_on") or {}).get("macros") or ()
        called = _CALL.findall(code) if "{%" in code else ()
        named = (self._by_name[name] for name in called if name in self._by_name)
        return [*(key for key in noted if key in self._own), *named]

    def _files(self, keys: Iterable[str]) -> Iterable[str]:
        queue, seen = list(keys), set(keys)
        while queue:
            macro: Mapping[str, object] = self._own[queue.pop()]
            file = file_of(macro, self._folder)
            if file:
                yield file
            called = set(self._called(macro, str(macro.get("macro_sql") or ""))) - seen
            seen |= called
            queue += called
