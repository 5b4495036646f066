"""Plans a flow of a project: what is asked for, and what a run of it would do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from orchestrator.engine.plan import Plan, make_plan
from orchestrator.model.flow import Flow
from orchestrator.model.planning import RunOptions
from orchestrator.service.clusters import cluster_of, clusters_apart, on_clusters
from orchestrator.service.project import Project


@dataclass(frozen=True)
class Request:
    """What to run.

    Args:
        parameters: Values by name, as Python values or text.
        options: dbt's words: target, vars, full refresh, ….
        include: dbt-style selection.
        exclude: dbt-style exclusion.
        executor: ``threads``, ``inline``, ``dask`` or ``cluster:NAME``; the flow's or the
            project's own if left out.
        run_id: Id of the new run; a fresh one if left out.
        idempotency_key: Of several runs that are asked for with one key, one is made.
        again: Of a run that finishes another: keys of tasks that run again although they
            succeeded there, with all that depends on them.
    """

    parameters: Mapping[str, Any] | None = None
    options: RunOptions = field(default_factory=RunOptions)
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    executor: str | None = None
    run_id: str | None = None
    idempotency_key: str | None = None
    again: Sequence[str] = ()

    def options_in(self, project: Project) -> RunOptions:
        """The options, with the project's own target where none was chosen."""
        chosen = self.options
        return chosen if chosen.target else replace(chosen, target=project.settings.target)


def plan_flow(project: Project, flow: Flow, request: Request | None = None) -> Plan:
    """Plan a run without running anything.

    Raises:
        UsageError: The project, its SQL, the parameters or the selection cannot be planned.
    """
    asked = request or Request()
    planning = project.planning(asked.options_in(project))
    with project.secrets():
        plan = make_plan(
            flow,
            planning,
            parameters=asked.parameters,
            include=asked.include,
            exclude=asked.exclude,
        )
    apart = clusters_apart(project, flow, asked.executor)
    plan = on_clusters(project, plan, apart, cluster_of(project, flow, asked.executor))
    planning.save_cache()
    return plan
