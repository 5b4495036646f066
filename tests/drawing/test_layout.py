"""Boxes stand after what they wait for, lines do not run through boxes, circles are drawn too."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from orchestrator.drawing.layout import HIGH, Layout, arrange
from orchestrator.model.graph import Graph


def laid_out(*edges: tuple[str, str], keys: tuple[str, ...] = ()) -> tuple[Graph, Layout]:
    graph = Graph(keys, edges)
    return graph, arrange(graph, dict.fromkeys(graph, 80.0))


def tangle(size: int, edges: int, seed: int = 7) -> Graph:
    chance = random.Random(seed)
    graph = Graph(f"t{number}" for number in range(size))
    for _ in range(edges):
        low, high = sorted(chance.sample(range(size), 2))
        graph.add_edge(f"t{low}", f"t{high}")
    return graph


def test_each_box_stands_right_of_what_it_waits_for() -> None:
    graph = tangle(60, 150)
    layout = arrange(graph, dict.fromkeys(graph, 80.0))
    for up, down in graph.edges():
        before, after = layout.places[up], layout.places[down]
        assert before.left + before.wide < after.left


def test_boxes_of_a_layer_do_not_touch() -> None:
    graph = tangle(60, 150)
    columns: dict[float, list[float]] = {}
    for place in arrange(graph, dict.fromkeys(graph, 80.0)).places.values():
        columns.setdefault(place.left, []).append(place.middle)
    for middles in columns.values():
        assert all(lower - upper > HIGH for upper, lower in pairwise(sorted(middles)))


def test_a_line_passes_a_layer_between_its_boxes() -> None:
    graph = tangle(60, 150)
    layout = arrange(graph, dict.fromkeys(graph, 80.0))
    for bends in layout.bends.values():
        for left, right, middle in (bends or ())[1:]:
            for place in layout.places.values():
                beside = place.left + place.wide <= left or place.left >= right
                assert beside or abs(place.middle - middle) > HIGH / 2


def test_nothing_stands_outside_the_picture() -> None:
    graph = tangle(40, 90)
    layout = arrange(graph, dict.fromkeys(graph, 80.0))
    for place in layout.places.values():
        assert place.left >= 0
        assert place.left + place.wide <= layout.wide
        assert place.middle - HIGH / 2 >= 0
        assert place.middle + HIGH / 2 <= layout.high


def test_a_chain_is_straight() -> None:
    _, layout = laid_out(("a", "b"), ("b", "c"), ("c", "d"))
    assert len({round(place.middle, 6) for place in layout.places.values()}) == 1


def test_crossings_that_can_be_undone_are_undone() -> None:
    _, layout = laid_out(("a", "y"), ("b", "x"), ("c", "z"), keys=("a", "b", "c", "x", "y", "z"))
    middles = {key: place.middle for key, place in layout.places.items()}
    assert middles["a"] == pytest.approx(middles["y"])
    assert middles["b"] == pytest.approx(middles["x"])
    assert middles["c"] == pytest.approx(middles["z"])


def test_what_waits_for_nothing_stands_beside_what_needs_it() -> None:
    _, layout = laid_out(("a", "b"), ("b", "c"), ("late", "c"))
    assert layout.places["late"].left == layout.places["b"].left


def test_a_circle_is_drawn_with_a_line_that_leads_back() -> None:
    _, layout = laid_out(("a", "b"), ("b", "c"), ("c", "a"))
    back = [edge for edge, bends in layout.bends.items() if bends is None]
    assert len(back) == 1
    assert len(layout.places) == 3


def test_a_line_to_itself_leads_back() -> None:
    _, layout = laid_out(("a", "a"))
    assert layout.bends["a", "a"] is None


def test_nothing_is_laid_out_as_nothing() -> None:
    layout = arrange(Graph(), {})
    assert (layout.wide, layout.high, layout.places) == (0.0, 0.0, {})


def test_the_same_graph_is_always_laid_out_alike() -> None:
    one, other = (arrange(tangle(50, 120), {f"t{n}": 80.0 for n in range(50)}) for _ in range(2))
    assert one == other
