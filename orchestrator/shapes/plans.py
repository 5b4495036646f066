"""What ``plan`` and ``why`` print with ``--format json``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from orchestrator.shapes import values
from orchestrator.shapes.values import Shape

if TYPE_CHECKING:
    from orchestrator.engine.plan import Plan


def plan(found: Plan) -> Shape:
    """``flow``, ``parameters``, ``tasks`` in order (each with ``wave``, from 1), ``edges``, ``left_out``."""
    wave = {key: n for n, keys in enumerate(found.levels(), 1) for key in keys}
    return {
        "flow": found.flow,
        "parameters": found.parameters,
        "tasks": [
            {
                **values.facts(found.tasks[key].facts),
                "wave": wave[key],
                "mapped": found.tasks[key].mapped,
                "affinity": found.tasks[key].affinity,
                "reason": found.tasks[key].reason,
                "upstream": list(found.graph.upstream(key)),
            }
            for key in found.order()
        ],
        "edges": [values.edge(edge) for edge in found.edges.values()],
        "left_out": [{"key": key, "reason": why} for key, why in found.left_out.items()],
    }


def task(found: Plan, key: str) -> Shape:
    """``task``, ``upstream`` and ``downstream``: its edges with their evidence."""
    return {
        "flow": found.flow,
        "task": values.facts(found.facts[key]),
        "upstream": [_edge(found, up, key) for up in found.whole.upstream(key)],
        "downstream": [_edge(found, key, down) for down in found.whole.downstream(key)],
    }


def connection(found: Plan, upstream: str, downstream: str) -> Shape:
    """``connected``, ``direct``, and ``path``: the edges that lead from one to the other."""
    path = found.whole.path(upstream, downstream) or []
    steps = list(pairwise(path))
    return {
        "flow": found.flow,
        "upstream": upstream,
        "downstream": downstream,
        "connected": bool(steps),
        "direct": len(steps) == 1,
        "path": [_edge(found, up, down) for up, down in steps],
    }


def _edge(found: Plan, upstream: str, downstream: str) -> Shape:
    edge = found.edges.get((upstream, downstream))
    if edge is not None:
        return values.edge(edge)
    return {"upstream": upstream, "downstream": downstream, "dataset": None, "evidence": []}
