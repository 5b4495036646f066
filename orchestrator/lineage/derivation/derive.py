"""Derivation: from what each task reads and writes to who waits for whom, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from orchestrator.errors import FlowError, GraphError
from orchestrator.lineage.collector import without_collector
from orchestrator.lineage.dbt.facts import RUNNING_TYPES, DbtFacts
from orchestrator.lineage.dbt.guards import guard_edges
from orchestrator.lineage.dbt.reach import Reach
from orchestrator.lineage.derivation.checks import check_edges
from orchestrator.lineage.derivation.pictures import (
    cycle_error,
    dropped_error,
    reason,
    writers_error,
)
from orchestrator.lineage.derivation.restriction import restricted_edges
from orchestrator.lineage.derivation.written import Written, normal
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import Edge, TaskFacts
from orchestrator.model.graph import Graph

__all__ = ["Derived", "derive", "explain_edge", "reason", "restrict"]

#: Resource types that do not wait for checks: other tests, and what only opens and closes.
_NEVER_CHECKED = frozenset({"test", "unit_test", "operation", "parameter"})
_Pair = tuple[str, str]
_Accesses = dict[str, Access]


@dataclass(frozen=True, slots=True)
class Derived:
    """The graph of a flow, and the evidence of each edge.

    Args:
        graph: Keys of all tasks, and who waits for whom.
        edges: For each (upstream, downstream) pair of the graph, what says so.
    """

    graph: Graph
    edges: Mapping[_Pair, Edge]


@without_collector
def derive(facts: Sequence[TaskFacts]) -> Derived:
    """Find out who waits for whom.

    A task waits for the tasks it names, for those that write what it reads, and, where a data
    test checks everything it reads of that test's inputs, for the test: dbt's rule, held for SQL
    and Python tasks too, and for checks that are not dbt's. Of several writers of one dataset a reader waits for all that are not
    after the reader itself.

    Args:
        facts: All tasks of the flow.

    Raises:
        FlowError: Two tasks have one key.
        GraphError: A task waits for one that is not there, or a name fits several datasets.
        UnorderedWritersError: Two tasks write one dataset and nothing orders them.
        DroppedDatasetError: A task reads, or writes, what another drops, in no safe order.
        CycleError: Tasks wait for one another.

    Example:
        >>> place = Evidence(Source.DECLARED, "raw")
        >>> raw = (Access(Dataset(None, "raw", "x"), place),)
        >>> derived = derive([TaskFacts("b", "b", reads=raw), TaskFacts("a", "a", writes=raw)])
        >>> list(derived.graph.order())
        ['a', 'b']
    """
    derivation = _Derivation(facts)
    derivation.add_named()
    derivation.add_datasets()
    derivation.check_drops()
    derivation.add_guards()
    derivation.add_checks()
    return derivation.result()


def explain_edge(derived: Derived, upstream: str, downstream: str) -> tuple[Edge, ...]:
    """Why ``downstream`` waits for ``upstream``: the one edge, or those of a shortest path.

    Args:
        derived: From :func:`derive`.
        upstream: Key of the task that comes first.
        downstream: Key of the task that waits.

    Returns:
        The edges in order; empty if there is no path.
    """
    edge = derived.edges.get((upstream, downstream))
    if edge:
        return (edge,)
    known = upstream in derived.graph and downstream in derived.graph
    path = derived.graph.path(upstream, downstream) if known else None
    return tuple(derived.edges[pair] for pair in pairwise(path or ()))


def restrict(derived: Derived, keys: Iterable[str]) -> Derived:
    """Keep only some tasks; order that leads through tasks left out is kept.

    Args:
        derived: From :func:`derive`.
        keys: The tasks to keep; unknown keys are passed over.
    """
    kept = set(keys)
    edges = restricted_edges(derived.graph, derived.edges, kept)
    return Derived(Graph((key for key in derived.graph if key in kept), edges), edges)


class _Derivation:
    """One derivation under way."""

    def __init__(self, facts: Sequence[TaskFacts]) -> None:
        self._facts = _by_key(facts)
        self._graph = Graph(self._facts)
        self._evidence: dict[_Pair, dict[Evidence, None]] = {}
        self._dataset: dict[_Pair, Dataset] = {}
        self._checked = -1  # so many edges there were when no cycle was found
        self._written = Written(facts)
        self._readers: dict[Dataset, _Accesses] = defaultdict(dict)
        for fact in facts:
            for access in fact.reads:
                for dataset in self._meant(access):
                    self._readers[dataset].setdefault(fact.key, access)

    def add_named(self) -> None:
        """Edges that tasks name themselves: manifest, data passed, explicit order."""
        for key, fact in self._facts.items():
            for upstream, evidence in fact.upstream:
                if upstream not in self._facts:
                    raise _unknown_upstream(key, upstream, evidence)
                self._add(upstream, key, evidence)

    def add_datasets(self) -> None:
        """Edges from who writes a dataset to who reads it."""
        shared: dict[Dataset, _Accesses] = {}
        for dataset, writers in self._written.writers.items():
            if len(writers) > 1:
                shared[dataset] = writers
            elif dataset in self._readers:
                self._add_readers(dataset, writers, None)
        self._check_cycle()
        if shared:
            self._add_shared(shared)
            self._check_cycle()

    def check_drops(self) -> None:
        """Refuse a reader or writer of what another task drops, unless the order is safe."""
        drops = [(key, drop) for key, fact in self._facts.items() for drop in fact.drops]
        reach = Reach(self._graph) if drops else None
        for key, drop in drops:
            for dataset in self._written.matching(drop) or [normal(drop.dataset)]:
                assert reach is not None
                self._check_drop(key, drop, dataset, reach)

    def add_guards(self) -> None:
        """Let tasks that are not dbt's wait for data tests by dbt's rule; dbt's own already do."""
        tests = {
            key: [*self._graph.upstream(key), *self._outside(fact)]
            for key, fact in self._facts.items()
            if fact.resource_type == "test" and not _is_check(fact) and not self._tests_idle(fact)
        }
        waiting = {k for k, f in self._facts.items() if f.resource_type not in RUNNING_TYPES}
        if not tests or not waiting:
            return
        graph = Graph(key for key in self._facts if key not in tests)
        for pair in self._evidence:
            if not (pair[0] in tests or pair[1] in tests):
                graph.add_edge(*pair)
        for key in waiting:
            for name in self._outside(self._facts[key]):
                graph.add_edge(name, key)
        places: dict[str, Evidence] = {}
        for test, key in list(guard_edges(graph, tests, waiting.__contains__)):
            if test not in places:
                places[test] = _guard_evidence(self._facts[test])
            self._add(test, key, places[test])

    def add_checks(self) -> None:
        """Let every task, dbt's too, wait for the checks of what it reads."""
        checks = {
            key: {dataset: access for access in fact.reads for dataset in self._meant(access)}
            for key, fact in self._facts.items()
            if _is_check(fact)
        }
        if not checks:
            return
        waiting = [k for k, f in self._facts.items() if f.resource_type not in _NEVER_CHECKED]
        found = check_edges(
            list(self._evidence), checks, self._written.writers, self._readers, waiting
        )
        for check, key in list(found):
            read = checks[check]
            shared = [d for d in read if key in self._readers[d]]
            places = [self._readers[d][key].evidence for d in shared]
            self._add(check, key, *places, *(read[d].evidence for d in shared or read))

    def result(self) -> Derived:
        """The graph, checked for cycles."""
        self._check_cycle()
        return Derived(self._graph, self._edges())

    def _add(
        self, upstream: str, downstream: str, *evidence: Evidence, dataset: Dataset | None = None
    ) -> None:
        pair = (upstream, downstream)
        known = self._evidence.get(pair)
        if known is None:
            self._graph.add_edge(upstream, downstream)
            self._evidence[pair] = dict.fromkeys(evidence)
            if dataset is not None:
                self._dataset[pair] = dataset
            return
        if dataset is None:
            known.update(dict.fromkeys(evidence))
            return
        if self._dataset.setdefault(pair, dataset) == dataset:
            # The two ends of the dataset that the edge names stand first.
            self._evidence[pair] = {**dict.fromkeys(evidence), **known}
        else:
            known.update(dict.fromkeys(evidence))

    def _add_read(self, dataset: Dataset, writer: str, reader: str) -> None:
        read = self._readers[dataset][reader].evidence
        written = self._written.writers[dataset][writer].evidence
        self._add(writer, reader, read, written, dataset=dataset)

    def _add_readers(self, dataset: Dataset, writers: Iterable[str], reach: Reach | None) -> None:
        writers = list(writers)
        for reader in self._readers.get(dataset, ()):
            before = [w for w in writers if w != reader and not _after(reach, w, reader)]
            # A reader before all writers reads what none of them wrote: let the circle be drawn.
            alone = reader not in writers and not before
            for writer in writers[:1] if alone else before:
                self._add_read(dataset, writer, reader)

    def _add_shared(self, shared: Mapping[Dataset, _Accesses]) -> None:
        """Edges of datasets with several writers, as soon as other edges order these."""
        reach = Reach(self._graph)
        for dataset, writers in shared.items():
            self._order_changers(dataset, writers, reach)
        pending = dict(shared)
        while pending:
            reach = Reach(self._graph)
            settled = [d for d, writers in pending.items() if not _unordered(writers, reach)]
            if not settled:
                dataset, writers = next(iter(pending.items()))
                self._check_cycle()
                raise writers_error(dataset, writers, _unordered(writers, reach))
            for dataset in settled:
                self._add_readers(dataset, pending.pop(dataset), reach)

    def _order_changers(self, dataset: Dataset, writers: Iterable[str], reach: Reach) -> None:
        """Put who changes a dataset (reads and writes it) after who writes it only."""
        readers = self._readers.get(dataset, {})
        makers = [key for key in writers if key not in readers]
        for changer in writers:
            if changer not in readers:
                continue
            for maker in makers:
                if not reach.before(changer, maker):
                    self._add_read(dataset, maker, changer)

    def _check_drop(self, dropper: str, drop: Access, dataset: Dataset, reach: Reach) -> None:
        writers = {k: a for k, a in self._written.writers.get(dataset, {}).items() if k != dropper}
        again = [key for key in writers if reach.before(dropper, key)]
        for reader, access in self._readers.get(dataset, {}).items():
            safe = reach.before(reader, dropper) or any(reach.before(w, reader) for w in again)
            if reader != dropper and reader not in again and not safe:
                raise dropped_error(dataset, (dropper, drop), (reader, access), "reads")
        for writer, access in writers.items():
            if not reach.ordered(writer, dropper):
                raise dropped_error(dataset, (dropper, drop), (writer, access), "writes")

    def _meant(self, access: Access) -> list[Dataset]:
        """The datasets that a name means."""
        return list(self._written.matching(access)) or [normal(access.dataset)]

    def _outside(self, fact: TaskFacts) -> list[str]:
        """Stand-ins for what a task reads and no task writes."""
        return [
            f"dataset {dataset}"
            for dataset in (normal(access.dataset) for access in fact.reads)
            if dataset in self._readers and dataset not in self._written.writers
        ]

    def _tests_idle(self, fact: TaskFacts) -> bool:
        """Whether a test checks a node that does not run: only dbt knows what comes after it."""
        parents = fact.parents if isinstance(fact, DbtFacts) else ()
        return any(p not in self._facts and not p.startswith("source.") for p in parents)

    def _check_cycle(self) -> None:
        if self._checked == len(self._evidence):
            return
        if sum(1 for _ in self._graph.order()) != len(self._graph):
            raise cycle_error(self._graph, self._edges())
        self._checked = len(self._evidence)

    def _edges(self) -> Mapping[_Pair, Edge]:
        return _Edges(self._evidence, self._dataset)


class _Edges(Mapping[_Pair, Edge]):
    """The edges by pair, each made when it is asked for: a plan asks for few of very many."""

    def __init__(
        self, evidence: Mapping[_Pair, dict[Evidence, None]], dataset: Mapping[_Pair, Dataset]
    ) -> None:
        self._evidence, self._dataset = evidence, dataset

    def __getitem__(self, pair: _Pair) -> Edge:
        return Edge(*pair, tuple(self._evidence[pair]), self._dataset.get(pair))

    def __iter__(self) -> Iterator[_Pair]:
        return iter(self._evidence)

    def __len__(self) -> int:
        return len(self._evidence)


def _by_key(facts: Sequence[TaskFacts]) -> dict[str, TaskFacts]:
    found: dict[str, TaskFacts] = {}
    for fact in facts:
        other = found.setdefault(fact.key, fact)
        if other is not fact:
            raise FlowError(
                f"two tasks have the key {fact.key!r}",
                where=", ".join(str(f.path or f.name) for f in (other, fact)),
                fix="rename one of them",
            )
    return found


def _unknown_upstream(key: str, upstream: str, evidence: Evidence) -> GraphError:
    return GraphError(
        f"{key} waits for {upstream}, which is no task of this flow",
        where=str(evidence),
        fix=f"add {upstream} to the flow, or take it out of what {key} waits for",
    )


def _unordered(writers: Iterable[str], reach: Reach) -> list[str]:
    """The first two writers without an order, or nothing."""
    pairs = combinations(writers, 2)
    return next((list(pair) for pair in pairs if not reach.ordered(*pair)), [])


def _after(reach: Reach | None, writer: str, reader: str) -> bool:
    return reach is not None and reach.before(reader, writer)


def _is_check(fact: TaskFacts) -> bool:
    """Whether it tests data that it names itself; what tests of a dbt package test, dbt says."""
    by_dbt = isinstance(fact, DbtFacts) or fact.package is not None
    return fact.resource_type == "test" and bool(fact.reads) and not by_dbt


def _guard_evidence(test: TaskFacts) -> Evidence:
    text = f"{test.name} tests what it reads"
    return Evidence(Source.MANIFEST, text, test.path, None, test.key)
