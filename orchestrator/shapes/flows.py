"""Flows as JSON: what each is, whether it is deployed, how it ran, what changed between versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from orchestrator.shapes import deployments
from orchestrator.shapes.values import Shape

if TYPE_CHECKING:
    from orchestrator.schedule import Occurrence
    from orchestrator.service.catalogue.survey import SurveyedFlow
    from orchestrator.service.deploying.comparing import Comparison, ValueChange
    from orchestrator.service.deploying.listing import History, InService
    from orchestrator.store.records import FlowRun


def flow(
    project: str,
    name: str,
    found: SurveyedFlow | None,
    deployed: InService | None,
    last_run: Mapping[str, Any] | None,
    coming: Occurrence | None,
) -> Shape:
    """A row of the list.

    Args:
        project: The project.
        name: The flow.
        found: As it lies in the project; None if it is not there (any more).
        deployed: Its current deployment, if it is in service.
        last_run: Its newest run.
        coming: When it runs next by itself.
    """
    from orchestrator.service.deploying.comparing import says

    schedules = list(found.schedules) if found else []
    if deployed is not None:
        schedules = [says(shape) for shape in deployed.current.schedules]
    return {
        "name": name,
        "project": project,
        "description": found.description if found else "",
        "source": found.source if found else None,
        "tags": list(found.tags) if found else [],
        "deployed": deployed is not None,
        "paused": deployed is not None and deployed.flow.paused,
        "version": deployed.current.version if deployed else None,
        "schedules": schedules,
        "last_run": last_run,
        "next": None if coming is None else occurrence(coming),
        "error": found.error if found else None,
    }


def occurrence(one: Occurrence) -> Shape:
    """``instant`` in UTC, ``local`` with its offset, ``timezone``."""
    return {
        "instant": one.instant,
        "local": one.local.isoformat(),
        "timezone": one.timezone,
    }


def whole_flow(row: Shape, found: SurveyedFlow | None, history: History | None) -> Shape:
    """A row, and besides its parameters, its versions and what people did to it."""
    past = None if history is None else deployments.history(history)
    current = None if history is None else history.now.current.number
    return {
        **row,
        "parameters": [dict(one) for one in found.parameters] if found else [],
        "parameter_schema": dict(found.schema) if found else {},
        "versions": [
            {**one, "current": one["number"] == current} for one in (past or {}).get("history", [])
        ],
        "audit": (past or {}).get("audit", []),
    }


def durations(runs: Sequence[FlowRun]) -> Shape:
    """``{"runs": [...]}``, the oldest first: how long each took, at which version."""
    return {
        "runs": [
            {
                "run_id": run.id, "created": run.created, "started": run.started,
                "seconds": seconds(run), "state": run.state, "version": run.version,
            }
            for run in reversed(runs)
        ]
    }  # fmt: skip


def seconds(run: FlowRun) -> float | None:
    """How long a finished run took."""
    if run.started is None or run.finished is None:
        return None
    return max(0.0, (run.finished - run.started).total_seconds())


def comparison(found: Comparison) -> Shape:
    """``a``, ``b``, ``changed`` files with their differences, ``parameters``, ``schedules``."""
    return {
        "a": deployments.deployment(found.a),
        "b": deployments.deployment(found.b),
        "changed": [asdict(one) for one in found.files],
        "parameters": [_value(one) for one in found.parameters],
        "schedules": [_value(one) for one in found.schedules],
    }


def _value(one: ValueChange) -> Shape:
    return {"name": one.name, "a": one.a, "b": one.b}
