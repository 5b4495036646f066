"""The routes of runs, together."""

from __future__ import annotations

from fastapi import APIRouter

from orchestrator.server.runs import asking, details, logs, pages

router = APIRouter(tags=["runs"])
for _part in (pages, details, logs, asking):
    router.include_router(_part.router)
