"""The graph: order, reach, paths and cycles."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.model.graph import Graph

DIAMOND = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]


def test_order_puts_every_key_after_its_predecessors() -> None:
    assert list(Graph(edges=DIAMOND).order()) == ["a", "b", "c", "d"]


def test_reach_with_and_without_depth() -> None:
    graph = Graph(edges=[*DIAMOND, ("d", "e")])
    assert graph.ancestors("d") == {"a", "b", "c"}
    assert graph.ancestors("e", depth=1) == {"d"}
    assert graph.descendants("b", "c") == {"d", "e"}
    assert graph.descendants("e") == set()


def test_a_path_is_a_shortest_one() -> None:
    graph = Graph(edges=[*DIAMOND, ("a", "d")])
    assert graph.path("a", "d") == ["a", "d"]
    assert graph.path("d", "a") is None


def test_a_cycle_is_drawn_in_the_direction_of_its_edges() -> None:
    graph = Graph(edges=[("x", "a"), ("a", "b"), ("b", "c"), ("c", "a"), ("c", "y")])
    cycle = graph.cycle()
    assert cycle is not None
    assert cycle[0] == cycle[-1]
    assert set(cycle) == {"a", "b", "c"}
    edges = set(graph.edges())
    assert all(pair in edges for pair in pairwise(cycle))


def test_no_cycle_in_a_diamond() -> None:
    assert Graph(edges=DIAMOND).cycle() is None


def test_a_subgraph_keeps_the_edges_between_its_keys() -> None:
    assert set(Graph(edges=DIAMOND).subgraph(["a", "b", "d"]).edges()) == {("a", "b"), ("b", "d")}


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=40))
def test_either_every_key_is_ordered_or_a_cycle_is_shown(pairs: list[tuple[int, int]]) -> None:
    graph = Graph(edges=[(str(a), str(b)) for a, b in pairs if a != b])
    order = list(graph.order())
    place = {key: i for i, key in enumerate(order)}
    cycle = graph.cycle()
    if cycle is None:
        assert len(order) == len(graph)
        assert all(place[up] < place[down] for up, down in graph.edges())
    else:
        edges = set(graph.edges())
        assert all(pair in edges for pair in pairwise(cycle))
        assert cycle[0] == cycle[-1]
