"""Which tasks wait for which data tests: dbt's rule, found with bit sets in near-linear time.

The rule of `dbt build`: a node waits for a test as soon as *everything the test reads* is upstream
of the node. Then the test's edge adds nothing upstream but the test, so no cycle can come of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import reduce
from operator import and_

from orchestrator.lineage.dbt.reach import Reach
from orchestrator.model.graph import Graph


def guard_edges(
    graph: Graph,
    tests: Mapping[str, Iterable[str]],
    may_wait: Callable[[str], bool],
) -> Iterator[tuple[str, str]]:
    """Yield (test, node that waits for it); only the first nodes, those after them follow.

    Args:
        graph: Everything but the tests, with what dbt does not run (sources, ephemeral models).
        tests: For each test the keys of ``graph`` that it reads.
        may_wait: Whether a node of the graph waits for tests at all.

    Example:
        >>> chain = Graph("abc", [("a", "b"), ("b", "c")])
        >>> list(guard_edges(chain, {"test_a": ["a"]}, lambda key: True))
        [('test_a', 'b')]
    """
    reach = Reach(graph)
    waiting = [may_wait(key) for key in reach.order]
    found: dict[frozenset[str], list[str]] = {}
    for test, reads in tests.items():
        parents = frozenset(reads)
        if parents not in found:
            common = _common(parents, reach)
            found[parents] = [reach.order[index] for index in _first(common, reach, waiting)]
        for node in found[parents]:
            yield test, node


def _common(parents: Iterable[str], reach: Reach) -> int:
    """The bit set of everything that is after all of ``parents``; nothing is after no parents."""
    sets = [reach.below[reach.place[p]] if p in reach.place else 0 for p in parents]
    return reduce(and_, sets) if sets else 0


def _first(common: int, reach: Reach, waiting: list[bool]) -> Iterator[int]:
    """The indices of a bit set that may wait and are not after another such index."""
    while common:
        # The lowest index in topological order has no ancestor left in the set.
        lowest = (common & -common).bit_length() - 1
        common &= ~(1 << lowest)
        if waiting[lowest]:
            yield lowest
            common &= ~reach.below[lowest]
