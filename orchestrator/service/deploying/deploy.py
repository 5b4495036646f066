"""Puts flows of a project into service at the version of its code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator import instants
from orchestrator.errors import ParameterError, UsageError
from orchestrator.model.flow import Flow
from orchestrator.model.parameter import Parameter
from orchestrator.schedule import Schedule
from orchestrator.schedule.clock import Clock
from orchestrator.service.asking import who
from orchestrator.service.deploying.snapshot import git_commit, keep_snapshot
from orchestrator.service.project import Project
from orchestrator.service.scheduler.policies import Policies
from orchestrator.settings import EXECUTORS
from orchestrator.store.deployments import PROCESS, Deployment
from orchestrator.store.records import new_run_id

#: The name of a flow's schedule; schedules with several clocks are one schedule.
SCHEDULE = "main"


@dataclass(frozen=True, slots=True)
class Terms:
    """How deployed flows are run.

    Args:
        parameters: Defaults by name, in place of the flow's own.
        labels: Which agents may take their runs.
        executor: ``threads``, ``inline`` or ``dask``; None leaves it to flow and settings.
        environment: JSON object: ``kind`` and what that kind takes.
        policies: JSON object of what schedules do with missed and meeting runs: ``catch_up``,
            ``catch_up_window``, ``max_catch_up``, ``overlap``, ``on_lost``, ``max_lost_retries``.
        in_place: Whether runs use the project's folder as it lies there, not a snapshot.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: Collection[str] = ()
    executor: str | None = None
    environment: Mapping[str, Any] = field(default_factory=lambda: PROCESS)
    policies: Mapping[str, Any] = field(default_factory=dict)
    in_place: bool = False


@dataclass(frozen=True, slots=True)
class Deployed:
    """A flow's current deployment, and whether it is a new one or was current before."""

    deployment: Deployment
    is_new: bool


def deploy(
    project: Project, flows: Sequence[str] = (), terms: Terms | None = None
) -> tuple[Deployed, ...]:
    """Deploy flows at the version of the project's code.

    Args:
        project: The project.
        flows: Names of flows; all of the project, if none is named.
        terms: How they are run.

    Returns:
        One for each flow, in the order given. What is current already is left as it is.

    Raises:
        NotFoundError: There is no such flow.
        UsageError: A term is none of those possible, or not for these flows; or a snapshot of the
            project would have a database file of its own.
        ProjectError: The code cannot be kept.
    """
    chosen = [project.flow(name) for name in flows] or list(project.flows.values())
    terms = terms or Terms()
    _check(terms, chosen)
    drafts = [_schedules(flow, terms) for flow in chosen]
    version, source = keep_snapshot(project.root, project.settings.state_dir)
    if terms.in_place:
        source = project.root
    else:
        _refuse_own_data(project, source)
    commit, by = git_commit(project.root), who()
    deployed = []
    with project.store() as store:
        for flow, schedules in zip(chosen, drafts, strict=True):
            deployment = Deployment(
                new_run_id(), project.name, flow.name, version, str(source), commit=commit,
                schedules=schedules, parameters=dict(terms.parameters),
                labels=tuple(dict.fromkeys(terms.labels)), executor=terms.executor,
                environment=dict(terms.environment), created=instants.now(), created_by=by,
            )  # fmt: skip
            kept = store.deploy(deployment)
            deployed.append(Deployed(kept, kept.id == deployment.id))
    return tuple(deployed)


def _check(terms: Terms, flows: Sequence[Flow]) -> None:
    if terms.executor is not None and terms.executor not in EXECUTORS:
        raise UsageError(
            f"there is no executor {terms.executor!r}", fix="use " + ", ".join(EXECUTORS)
        )
    if not isinstance(terms.environment.get("kind"), str):
        raise UsageError(
            "the environment does not say its kind",
            fix='give an object such as {"kind": "docker", "image": "shop:1.4"}',
        )
    Policies.from_dict(terms.policies)
    for flow in flows:
        known = {task.name: task for task in flow if isinstance(task, Parameter)}
        for name, value in terms.parameters.items():
            if name not in known:
                raise ParameterError(
                    f"flow {flow.name!r} has no parameter {name!r}",
                    fix=f"its parameters: {', '.join(known)}" if known else "it has none",
                )
            known[name].parse(value)


def _refuse_own_data(project: Project, source: Path) -> None:
    """Refuse a snapshot whose runs would write to another database than those of the project."""
    here = project.planning().find_warehouse
    there = Project.find(source).planning().find_warehouse
    for name in project.settings.warehouses or (None,):
        own, copied = here(name), there(name)
        if own is None or copied is None or own.affinity == copied.affinity:
            continue
        raise UsageError(
            f"the database of warehouse {name or 'dbt'!r} is a file named relative to the project, "
            "so each deployed version would have one of its own",
            where=(own.affinity or "").removeprefix("duckdb:"),
            fix="name it by its whole path (or by env_var in profiles.yml), or deploy with "
            "--in-place: then runs use the project's folder as it lies there",
        )


def _schedules(flow: Flow, terms: Terms) -> tuple[Mapping[str, Any], ...]:
    schedule = flow.schedule
    if schedule is None:
        return ()
    if isinstance(schedule, Clock):
        schedule = Schedule([schedule])
    if not isinstance(schedule, Schedule):
        raise UsageError(
            f"the schedule of flow {flow.name!r} is {type(schedule).__name__}",
            fix="give it a Schedule, such as CronSchedule('30 2 * * *', timezone='Europe/Berlin')",
        )
    return ({"name": SCHEDULE, **schedule.to_dict(), **terms.policies},)
