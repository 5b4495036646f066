"""Which tasks wait for which tests, held against dbt's rule spelt out the slow way."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.lineage.dbt.guards import guard_edges
from orchestrator.model.graph import Graph

_KEYS = [f"n{i}" for i in range(12)]


@st.composite
def _projects(draw: st.DrawFn) -> tuple[Graph, dict[str, list[str]], set[str]]:
    """A graph, the tests on it, and who may wait."""
    pairs = [(a, b) for i, a in enumerate(_KEYS) for b in _KEYS[i + 1 :]]
    edges = draw(st.lists(st.sampled_from(pairs), max_size=25))
    reads = st.lists(st.sampled_from(_KEYS), max_size=3)
    tests = draw(st.lists(reads, max_size=6))
    may_wait = draw(st.sets(st.sampled_from(_KEYS), min_size=6))
    shuffled = draw(st.permutations(_KEYS))
    return Graph(shuffled, edges), {f"t{i}": r for i, r in enumerate(tests)}, may_wait


@given(_projects())
def test_the_same_order_as_the_rule_spelt_out(
    project: tuple[Graph, dict[str, list[str]], set[str]],
) -> None:
    graph, tests, may_wait = project
    found = list(guard_edges(graph, tests, may_wait.__contains__))
    spelt_out = [
        (test, node)
        for test, reads in tests.items()
        for node in graph
        if node in may_wait and reads and set(reads) <= graph.ancestors(node)
    ]
    assert set(found) <= set(spelt_out)
    assert _closed(graph, tests, found) == _closed(graph, tests, spelt_out)


@given(_projects())
def test_no_edge_too_many(project: tuple[Graph, dict[str, list[str]], set[str]]) -> None:
    graph, tests, may_wait = project
    found = list(guard_edges(graph, tests, may_wait.__contains__))
    assert len(found) == len(set(found))
    for test, node in found:
        assert not any(test == t and graph.path(other, node) for t, other in found if other != node)


def test_a_test_of_nothing_guards_nothing() -> None:
    assert list(guard_edges(Graph("ab", [("a", "b")]), {"t": []}, lambda key: True)) == []


def test_a_test_of_something_unknown_guards_nothing() -> None:
    assert list(guard_edges(Graph("ab", [("a", "b")]), {"t": ["a", "x"]}, lambda key: True)) == []


def test_members_of_a_cycle_are_passed_over() -> None:
    graph = Graph("abc", [("a", "b"), ("b", "c"), ("c", "b")])
    assert list(guard_edges(graph, {"t": ["a"]}, lambda key: True)) == []


def test_a_node_that_may_not_wait_hands_the_test_on() -> None:
    graph = Graph("abc", [("a", "b"), ("b", "c")])
    assert list(guard_edges(graph, {"t": ["a"]}, lambda key: key != "b")) == [("t", "c")]


def _closed(
    graph: Graph, tests: dict[str, list[str]], guards: list[tuple[str, str]]
) -> set[tuple[str, str]]:
    whole = Graph(graph, [*graph.edges(), *guards])
    for test, reads in tests.items():
        whole.add(test)
        for read in reads:
            whole.add_edge(read, test)
    return {(a, b) for a in whole for b in whole.descendants(a)}
