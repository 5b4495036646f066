"""The graph of a run as plain values: its tasks, what they touch, and why one waits for another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from orchestrator.engine.plan import Plan
from orchestrator.engine.planned import PlannedTask
from orchestrator.model.dataset import Access
from orchestrator.model.evidence import Evidence


def graph_of(plan: Plan) -> dict[str, Any]:
    """Return the tasks of a plan, before any is mapped, and the order between exactly these.

    ``nodes``: ``key``, ``name``, ``resource_type``, ``path``, ``tags``, ``reads``, ``writes``,
    ``mapped``. ``edges``: ``upstream``, ``downstream``, ``dataset``, ``evidence``, which is empty
    where an edge leads through tasks that were left out.
    """
    return {
        "nodes": [_node(plan.tasks[key]) for key in plan.order()],
        "edges": [
            _edge(plan, upstream, key)
            for key in plan.tasks
            for upstream in sorted(plan.graph.upstream(key))
        ],
    }


def _node(planned: PlannedTask) -> dict[str, Any]:
    facts = planned.facts
    return {
        "key": planned.key,
        "name": facts.name,
        "resource_type": facts.resource_type,
        "path": facts.path,
        "tags": sorted(facts.tags),
        "reads": _datasets(facts.reads),
        "writes": _datasets(facts.writes),
        "mapped": planned.mapped,
    }


def _edge(plan: Plan, upstream: str, downstream: str) -> dict[str, Any]:
    found = plan.edges.get((upstream, downstream))
    dataset = found.dataset if found else None
    return {
        "upstream": upstream,
        "downstream": downstream,
        "dataset": str(dataset) if dataset else None,
        "evidence": [_evidence(piece) for piece in found.evidence] if found else [],
    }


def _evidence(piece: Evidence) -> dict[str, Any]:
    return {
        "source": piece.source.value, "text": piece.text, "file": piece.file, "line": piece.line,
        "node": piece.node,
    }  # fmt: skip


def _datasets(accesses: Iterable[Access]) -> list[str]:
    return list(dict.fromkeys(str(access.dataset) for access in accesses))
