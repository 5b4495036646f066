"""The application: every room's routes under one roof, behind one gate."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.responses import Response

from orchestrator.server import needs
from orchestrator.server.catalogue import routes as catalogue
from orchestrator.server.errors import ERRORS, answer_errors
from orchestrator.server.flows import routes as flows
from orchestrator.server.page import PAGE, Page
from orchestrator.server.rest import routes as rest
from orchestrator.server.runs import routes as runs
from orchestrator.server.schedules import routes as schedules
from orchestrator.server.security.gate import API, Gate, path_of
from orchestrator.server.security.knowing import Knowing
from orchestrator.server.security.routes import router as security
from orchestrator.server.streams import routes as streams
from orchestrator.server.streams.hub import Hub
from orchestrator.service.project import Project
from orchestrator.service.serving.health import health_of
from orchestrator.service.serving.parts import Part
from orchestrator.store.base import RunStore

PREFIX = f"{API}/v1"
_ROOMS = (runs, streams, flows, schedules, catalogue, rest)
#: For the document alone: the gate has looked at the token before any route is found.
_SHOWN = HTTPBearer(auto_error=False, description="What `orchestrator tokens create` printed.")
_ABOUT = """Runs, flows, schedules and datasets of one project, and what can be done to them.

Show a token as `Authorization: Bearer …`. Instants are ISO 8601 in UTC, durations are seconds.
Whatever goes wrong is `{"error": {"kind", "what", "where", "fix", "exit_code"}}`.
"""


def create_app(
    project: Project,
    store: RunStore,
    parts: Iterable[Part] = (),
    *,
    hosts: Collection[str] = (),
    locked: bool = False,
    page: Path = PAGE,
) -> FastAPI:
    """Make the application.

    Args:
        project: The project that is served.
        store: Its run store.
        parts: What works in this process beside the API; ``/health`` tells how they are.
        hosts: Names under which it may be asked, besides this machine's own.
        locked: Whether a token is needed even while there is none.
        page: Folder of the built page.
    """
    app = FastAPI(
        title="Orchestrator", version="1", description=_ABOUT, openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None, redoc_url=None, redirect_slashes=False,
    )  # fmt: skip
    app.state.project, app.state.store, app.state.parts = project, store, parts
    app.state.knowing = Knowing(store, locked=locked)
    app.state.streams = Hub(store, project.name)
    answer_errors(app)
    app.include_router(security, prefix=PREFIX, responses=ERRORS)
    for room in _ROOMS:
        app.include_router(
            room.router, prefix=PREFIX, responses=ERRORS,
            dependencies=[Depends(_SHOWN), Depends(needs.viewing)],
        )  # fmt: skip
    app.add_api_route("/health", _health, include_in_schema=False)
    app.add_route("/{path:path}", _page(Page(page)), methods=["GET"], include_in_schema=False)
    app.add_middleware(Gate, knowing=app.state.knowing, hosts=hosts)
    return app


def _health(request: Request) -> Response:
    found = health_of(request.app.state.store, request.app.state.parts)
    return JSONResponse(found, 200 if found["status"] == "ok" else 503)


def _page(page: Page) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        if path_of(request.scope).startswith(API):
            raise HTTPException(404)
        return page.answer(request)

    return answer
