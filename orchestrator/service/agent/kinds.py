"""Finds the kind of agent that is asked for: ours by a word, anybody's by ``module:Class``."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.service.agent.base import Agent
from orchestrator.store.base import RunStore

_OURS = {
    "process": "orchestrator.service.agent.local:LocalAgent",
    "docker": "orchestrator.service.agent.local:DockerAgent",
    "fargate": "orchestrator.service.agent.fargate:FargateAgent",
}


def agent_class(kind: str, folder: str | None = None) -> type[Agent[Any]]:
    """Return the class of a kind of agent.

    Args:
        kind: ``process``, ``docker``, ``fargate``, or ``module:Class`` of a subclass of Agent.
        folder: Where to look for the module, too.

    Raises:
        UsageError: There is no such kind, or it is no agent.

    Example:
        >>> agent_class("process").__name__
        'LocalAgent'
    """
    module, colon, name = _OURS.get(kind, kind).partition(":")
    if not colon:
        raise UsageError(
            f"there is no kind of agent {kind!r}",
            fix="use " + ", ".join(_OURS) + ", or module:Class of a class of your own",
        )
    if folder is not None and folder not in sys.path:
        sys.path.append(folder)
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise UsageError(
            f"the agent {kind!r} cannot be imported: {error}",
            fix="name a module of the project's folder, or an installed one",
        ) from error
    if not (isinstance(found, type) and issubclass(found, Agent)):
        raise UsageError(f"{kind!r} is no subclass of orchestrator.service.agent.base.Agent")
    return found


def make_agent(kind: str, store: RunStore, labels: tuple[str, ...], **rest: Any) -> Agent[Any]:
    """Make an agent of a kind, see :func:`agent_class`; ``rest`` goes to its constructor."""
    return agent_class(kind, str(rest["project"].root))(store, labels, **rest)
