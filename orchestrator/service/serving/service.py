"""The whole service in one process: scheduler, agent and notifier beside one another."""

from __future__ import annotations

from functools import partial
from typing import Any

from orchestrator.service.agent.base import Agent
from orchestrator.service.notify.service import service_notifier
from orchestrator.service.project import Project
from orchestrator.service.scheduler.loop import run_forever
from orchestrator.service.scheduler.scheduler import Scheduler
from orchestrator.service.serving.parts import Loop
from orchestrator.store.base import RunStore


def service_loops(project: Project, store: RunStore, agent: Agent[Any]) -> dict[str, Loop]:
    """The loops of a service, by name.

    Args:
        project: The project that is served.
        store: Its run store, shared by all.
        agent: What launches runs.
    """
    return {
        "scheduler": partial(run_forever, Scheduler(store)),
        "agent": agent.run,
        "notifier": service_notifier(project, store).run,
    }
