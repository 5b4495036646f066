"""Environments of deployments: which one a flow is in service in, and what it says of its runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.environments import Environment
from orchestrator.errors import ConflictError, NotFoundError, ParameterError
from orchestrator.model.parameter import Parameter
from orchestrator.nearest import nearest
from orchestrator.service.project import Project
from orchestrator.settings import FILE_NAME
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment

#: Keys of a deployment's ``environment`` that say where it is in service, not how runs are launched.
SAID = ("name", "target", "ref")


def environment_named(project: Project, name: str | None) -> Environment | None:
    """Return an environment of a project; None where none is named.

    Raises:
        NotFoundError: There is none of that name.
        ParameterError: It gives a parameter that no flow of the project has.
    """
    if name is None:
        return None
    known = project.settings.environments
    place = str(project.root / FILE_NAME)
    if name not in known:
        hint = nearest(name, known) if known else f'add [environments.{name}] with target = "…"'
        raise NotFoundError(f"there is no environment {name!r}", where=place, fix=hint)
    found = known[name]
    flows = map(project.flow, project.flow_names())
    taken = {task.name for flow in flows for task in flow if isinstance(task, Parameter)}
    for parameter in found.parameters:
        if parameter not in taken:
            raise ParameterError(
                f"[environments.{name}] gives a parameter {parameter!r}, which no flow has",
                where=place,
                fix=nearest(parameter, taken) if taken else "the flows have none",
            )
    return found


def launched(environment: Mapping[str, Any], place: Environment | None, ref: str) -> dict[str, Any]:
    """Return how runs are launched, with the names of environment, target and git ref besides."""
    said = (place.name if place else None, place.target if place else None, ref)
    return {**environment, **{key: value for key, value in zip(SAID, said, strict=True) if value}}


def name_of(deployment: Deployment) -> str | None:
    """Return the name of the environment that a deployment is for; None if it is for none."""
    name = deployment.environment.get("name")
    return str(name) if name else None


def ref_of(deployment: Deployment) -> str:
    """Return the git ref that a deployment was made from, as ``tag v1.2``; empty if none."""
    return str(deployment.environment.get("ref") or "")


def refuse_move(store: RunStore, project: str, flow: str, place: Environment | None) -> None:
    """Refuse to take a flow out of the environment it is in service in, by deploying to another.

    Raises:
        ConflictError: It is in service in another.
    """
    try:
        current = name_of(store.current(project, flow))
    except NotFoundError:
        return
    wanted = place.name if place else None
    if current in (None, wanted):
        return
    other = f"environment {wanted}" if wanted else "no environment"
    raise ConflictError(
        f"flow {flow!r} is in service in environment {current}; "
        f"deploying it to {other} would take it out of there",
        where=f"project {project}",
        fix=f"say --to {current}; give each environment a run store of its own "
        "(ORCHESTRATOR_STORE); or take it out of service first: "
        f"orchestrator deployments delete {flow}",
    )
