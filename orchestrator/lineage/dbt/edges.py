"""What each running dbt node waits for, with the place that says so, through what does not run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from orchestrator.lineage.dbt.file import Manifest, Node
from orchestrator.lineage.dbt.guards import guard_edges
from orchestrator.lineage.dbt.references import reference_key, reference_lines
from orchestrator.lineage.dbt.relations import relation
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.graph import Graph

#: Evidence names this many nodes between two tasks, and no more.
_NAMED = 3
_RUNNING = frozenset({"model", "seed", "snapshot", "test"})
#: Resource types that make a table or view.
WRITERS = frozenset({"model", "seed", "snapshot"})
_TESTS = frozenset({"test", "unit_test"})
_NO_SOURCES: frozenset[str] = frozenset()
_Lines = Mapping[tuple[str, ...], int]
_Upstream = tuple[tuple[str, Evidence], ...]
#: Running keys reached through a node that does not run: a phrase and how many nodes it names.
_Through = Mapping[str, tuple[str, int]]


def runs(node: Node) -> bool:
    """Whether ``dbt build`` would run a node of the manifest."""
    config = node.get("config") or {}
    if config.get("enabled") is False:
        return False
    kind = node.get("resource_type")
    if kind in ("unit_test", "function"):
        return True
    if kind not in _RUNNING or config.get("materialized") == "ephemeral":
        return False
    return kind == "seed" or bool(str(node.get("raw_code", "-")).strip())


def parents_of(node: Node) -> tuple[str, ...]:
    """Unique ids that a node depends on, in the manifest's order."""
    depends = node.get("depends_on") or {}
    return tuple(dict.fromkeys(depends.get("nodes") or ()))


def writes_table(node: Node) -> bool:
    """Whether a node makes a table or view that others can read."""
    return node.get("resource_type") in WRITERS and runs(node)


def file_of(node: Node, folder: str = "") -> str | None:
    """The file of a node, below the folder of its project."""
    path = node.get("original_file_path")
    return f"{folder}/{path}" if folder and path else path


def sources_of(node: Node) -> str:
    """dbt's name of a source, ``source.table``."""
    return f"{node['source_name']}.{node['name']}"


class ManifestEdges:
    """Upstream and reads of the nodes of one manifest.

    Args:
        manifest: The manifest.
        selected: Unique ids to run, or None for all that ``dbt build`` runs. A node waits for
            those it reaches *through* nodes left out, as in dbt.
        folder: Folder of the dbt project, as evidence is to name it.
    """

    def __init__(
        self, manifest: Manifest, selected: Collection[str] | None = None, folder: str = ""
    ) -> None:
        self._manifest = manifest
        self._folder = folder
        self._nodes: dict[str, Node] = dict(manifest.everything())
        self.parents = {key: parents_of(node) for key, node in self._nodes.items()}
        chosen = None if selected is None else set(selected)
        self.running: dict[str, Node] = {
            key: node
            for key, node in self._nodes.items()
            if (chosen is None or key in chosen) and runs(node)
        }
        self._tests = self._of_type("test")
        self._units = self._unit_tests()
        self._guards = self._guarding()
        self._lines: dict[str, _Lines] = {}
        self._tables: dict[str, Dataset | None] = {}
        self._through: dict[str, _Through] = {}
        self._outside: dict[str, tuple[str, ...]] = {}
        for key in self._graph(lambda key: key not in self.running).order():
            self._pass_through(key)

    def upstream(self, key: str) -> _Upstream:
        """The running nodes that ``key`` waits for, each with its evidence."""
        node = self._nodes[key]
        if node["resource_type"] != "unit_test":
            return tuple(self._waits(key, node))
        models = [parent for parent in self.parents[key] if parent in self._nodes]
        return tuple(
            (up, evidence)
            for model in models
            for up, evidence in self._waits(model, self._nodes[model], units=False)
            if up != key
        )

    def reads(self, key: str) -> tuple[tuple[Access, ...], frozenset[str]]:
        """The tables that ``key`` needs and no running node of this manifest makes.

        Those of sources and of nodes left out, read by itself or through ephemeral models.

        Returns:
            The tables, and dbt's names of the sources among them; a unit test has none of these.
        """
        places = self._outside_places(key)
        if not places:
            return (), _NO_SOURCES
        accesses = []
        for outside, evidence in places:
            table = self._table(outside)
            if table is not None:
                accesses.append(Access(table, evidence))
        if self._nodes[key]["resource_type"] == "unit_test":
            return tuple(accesses), _NO_SOURCES
        known = self._manifest.sources
        named = frozenset(sources_of(known[source]) for source, _ in places if source in known)
        return tuple(accesses), named

    def _of_type(self, kind: str) -> dict[str, tuple[str, ...]]:
        return {
            key: self.parents[key]
            for key, node in self._nodes.items()
            if node.get("resource_type") == kind
        }

    def _unit_tests(self) -> dict[str, list[str]]:
        units: dict[str, list[str]] = defaultdict(list)
        for key, parents in self._of_type("unit_test").items():
            # dbt runs a unit test right before the model it tests, the first one it names.
            if parents and key in self.running:
                units[parents[0]].append(key)
        return units

    def _graph(self, kept: Callable[[str], bool]) -> Graph:
        """Everything kept but tests, with the edges of ``depends_on``."""
        keys = [
            key
            for key, node in self._nodes.items()
            if node.get("resource_type") not in _TESTS and kept(key)
        ]
        known = set(keys)
        edges = ((up, key) for key in keys for up in self.parents[key] if up in known)
        return Graph(keys, edges)

    def _guarding(self) -> dict[str, list[str]]:
        guards: dict[str, list[str]] = defaultdict(list)
        # A test left out needs no place: all that it reads is upstream of what it guards anyway.
        tests = {key: parents for key, parents in self._tests.items() if key in self.running}
        if not tests:
            return guards
        graph = self._graph(lambda key: True)
        for test, node in guard_edges(graph, tests, self._manifest.nodes.__contains__):
            guards[node].append(test)
        return guards

    def _waits(self, key: str, node: Node, *, units: bool = True) -> Iterator[tuple[str, Evidence]]:
        lines = self._lines_of(key, node)
        for parent in self.parents[key]:
            if parent in self.running:
                yield parent, self._evidence(node, parent, self._verb(node, parent), lines)
            elif parent in self._through:
                for up, (phrase, _) in self._through[parent].items():
                    yield up, self._place(node, parent, up, phrase, lines)
        yield from self._tests_before(key, units)

    def _tests_before(self, key: str, units: bool) -> Iterator[tuple[str, Evidence]]:
        for test in self._guards.get(key, ()):
            yield test, self._guard_evidence(test)
        for unit in self._units.get(key, ()) if units else ():
            yield unit, self._guard_evidence(unit)

    def _pass_through(self, key: str) -> None:
        """Note what a node that does not run hands on to those that depend on it."""
        found: dict[str, tuple[str, int]] = {}
        for parent in self.parents[key]:
            if parent in self.running:
                found[parent] = (f"refs {self._name(parent)}", 1)
                continue
            why = self._idle(parent)
            for up, (phrase, count) in self._through.get(parent, {}).items():
                longer = f"refs {self._name(parent)} ({why}), which {phrase}"
                cut = f"refs {self._name(parent)}, which leads to {self._name(up)}"
                found.setdefault(up, (longer if count < _NAMED else cut, min(count + 1, _NAMED)))
        for test, evidence in self._tests_before(key, units=True):
            found.setdefault(test, (evidence.text, 1))
        if found:
            self._through[key] = found

    def _place(self, node: Node, parent: str, up: str, phrase: str, lines: _Lines) -> Evidence:
        if self._nodes[up]["resource_type"] in ("test", "unit_test"):
            return self._guard_evidence(up)
        text = f"{self._verb(node, parent)} ({self._idle(parent)}), which {phrase}"
        return self._evidence(node, parent, text, lines)

    def _evidence(self, node: Node, parent: str, text: str, lines: _Lines) -> Evidence:
        line = lines.get(reference_key(self._nodes[parent])) if lines else None
        return Evidence(Source.MANIFEST, text, file_of(node, self._folder), line, node["unique_id"])

    def _guard_evidence(self, test: str) -> Evidence:
        node = self._nodes[test]
        names = ", ".join(self._name(parent) for parent in self.parents[test])
        what = "unit test of" if node["resource_type"] == "unit_test" else "tests"
        text = f"{node['name']} {what} {names}, which comes before"
        return Evidence(Source.MANIFEST, text, file_of(node, self._folder), None, test)

    def _verb(self, node: Node, parent: str) -> str:
        verb = "tests" if node["resource_type"] == "test" else "refs"
        return f"{verb} {self._name(parent)}"

    def _outside_places(self, key: str) -> list[tuple[str, Evidence]]:
        node = self._nodes[key]
        if node["resource_type"] == "unit_test":
            # A unit test asks the inputs of its model for their columns.
            models = [parent for parent in self.parents[key] if parent in self._nodes]
            return [place for model in models for place in self._outside_places(model)]
        places = []
        lines: _Lines = {}
        for parent in self.parents[key]:
            if parent in self.running:
                continue
            for outside in self._outside_behind(parent):
                kind = "source " if outside in self._manifest.sources else ""
                text = f"reads {kind}{self._name(outside)}"
                lines = lines or self._lines_of(key, node)
                if outside != parent:
                    text += f" through {self._name(parent)} (ephemeral)"
                places.append((outside, self._evidence(node, parent, text, lines)))
        return places

    def _outside_behind(self, key: str) -> tuple[str, ...]:
        """A source or a node left out itself, or those that an ephemeral model reads."""
        if key in self._manifest.sources:
            return (key,)
        if key not in self._outside:
            self._outside[key] = ()  # also what a circle of ephemeral models comes back to
            node = self._nodes.get(key)
            if _is_ephemeral(node):
                behind = (self._outside_behind(p) for p in self.parents[key])
                self._outside[key] = _flat(behind)
            elif node is not None and key not in self.running and writes_table(node):
                self._outside[key] = (key,)
        return self._outside[key]

    def _lines_of(self, key: str, node: Node) -> _Lines:
        if key not in self._lines:
            self._lines[key] = reference_lines(node.get("raw_code") or "")
        return self._lines[key]

    def _table(self, key: str) -> Dataset | None:
        if key not in self._tables:
            self._tables[key] = relation(self._nodes[key], self._manifest.dialect)
        return self._tables[key]

    def _name(self, key: str) -> str:
        node = self._nodes.get(key)
        if node is None:
            return key
        return sources_of(node) if node["resource_type"] == "source" else str(node["name"])

    def _idle(self, key: str) -> str:
        """Why a node does not run."""
        node = self._nodes.get(key)
        if node is None or runs(node):
            return "not selected"
        return "ephemeral" if _is_ephemeral(node) else str(node["resource_type"])


def _is_ephemeral(node: Mapping[str, Any] | None) -> bool:
    return bool(node) and (node or {}).get("config", {}).get("materialized") == "ephemeral"


def _flat(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for part in parts for item in part))
