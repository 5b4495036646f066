"""What ``deploy`` and the commands below ``deployments`` print with ``--format json``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

from orchestrator.shapes.values import Shape

if TYPE_CHECKING:
    from orchestrator.service.deploying.deploy import Deployed
    from orchestrator.service.deploying.listing import History, InService
    from orchestrator.store.deployments import Deployment


def deployment(found: Deployment) -> Shape:
    """Every field of a deployment, its ``id`` as ``deployment_id``."""
    shape = asdict(found)
    return {"deployment_id": shape.pop("id"), **shape}


def deployed(done: Iterable[Deployed]) -> Shape:
    """``{"deployments": [...]}``, each with ``is_new``: whether it was made now."""
    return {"deployments": [{**deployment(one.deployment), "is_new": one.is_new} for one in done]}


def listed(found: Iterable[InService]) -> Shape:
    """``{"deployments": [...]}``: the current ones, with ``paused``, ``deleted``, ``schedule_states``."""
    return {"deployments": [_in_service(one) for one in found]}


def history(found: History) -> Shape:
    """The current deployment as in the list, ``history`` (all of the flow's) and ``audit``."""
    return {
        **_in_service(found.now),
        "history": [deployment(one) for one in found.deployments],
        "audit": [
            {"action": one.action, "by": one.by, "at": one.at, "data": one.data}
            for one in found.audit
        ],
    }


def _in_service(found: InService) -> Shape:
    return {
        **deployment(found.current), "paused": found.flow.paused, "deleted": found.flow.deleted,
        "schedule_states": [
            {"name": one.name, "paused": one.paused, "evaluated": one.evaluated}
            for one in found.schedules
        ],
    }  # fmt: skip
