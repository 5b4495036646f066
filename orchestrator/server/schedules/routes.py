"""``/deployments``, ``/schedules``, ``/backfills`` and ``/flows/{flow}/schedules``."""

from __future__ import annotations

from fastapi import APIRouter

from orchestrator.server.schedules import backfilling, deployments, previewing, steering

router = APIRouter()
for _part in (deployments, previewing, steering, backfilling):
    router.include_router(_part.router)
