"""The plan of a whole flow, for commands that ask about it without running anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from orchestrator.cli.options import run_options
from orchestrator.cli.session import Session
from orchestrator.errors import NotFoundError

if TYPE_CHECKING:
    from orchestrator.engine.plan import Plan
    from orchestrator.model.flow import Flow
    from orchestrator.service.planning import Request
    from orchestrator.service.project import Project

Found = TypeVar("Found")


@dataclass(frozen=True)
class Planned:
    """One flow as it was planned.

    Args:
        project: Its project.
        flow: The flow.
        plan: Its plan.
        request: What the plan was made with.
    """

    project: Project
    flow: Flow
    plan: Plan
    request: Request


def plan_with(
    session: Session,
    flow: str,
    parameters: Mapping[str, str],
    given: dict[str, Any],
    find: Callable[[Plan], Found],
) -> tuple[Plan, Found]:
    """Plan the flow in which something is found, without a selection.

    Args:
        session: The call.
        flow: Name of the flow; ``.`` for the only one, or whichever has what is looked for.
        parameters: Values by name; some flows cannot be planned without.
        given: dbt's options, as the command got them.
        find: Returns what is looked for, or raises NotFoundError.

    Raises:
        NotFoundError: No flow has it; the error is that of the first flow.
    """
    planned, found = planned_with(session, flow, parameters, given, lambda p: find(p.plan))
    return planned.plan, found


def planned_with(
    session: Session,
    flow: str,
    parameters: Mapping[str, str],
    given: dict[str, Any],
    find: Callable[[Planned], Found],
) -> tuple[Planned, Found]:
    """As :func:`plan_with`, with all that the plan was made from."""
    from orchestrator.service.planning import Request, plan_flow

    options = run_options(given)
    project = session.project({"target": options.target, "threads": options.threads})
    request = Request(parameters, options)
    first: NotFoundError | None = None
    for candidate in _candidates(project, flow):
        planned = Planned(project, candidate, plan_flow(project, candidate, request), request)
        try:
            return planned, find(planned)
        except NotFoundError as error:
            first = first or error
    assert first is not None  # a project has at least one flow, or says that it has none
    raise first


def _candidates(project: Project, flow: str) -> Iterator[Flow]:
    if flow != ".":
        yield project.flow(flow)
        return
    # A flow of the project's own knows more than its dbt project alone: also SQL and Python.
    yield from map(project.flow, project.flow_names())
    if project.whole is not None:
        yield project.whole
