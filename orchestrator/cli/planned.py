"""The plan of a whole flow, for commands that ask about it without running anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from orchestrator.cli.options import run_options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.engine.plan import Plan


def whole_plan(
    session: Session, flow: str, parameters: Mapping[str, str], given: dict[str, Any]
) -> Plan:
    """Plan a flow without a selection.

    Args:
        session: The call.
        flow: Name of the flow; ``.`` for the only one.
        parameters: Values by name; some flows cannot be planned without.
        given: dbt's options, as the command got them.
    """
    from orchestrator.service.running import Request, plan_flow

    options = run_options(given)
    project = session.project({"target": options.target, "threads": options.threads})
    return plan_flow(project, project.flow(flow), Request(parameters, options))
