"""Graphs of runs: kept once, drawn once, gone with the last run that has them."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from orchestrator import instants
from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import StateType as S
from orchestrator.store.base import RunStore
from orchestrator.store.records import Change, FlowRun

BODY = {
    "nodes": [{"key": "a"}, {"key": "b <script>"}],
    "edges": [{"upstream": "a", "downstream": "b <script>"}],
}


def make(store: RunStore, run_id: str) -> None:
    store.create_run(FlowRun(run_id, "nightly"))


def test_equal_graphs_are_one(store: RunStore) -> None:
    for run_id in ("r1", "r2", "r3"):
        make(store, run_id)
    assert store.run("r1").graph is None
    name = store.keep_graph("r1", BODY)
    assert store.keep_graph("r2", dict(BODY)) == name
    other = store.keep_graph("r3", {"nodes": [], "edges": []})
    assert other != name
    assert [store.run(r).graph for r in ("r1", "r2", "r3")] == [name, name, other]
    assert store.graph(name) == BODY
    assert set(name) <= set("0123456789abcdef")


def test_what_is_not_there_is_not_found(store: RunStore) -> None:
    with pytest.raises(NotFoundError):
        store.keep_graph("nobody", BODY)
    for asked in (store.graph, store.layout):
        with pytest.raises(NotFoundError):
            asked("0" * 32)
    with pytest.raises(NotFoundError):
        store.keep_layout("0" * 32, {})
    make(store, "r1")
    with pytest.raises(StoreError):
        store.keep_graph("r1", {"nodes": [object()]})
    assert store.run("r1").graph is None


def test_the_first_layout_stays(store: RunStore) -> None:
    make(store, "r1")
    name = store.keep_graph("r1", BODY)
    assert store.layout(name) is None
    assert store.keep_layout(name, {"a": (0, 1.5), "b <script>": (10, 2)}) is True
    assert store.keep_layout(name, {"a": (9, 9)}) is False
    assert store.layout(name) == {"a": (0.0, 1.5), "b <script>": (10.0, 2.0)}


@pytest.mark.parametrize(
    "positions", [{"c": (0, 0)}, {"a": (math.nan, 0)}, {"a": (0, math.inf)}], ids=str
)
def test_a_layout_that_cannot_be_drawn_is_refused(
    store: RunStore, positions: dict[str, tuple[float, float]]
) -> None:
    make(store, "r1")
    name = store.keep_graph("r1", BODY)
    with pytest.raises(StoreError):
        store.keep_layout(name, positions)
    assert store.layout(name) is None


def test_a_graph_goes_with_its_last_run(store: RunStore) -> None:
    make(store, "r1")
    make(store, "r2")
    name = store.keep_graph("r1", BODY)
    store.keep_graph("r2", BODY)
    store.transition("r1", [Change(None, S.SUCCESS)])
    later = instants.now() + timedelta(days=1)
    assert store.prune(later) == 1
    assert store.graph(name) == BODY
    store.transition("r2", [Change(None, S.SUCCESS)])
    assert store.prune(later) == 1
    with pytest.raises(NotFoundError):
        store.graph(name)
