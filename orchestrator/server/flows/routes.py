"""``/flows``: what there is, what a run would do, how runs went, what versions changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from orchestrator.errors import NotFoundError, UsageError
from orchestrator.server.catalogue.known import PATIENCE, KeeperOf
from orchestrator.server.flows import models
from orchestrator.server.flows.drifting import DriftingOf
from orchestrator.server.flows.gathering import Gathered, gathered
from orchestrator.server.naming import FlowPath
from orchestrator.server.needs import ProjectOf, StoreOf, viewing
from orchestrator.server.runs.answering import answered
from orchestrator.service.deploying.comparing import compare, numbered
from orchestrator.service.deploying.listing import History, history_of
from orchestrator.shapes import flows as shapes
from orchestrator.shapes import plans
from orchestrator.store.base import RunStore

router = APIRouter(tags=["flows"], dependencies=[Depends(viewing)])

Number = Annotated[int, Query(ge=1, le=2**31 - 1, description="Number of a deployment.")]


@router.get("/flows", operation_id="list_flows", summary="List flows", response_model=models.Flows)
def list_flows(keeper: KeeperOf, project: ProjectOf, store: StoreOf) -> Response:
    """List the project's flows, and those that are deployed, by name."""
    found = gathered(keeper.survey(PATIENCE), project, store)
    return answered({"flows": [found.row(name) for name in found.names], "surveying": keeper.busy})


@router.get(
    "/drift",
    operation_id="get_drift",
    summary="Show what is not in service yet",
    response_model=models.Drift,
)
def get_drift(drifting: DriftingOf) -> Response:
    """Tell of each flow how the project's folder and what is in service differ.

    The files are read anew when they or the deployments have changed, which takes seconds.
    """
    return answered(drifting.found())


@router.get(
    "/flows/{flow}", operation_id="get_flow", summary="Show a flow", response_model=models.WholeFlow
)
def get_flow(keeper: KeeperOf, project: ProjectOf, store: StoreOf, flow: FlowPath) -> Response:
    """Tell all about a flow: parameters with a JSON Schema, versions, what people did to it."""
    found = gathered(keeper.survey(PATIENCE), project, store, flow)
    _refuse_unknown(found, flow)
    history = _history(store, project.name, flow)
    return answered(shapes.whole_flow(found.row(flow), found.survey.flows.get(flow), history))


@router.get(
    "/flows/{flow}/plan", operation_id="plan_flow", summary="Plan a run", response_model=models.Plan
)
def plan_flow(keeper: KeeperOf, project: ProjectOf, store: StoreOf, flow: FlowPath) -> Response:
    """Tell what a run would do, in which order, and why, as the code lies in the project now.

    Parameters that must be given have stand-ins here. Nothing is run.
    """
    survey = keeper.survey(PATIENCE)
    found = survey.flows.get(flow)
    if found is None:
        _refuse_unknown(gathered(survey, project, store, flow), flow)
        raise NotFoundError(
            f"flow {flow!r} is deployed, and no file of the project has it now",
            fix=f"GET /api/v1/flows/{flow} shows its versions",
        )
    if found.plan is None:
        raise UsageError(
            f"flow {flow!r} cannot be planned: {found.error}", where=found.source, fix="mend it"
        )
    return answered(plans.plan(found.plan))


@router.get(
    "/flows/{flow}/durations",
    operation_id="flow_durations",
    summary="Show how long runs of a flow took",
    response_model=models.Durations,
)
def flow_durations(
    keeper: KeeperOf,
    project: ProjectOf,
    store: StoreOf,
    flow: FlowPath,
    last: Annotated[int, Query(ge=1, le=1000, description="So many runs.")] = 60,
) -> Response:
    """Tell how long the latest runs took, the oldest first."""
    runs = store.runs(flow=flow, project=project.name, limit=last)
    if not runs:
        _refuse_unknown(gathered(keeper.survey(PATIENCE), project, store, flow), flow)
    return answered(shapes.durations(runs))


@router.get(
    "/flows/{flow}/versions/compare",
    operation_id="compare_versions",
    summary="Compare two versions of a flow",
    response_model=models.Comparison,
)
def compare_versions(
    project: ProjectOf, store: StoreOf, flow: FlowPath, a: Number, b: Number
) -> Response:
    """Tell what changed between two deployments: files with their differences, parameters, schedules."""
    known = history_of(store, project.name, flow).deployments
    return answered(shapes.comparison(compare(numbered(known, a), numbered(known, b))))


def _history(store: RunStore, project: str, flow: str) -> History | None:
    try:
        return history_of(store, project, flow)
    except NotFoundError:
        return None


def _refuse_unknown(found: Gathered, flow: str) -> None:
    if flow not in found.names and flow not in found.survey.flows:
        known = ", ".join(found.names[:20]) or "none"
        raise NotFoundError(f"there is no flow {flow!r}", fix=f"the flows: {known}")
