"""Draws a flow of a project: its plan, in the colours of a run if one is named."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.drawing.contents import contents
from orchestrator.drawing.picture import Picture, drawn
from orchestrator.engine.plan import Plan
from orchestrator.errors import NotFoundError, UsageError
from orchestrator.model.state import State
from orchestrator.service.project import Project
from orchestrator.store.base import LATEST, RunStore
from orchestrator.store.records import FlowRun

#: What a run is named by: what ``flow.run()`` returned, states by key, a run's id, or ``latest``.
Shown = State | Mapping[str, State] | str | None


def picture(project: Project, plan: Plan, state: Shown = None) -> Picture:
    """Draw a plan.

    Args:
        project: Whose store has the run, if one is named by its id.
        plan: What is drawn.
        state: The run whose states colour it.

    Raises:
        UsageError: The state holds no states of tasks, or the run is of another flow.
        NotFoundError: There is no such run, or none of this flow.
    """
    return drawn(
        contents(
            plan.flow,
            plan.facts,
            plan.graph,
            plan.edges,
            states=_states(project, plan.flow, state),
            mapped=[key for key, task in plan.tasks.items() if task.mapped],
        )
    )


def _states(project: Project, flow: str, state: Shown) -> Mapping[str, State] | None:
    if state is None or isinstance(state, Mapping):
        return state
    if isinstance(state, str):
        return _stored(project, flow, state)
    if not isinstance(state, State) or not isinstance(state.result, Mapping):
        raise UsageError(
            f"{state!r} holds no states of tasks, so no flow can be coloured by it",
            fix="give what flow.run() returned, or the id of a run",
        )
    return state.result


def _stored(project: Project, flow: str, run_id: str) -> dict[str, State]:
    with project.store() as store:
        run = _latest(store, project, flow) if run_id == LATEST else store.run(run_id)
        if run.flow != flow:
            raise UsageError(
                f"run {run.id} is of flow {run.flow!r}, not of {flow!r}",
                fix=f"orchestrator runs list --flow {flow} lists its runs",
            )
        return {task.key: State(task.state, task.message) for task in store.task_runs(run.id)}


def _latest(store: RunStore, project: Project, flow: str) -> FlowRun:
    found = store.runs(flow=flow, project=project.name, limit=1)
    if not found:
        raise NotFoundError(
            f"flow {flow!r} has no runs yet",
            where=f"project {project.name}",
            fix="run it first, or leave the state out to draw what a run would do",
        )
    return found[0]
