"""What routes that speak of flows and datasets ask for: the survey, and what became of tasks."""

from __future__ import annotations

import threading
from typing import Annotated

from fastapi import Depends, Request

from orchestrator.server.needs import ProjectOf, StoreOf
from orchestrator.service.catalogue.keeper import Keeper
from orchestrator.service.catalogue.outcomes import OutcomeReader

#: Seconds that a request waits for the first survey of a project.
PATIENCE = 20.0
_lock = threading.Lock()


def _keeper(request: Request, project: ProjectOf) -> Keeper:
    state = request.app.state
    with _lock:
        if not hasattr(state, "keeper"):
            state.keeper = Keeper(project)
        keeper: Keeper = state.keeper
        return keeper


def _outcomes(request: Request, project: ProjectOf, store: StoreOf) -> OutcomeReader:
    state = request.app.state
    with _lock:
        if not hasattr(state, "outcomes"):
            state.outcomes = OutcomeReader(store, project.name)
        reader: OutcomeReader = state.outcomes
        return reader


#: Has the survey of the project.
KeeperOf = Annotated[Keeper, Depends(_keeper)]
#: Has what became of tasks.
OutcomesOf = Annotated[OutcomeReader, Depends(_outcomes)]
