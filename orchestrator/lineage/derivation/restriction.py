"""Edges of a part of a graph: order through tasks left out becomes an edge of its own."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import Edge
from orchestrator.model.graph import Graph


def restricted_edges(
    graph: Graph, edges: Mapping[tuple[str, str], Edge], kept: Collection[str]
) -> dict[tuple[str, str], Edge]:
    """The edges between kept keys, and one for each path that only leads through others.

    Args:
        graph: An acyclic graph.
        edges: Its edges with their evidence.
        kept: Keys to keep.
    """
    found: dict[tuple[str, str], Edge] = {}
    #: For a key left out: the kept keys before it, each with the key left out that it leads to.
    leads: dict[str, dict[str, str]] = {}
    for key in graph.order():
        inherited: dict[str, str] = {}
        for up in graph.upstream(key):
            if up in kept:
                inherited.setdefault(up, key)
                if key in kept:
                    found[up, key] = edges[up, key]
            else:
                for far, entry in leads[up].items():
                    inherited.setdefault(far, entry)
                    if key in kept and (far, key) not in edges:
                        found.setdefault((far, key), _through(edges, far, entry, up, key))
        if key not in kept:
            leads[key] = inherited
    return found


def _through(
    edges: Mapping[tuple[str, str], Edge], far: str, entry: str, last: str, key: str
) -> Edge:
    """An edge for a path ``far → entry → … → last → key`` whose middle is left out."""
    middle = entry if entry == last else f"{entry} … {last}"
    note = Evidence(Source.ENGINE, f"through {middle}, which this run leaves out")
    first, final = edges[far, entry], edges[last, key]
    return replace(
        final, upstream=far, evidence=(*final.evidence, note, *first.evidence), dataset=None
    )
