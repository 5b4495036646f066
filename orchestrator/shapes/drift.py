"""What ``orchestrator deployments drift`` prints with ``--format json``: repository beside service."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from orchestrator.shapes.values import Shape

if TYPE_CHECKING:
    from orchestrator.service.deploying.comparing import FileChange, ValueChange
    from orchestrator.service.deploying.drift import Drift, FlowDrift


def drift(found: Drift) -> Shape:
    """``project``, ``version``, ``commit``, ``branch``, ``dirty``, ``drift``, ``flows``, ``errors``."""
    return {
        "project": found.project, "version": found.version, "commit": found.commit,
        "branch": found.branch, "dirty": found.dirty, "drift": found.is_any,
        "flows": [_flow(one) for one in found.flows], "errors": dict(found.errors),
    }  # fmt: skip


def _flow(one: FlowDrift) -> Shape:
    kept = one.deployment
    return {
        "flow": one.flow, "standing": str(one.standing),
        "deployment": kept.number if kept else None,
        "deployment_id": kept.id if kept else None,
        "version": kept.version if kept else None, "commit": kept.commit if kept else None,
        "ref": one.ref, "environment": one.environment,
        "behind": one.behind, "ahead": one.ahead, "in_place": one.in_place,
        "files": None if one.files is None else _files(one.files),
        "schedules": _values(one.schedules), "terms": _values(one.terms), "by_hand": one.by_hand,
    }  # fmt: skip


def _files(files: Iterable[FileChange]) -> list[Shape]:
    return [{"path": one.path, "change": one.change} for one in files]


def _values(changes: Iterable[ValueChange]) -> list[Shape]:
    return [{"name": one.name, "deployed": one.a, "repository": one.b} for one in changes]
