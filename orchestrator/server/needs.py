"""What routes ask for: the store, the project, who asks, and that they may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from orchestrator.server.errors import ForbiddenError, UnauthorizedError
from orchestrator.service.project import Project
from orchestrator.store.access import Deed, Role
from orchestrator.store.base import RunStore


@dataclass(frozen=True)
class Who:
    """Who asks.

    Args:
        name: Name of the token; ``local`` for this machine's people while there is no token.
        role: What they may do.
        store: Where what they do is kept.
    """

    name: str
    role: Role
    store: RunStore | None = field(default=None, repr=False, compare=False)


def _store(request: Request) -> RunStore:
    store: RunStore = request.app.state.store
    return store


def _project(request: Request) -> Project:
    project: Project = request.app.state.project
    return project


def _who(request: Request) -> Who:
    who: Who | None = request.scope.get("state", {}).get("who")
    if who is None:  # a path that the gate lets pass has a route of its own, and none of these
        raise UnauthorizedError("nobody knows who asks")
    return who


#: The run store. In a handler's signature: ``store: StoreOf``.
StoreOf = Annotated[RunStore, Depends(_store)]
#: The project that is served.
ProjectOf = Annotated[Project, Depends(_project)]
#: Who asks.
WhoOf = Annotated[Who, Depends(_who)]


def _at_least(who: Who, role: Role) -> None:
    if not who.role.covers(role):
        raise ForbiddenError(
            f"{who.name} has the role {who.role}, and this needs {role}",
            fix=f"ask with a token of the role {role}",
        )


def viewing(who: WhoOf) -> None:
    """Let in who may look; as ``dependencies=[Depends(viewing)]``."""
    _at_least(who, Role.VIEW)


def running(who: WhoOf) -> None:
    """Let in who may start, stop and mend runs."""
    _at_least(who, Role.RUN)


def administering(who: WhoOf) -> None:
    """Let in who may change deployments, schedules and limits."""
    _at_least(who, Role.ADMIN)


def audited(who: Who, action: str, subject: str, data: Mapping[str, Any] | None = None) -> None:
    """Keep that somebody did something.

    Args:
        who: Who did it.
        action: What, as ``run.cancel``.
        subject: What it was done to: a run's id, a flow's name.
        data: What else is worth knowing; JSON, and no secret.
    """
    assert who.store is not None
    who.store.add_deed(Deed(who.name, who.role, action, subject, data or {}))
