"""What ``check`` prints with ``--format json``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.shapes.values import Shape

if TYPE_CHECKING:
    from orchestrator.service.policy.breaches import Breach, Report


def report(found: Report | None) -> Shape:
    """``policy`` (whether there is one), ``ok``, ``flows``, ``rules``, ``tasks``, ``statements``,
    ``breaches``, ``excused`` (each a breach with ``reason`` and ``excused_at``) and ``notes``."""
    if found is None:
        return {"policy": False, "ok": True, "breaches": []}
    return {
        "policy": True,
        "ok": not found.refused,
        "flows": list(found.flows),
        "rules": list(found.rules),
        "tasks": found.tasks,
        "statements": found.statements,
        "breaches": [_breach(breach) for breach in found.breaches],
        "excused": [
            {**_breach(one.breach), "reason": one.reason, "excused_at": one.set_at}
            for one in found.excused
        ],
        "notes": list(found.notes),
    }


def _breach(found: Breach) -> Shape:
    return {
        "rule": found.rule,
        "set_at": found.set_at,
        "breach": found.breach,
        "flow": found.flow,
        "what": found.what,
        "where": found.where,
        "evidence": list(found.evidence),
        "fix": found.fix,
        "note": found.remark or None,
        "subjects": list(found.subjects),
    }
