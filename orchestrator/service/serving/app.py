"""The HTTP application of the service: an ASGI app that others can mount; it says how the service is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from orchestrator import instants
from orchestrator.errors import StoreError
from orchestrator.service.serving.parts import Part

if TYPE_CHECKING:
    from orchestrator.store.base import RunStore

#: Names under which browsers and programs of this machine reach it; any other is refused, so that
#: no foreign page can speak to it by a name of its own that leads here.
HOSTS = ("127.0.0.1", "localhost", "[::1]")


def make_app(store: RunStore, parts: Iterable[Part] = ()) -> Starlette:
    """Make the application.

    ``GET /health`` answers 200 while the run store answers and every part works, else 503, with
    ``status``, ``store``, ``at`` and the ``parts`` as JSON. Nothing else is there, and only
    requests to a name of this machine are answered.

    Args:
        store: The run store.
        parts: The parts that work in this process.
    """

    def health(request: Request) -> Response:  # not async: Starlette calls it in a thread
        found = health_of(store, parts)
        return JSONResponse(found, 200 if found["status"] == "ok" else 503)

    app = Starlette(
        routes=[Route("/health", health, methods=["GET"])],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(HOSTS))],
    )
    app.router.redirect_slashes = False  # a path is the one it is, or it is not there
    return app


def health_of(store: RunStore, parts: Iterable[Part] = ()) -> dict[str, Any]:
    """Say how a service is, as JSON can hold it.

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> health_of(MemoryStore())["status"]
        'ok'
    """
    try:
        store.runs(limit=1)
        answer = "ok"
    except StoreError as error:
        answer = error.what
    found = {
        part.name: {"alive": part.alive, "restarts": part.restarts, "error": part.error}
        for part in parts
    }
    well = answer == "ok" and all(part["alive"] for part in found.values())
    return {
        "status": "ok" if well else "broken",
        "store": answer,
        "parts": found,
        "at": instants.now().isoformat(),
    }
