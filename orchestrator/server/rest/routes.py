"""``/home``, ``/search``, and what works beside the runs."""

from __future__ import annotations

from fastapi import APIRouter

from orchestrator.server.rest import home, operating, search

router = APIRouter()
for _part in (home, search, operating):
    router.include_router(_part.router)
