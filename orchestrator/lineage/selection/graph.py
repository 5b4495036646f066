"""The graph that selectors walk: tasks, and the dbt sources and models that do not run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from orchestrator.lineage.dbt.facts import RUNNING_TYPES, TEST_TYPES, DbtFacts
from orchestrator.lineage.derivation.written import Written
from orchestrator.model.dataset import Access
from orchestrator.model.facts import TaskFacts
from orchestrator.model.graph import Graph


class SelectionGraph:
    """Tasks and landmarks as dbt's selectors see them: a test is after what it tests, and no more.

    Args:
        facts: All tasks.
        graph: The derived graph of these tasks.
        landmarks: What can be named though it does not run.

    Attributes:
        nodes: Facts of all, by key.
        graph: Who is after whom, without the edges by which tasks wait for tests.
    """

    def __init__(
        self, facts: Sequence[TaskFacts], graph: Graph, landmarks: Iterable[TaskFacts] = ()
    ) -> None:
        self.tasks = {fact.key: fact for fact in facts}
        self._landmarks = {mark.key: mark for mark in landmarks if mark.key not in self.tasks}
        for source in _sources_named(facts):
            self._landmarks.setdefault(source.key, source)
        self.nodes: dict[str, TaskFacts] = {**self.tasks, **self._landmarks}
        self.graph = Graph(self.nodes)
        self._add_parents()
        self._add_source_writers()
        self._add_derived(graph)

    def parents(self, test: str) -> set[str]:
        """What a test tests; for dbt's tests also what does not run."""
        fact = self.nodes[test]
        return set(fact.parents) if isinstance(fact, DbtFacts) else set(self.graph.upstream(test))

    def tests_of(self, keys: Iterable[str]) -> set[str]:
        """Data tests and unit tests that test at least one of ``keys``."""
        children = (child for key in keys for child in self.graph.downstream(key))
        return {child for child in children if self.nodes[child].resource_type in TEST_TYPES}

    def _add_parents(self) -> None:
        for key, fact in self.nodes.items():
            if isinstance(fact, DbtFacts):
                for parent in fact.parents:
                    if parent in self.nodes:
                        self.graph.add_edge(parent, key)

    def _add_source_writers(self) -> None:
        sources = [m for m in self._landmarks.values() if m.resource_type == "source" and m.reads]
        if not sources:
            return
        written = Written(list(self.tasks.values()))
        for source in sources:
            for dataset in written.matching(source.reads[0]):
                for writer in written.writers[dataset]:
                    if writer not in self.graph.downstream(source.key):
                        self.graph.add_edge(writer, source.key)

    def _add_derived(self, graph: Graph) -> None:
        behind: dict[str, frozenset[str]] = {}
        for upstream, downstream in graph.edges():
            if upstream not in self.tasks or downstream not in self.tasks:
                continue
            fact = self.tasks[downstream]
            if self._is_guard(upstream, fact) or self._is_hook(upstream, fact):
                continue
            if isinstance(fact, DbtFacts):
                # dbt's own parents are there; what remains comes through a landmark, or from
                # a task that dbt does not know.
                if fact.resource_type == "unit_test":
                    continue
                if downstream not in behind:
                    behind[downstream] = self._behind_landmarks(fact)
                if upstream in behind[downstream]:
                    continue
            self.graph.add_edge(upstream, downstream)

    def _is_guard(self, upstream: str, fact: TaskFacts) -> bool:
        """Whether an edge only lets a task wait for a test."""
        if self.tasks[upstream].resource_type not in TEST_TYPES:
            return False
        named = any(key == upstream for key, _ in fact.upstream)
        return fact.resource_type in RUNNING_TYPES or not named

    def _is_hook(self, upstream: str, fact: TaskFacts) -> bool:
        """Whether an edge goes to or from hooks, which stand before and after everything."""
        return "operation" in (fact.resource_type, self.tasks[upstream].resource_type)

    def _behind_landmarks(self, fact: DbtFacts) -> frozenset[str]:
        """Tasks that come before ``fact`` with only landmarks between."""
        found: set[str] = set()
        seen: set[str] = set()
        stack = [parent for parent in fact.parents if parent in self._landmarks]
        while stack:
            mark = stack.pop()
            for key in self.graph.upstream(mark):
                if key in self.tasks:
                    found.add(key)
                elif key not in seen:
                    seen.add(key)
                    stack.append(key)
        return frozenset(found)


def _sources_named(facts: Sequence[TaskFacts]) -> Iterable[TaskFacts]:
    """The dbt sources that tasks read, for a flow whose landmarks were not given."""
    for fact in facts:
        if not isinstance(fact, DbtFacts):
            continue
        names = {key: key.split(".", 2)[-1] for key in fact.parents if key.startswith("source.")}
        for key, name in names.items():
            if name in fact.sources:
                yield _source(key, name, _read_at(fact, key))


def _source(key: str, name: str, reads: tuple[Access, ...]) -> DbtFacts:
    package = key.split(".")[1]
    table = name.rpartition(".")[2]
    return DbtFacts(
        key,
        table,
        "source",
        package=package,
        fqn=(package, *name.split(".")),
        sources=frozenset({name}),
        reads=reads,
    )


def _read_at(fact: DbtFacts, key: str) -> tuple[Access, ...]:
    return tuple(access for access in fact.reads if access.evidence.node == key)
