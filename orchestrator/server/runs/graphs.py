"""Graphs of runs as the API tells them, read once however often they are asked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request

from orchestrator.errors import NotFoundError, UsageError
from orchestrator.lineage.collector import without_collector
from orchestrator.server.runs.places import folder_of, layer_of
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun

_KEPT = 8  #: graphs that are remembered: one of 10,000 tasks is some megabytes of text


@dataclass(frozen=True)
class KnownGraph:
    """A graph, and what is often asked of it.

    Args:
        nodes: Its tasks as they were planned, each with its folder and its layer.
        edges: Who waits for whom, and why.
    """

    nodes: Sequence[Shape]
    edges: Sequence[Shape]

    @cached_property
    def at(self) -> Mapping[str, Shape]:
        """The nodes by key."""
        return {node["key"]: node for node in self.nodes}

    @cached_property
    def upstream(self) -> Mapping[str, Sequence[str]]:
        """By key, what a task waits for."""
        found: dict[str, list[str]] = defaultdict(list)
        for edge in self.edges:
            found[edge["downstream"]].append(edge["upstream"])
        return dict(found)


class Graphs:
    """The graphs of a store's runs; a graph never changes, so the last few are remembered."""

    def __init__(self, store: RunStore) -> None:
        self._store = store
        self._known: dict[str, KnownGraph] = {}

    def of(self, run: FlowRun) -> KnownGraph | None:
        """The graph of a run; None where it is not known."""
        name = run.graph
        if name is None:
            return None
        if name not in self._known:
            try:
                found = self._read(name)
            except NotFoundError:
                return None
            while len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)), None)
            self._known[name] = found
        return self._known.get(name)

    @without_collector
    def _read(self, name: str) -> KnownGraph:
        graph = self._store.graph(name)
        for node in graph["nodes"]:
            node["folder"] = folder_of(node.get("path"))
            node["layer"] = layer_of(node["resource_type"], node.get("path"))
        return KnownGraph(graph["nodes"], graph["edges"])


def graph_of(store: RunStore, graphs: Graphs, run: FlowRun) -> Shape:
    """The graph of a run with its layout; empty where it is not known."""
    found = graphs.of(run)
    if found is None:
        return {"hash": None, "nodes": [], "edges": [], "layout": None}
    assert run.graph is not None
    nodes = _expected(store, run, found.nodes)
    layout = store.layout(run.graph)
    return {"hash": run.graph, "nodes": nodes, "edges": found.edges, "layout": layout}


def _expected(store: RunStore, run: FlowRun, nodes: Sequence[Shape]) -> list[Shape]:
    """Add to each node how long it usually takes."""
    keys = [node["key"] for node in nodes]
    usual = store.durations(run.flow, keys, project=run.project)
    return [{**node, "expected": usual.get(node["key"])} for node in nodes]


def positions_for(
    graph: Mapping[str, Any], positions: Mapping[str, tuple[float, float]]
) -> Mapping[str, tuple[float, float]]:
    """Check that positions are of a graph's own nodes.

    Raises:
        UsageError: A key is none of the graph's.
    """
    known = {node["key"] for node in graph["nodes"]}
    strange = next((key for key in positions if key not in known), None)
    if strange is not None:
        raise UsageError(f"the graph has no node {strange!r}", fix="tell only its own nodes")
    return positions


def _graphs(request: Request) -> Graphs:
    state = request.app.state
    if not hasattr(state, "run_graphs"):
        state.run_graphs = Graphs(state.store)
    found: Graphs = state.run_graphs
    return found


#: In a handler's signature: ``graphs: GraphOf``.
GraphOf = Annotated[Graphs, Depends(_graphs)]
