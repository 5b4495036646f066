"""The plan of a whole flow, for commands that ask about it without running anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.engine.plan import Plan
    from orchestrator.model.planning import RunOptions


def whole_plan(session: Session, flow: str, options: RunOptions) -> Plan:
    """Plan a flow without a selection.

    A parameter without a value would stop the plan, though no answer depends on it: each such
    parameter is given an empty one.
    """
    from orchestrator.service.running import plan_flow

    project = session.project({"target": options.target, "threads": options.threads})
    loaded = project.flow(flow)
    return plan_flow(
        project, loaded, parameters={}, options=options, include=(), exclude=()
    )
