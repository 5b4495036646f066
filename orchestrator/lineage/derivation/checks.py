"""Who waits for a check of data that is not dbt's: whatever reads the data that it checks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from orchestrator.lineage.dbt.guards import guard_edges
from orchestrator.model.dataset import Dataset
from orchestrator.model.graph import Graph

_Pair = tuple[str, str]


def check_edges(
    pairs: Collection[_Pair],
    checks: Mapping[str, Collection[Dataset]],
    writers: Mapping[Dataset, Collection[str]],
    readers: Mapping[Dataset, Collection[str]],
    waiting: Collection[str],
) -> Iterator[_Pair]:
    """Yield (check, task that waits for it); only the first tasks, those after them follow.

    dbt's rule, held dataset by dataset: a task waits for a check as soon as it comes after *all*
    that the check reads. A task between the writers of a dataset does not: it reads what they
    have not finished. Nor does one that the check itself waits for.

    Args:
        pairs: Who waits for whom already.
        checks: For each check what it reads.
        writers: The tasks that write each dataset.
        readers: The tasks that read each dataset.
        waiting: The tasks that wait for checks at all.

    Example:
        >>> t = Dataset(None, None, "t")
        >>> list(check_edges([("w", "r"), ("w", "c")], {"c": [t]}, {t: ["w"]}, {t: ["r", "c"]}, ["r"]))
        [('c', 'r')]
    """
    ordered = set(pairs)
    graph = Graph(dict.fromkeys(end for pair in pairs for end in pair), pairs)
    for dataset in {dataset: None for read in checks.values() for dataset in read}:
        made = writers.get(dataset, ())
        graph.add(_node(dataset))
        for writer in made:
            graph.add_edge(writer, _node(dataset))
        for reader in readers.get(dataset, ()):
            if reader in made or reader in checks:
                continue
            if all((writer, reader) in ordered for writer in made):
                graph.add_edge(_node(dataset), reader)
    nodes = {check: [_node(dataset) for dataset in read] for check, read in checks.items()}
    waits = frozenset(waiting)
    placed = {
        check
        for check, read in checks.items()
        if _placed(graph, check, read, nodes[check], writers)
    }
    usual = {check: read for check, read in nodes.items() if check not in placed}
    yield from guard_edges(graph, usual, waits.__contains__)
    for check in (check for check in checks if check in placed):
        may_wait = waits - graph.ancestors(check)
        yield from guard_edges(graph, {check: nodes[check]}, may_wait.__contains__)


def _placed(
    graph: Graph,
    check: str,
    read: Iterable[Dataset],
    nodes: Iterable[str],
    writers: Mapping[Dataset, Collection[str]],
) -> bool:
    """Whether somebody put a check after tasks that themselves come after what it checks."""
    if check not in graph:
        return False
    makers = {writer for dataset in read for writer in writers.get(dataset, ())}
    others = [upstream for upstream in graph.upstream(check) if upstream not in makers]
    return bool(others) and not graph.ancestors(*others).isdisjoint(nodes)


def _node(dataset: Dataset) -> str:
    return f"dataset {dataset}"
