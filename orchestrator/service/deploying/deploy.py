"""Puts flows of a project into service at the version of its code."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from orchestrator import instants
from orchestrator.environments import Environment
from orchestrator.errors import ParameterError, UsageError
from orchestrator.model.flow import Flow
from orchestrator.model.parameter import Parameter
from orchestrator.model.planning import RunOptions
from orchestrator.schedule import Schedule
from orchestrator.schedule.clock import Clock
from orchestrator.service.asking import who
from orchestrator.service.deploying.environments import (
    environment_named,
    launched,
    refuse_move,
)
from orchestrator.service.deploying.snapshot import git_commit, keep_snapshot
from orchestrator.service.policy.enforcing import enforce
from orchestrator.service.project import Project
from orchestrator.service.scheduler.policies import Policies
from orchestrator.settings import EXECUTORS, executor_name
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
        to: Name of the ``[environments.NAME]`` table that gives what is not said here.
    """

    parameters: Mapping[str, Any] = field(default_factory=dict)
    labels: Collection[str] = ()
    executor: str | None = None
    environment: Mapping[str, Any] = field(default_factory=lambda: PROCESS)
    policies: Mapping[str, Any] = field(default_factory=dict)
    in_place: bool = False
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where code comes from that was checked out of git to be deployed.

    Args:
        commit: The commit.
        ref: ``tag v1.2``, ``branch main``, or empty.
    """

    commit: str
    ref: str = ""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A flow's current deployment, and whether it is a new one or was current before."""

    deployment: Deployment
    is_new: bool


def deploy(
    project: Project,
    flows: Sequence[str] = (),
    terms: Terms | None = None,
    *,
    origin: Origin | None = None,
) -> tuple[Deployed, ...]:
    """Deploy flows at the version of the project's code.

    Args:
        project: The project.
        flows: Names of flows; all of the project, if none is named.
        terms: How they are run.
        origin: Where the code comes from, if it is not the working tree.

    Returns:
        One for each flow, in the order given. What is current already is left as it is.

    Raises:
        NotFoundError: There is no such flow or environment.
        UsageError: A term is none of those possible, or not for these flows; or a snapshot of the
            project would have a database file of its own.
        PolicyError: They do not keep to the project's policy.
        ConflictError: A flow is in service in another environment.
        ProjectError: The code cannot be kept.
    """
    chosen = [project.flow(name) for name in flows] or list(project.flows.values())
    terms = terms or Terms()
    place = environment_named(project, terms.to)
    _check(terms, place, chosen)
    said = {flow.name: _terms_of(flow, terms, place) for flow in chosen}
    drafts = [schedules_of(flow, terms.policies) for flow in chosen]
    enforce(project, flows, target=place.target if place else None)
    version, source = keep_snapshot(project.root, project.settings.state_dir)
    if terms.in_place:
        source = project.root
    else:
        _refuse_own_data(project, source, place)
    commit = origin.commit if origin else git_commit(project.root)
    by = who()
    deployed = []
    with project.store() as store:
        for flow in chosen:
            refuse_move(store, project.name, flow.name, place)
        for flow, schedules in zip(chosen, drafts, strict=True):
            own = said[flow.name]
            deployment = Deployment(
                new_run_id(), project.name, flow.name, version, str(source), commit=commit,
                schedules=schedules, parameters=dict(own.parameters),
                labels=tuple(dict.fromkeys(own.labels)), executor=own.executor,
                environment=launched(own.environment, place, origin.ref if origin else ""),
                created=instants.now(), created_by=by,
            )  # fmt: skip
            kept = store.deploy(deployment)
            deployed.append(Deployed(kept, kept.id == deployment.id))
    return tuple(deployed)


def _check(terms: Terms, place: Environment | None, flows: Sequence[Flow]) -> None:
    for executor in (terms.executor, place.executor if place else None):
        if executor is not None:
            _known_executor(executor)
    if not isinstance(terms.environment.get("kind"), str):
        raise UsageError(
            "the environment does not say its kind",
            fix='give an object such as {"kind": "docker", "image": "shop:1.4"}',
        )
    Policies.from_dict(terms.policies)
    for flow in flows:
        known = _parameters(flow)
        for name, value in terms.parameters.items():
            if name not in known:
                raise ParameterError(
                    f"flow {flow.name!r} has no parameter {name!r}",
                    fix=f"its parameters: {', '.join(known)}" if known else "it has none",
                )
            known[name].parse(value)


def _known_executor(name: str) -> None:
    try:
        executor_name(name)
    except ValueError:
        raise UsageError(
            f"there is no executor {name!r}",
            fix=f"use {', '.join(EXECUTORS)} or cluster:NAME",
        ) from None


def _terms_of(flow: Flow, terms: Terms, place: Environment | None) -> Terms:
    """The terms of one flow, with what its environment says where nothing else does."""
    if place is None:
        return terms
    known = _parameters(flow)
    parameters = {name: value for name, value in place.parameters.items() if name in known}
    for name, value in parameters.items():
        known[name].parse(value)
    return replace(
        terms,
        parameters={**parameters, **terms.parameters},
        labels=(*place.labels, *terms.labels),
        executor=terms.executor or place.executor,
    )


def _parameters(flow: Flow) -> dict[str, Parameter]:
    return {task.name: task for task in flow if isinstance(task, Parameter)}


def _refuse_own_data(project: Project, source: Path, place: Environment | None) -> None:
    """Refuse a snapshot whose runs would write to another database than those of the project."""
    options = RunOptions(target=(place.target if place else None) or project.settings.target)
    here = project.planning(options).find_warehouse
    there = Project.find(source).planning(options).find_warehouse
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


def schedules_of(flow: Flow, policies: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Return a flow's schedules as a deployment keeps them.

    Args:
        flow: The flow.
        policies: What becomes of missed and meeting runs.

    Raises:
        UsageError: What the flow has is no schedule.
    """
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
    return ({"name": SCHEDULE, **schedule.to_dict(), **policies},)
