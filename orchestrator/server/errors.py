"""Errors as the API tells them: a status, and the JSON that the command line prints, too."""

from __future__ import annotations

import logging
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from orchestrator.errors import (
    ConflictError,
    InfrastructureError,
    NotFoundError,
    OrchestratorError,
    ParameterError,
    UsageError,
    WarehouseBusyError,
)
from orchestrator.secrets import masker
from orchestrator.shapes.values import error
from orchestrator.store.base import FencedError

_log = logging.getLogger(__name__)


class UnauthorizedError(UsageError):
    """Raised when nobody knows who asks: no token, or one that is not good (any more)."""


class ForbiddenError(UsageError):
    """Raised when who asks may not do it."""


#: The status of each kind of error; the first that fits counts.
_STATUS: tuple[tuple[type[OrchestratorError], int], ...] = (
    (UnauthorizedError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (FencedError, 409),
    (WarehouseBusyError, 409),
    (ParameterError, 422),
    (UsageError, 400),
    (InfrastructureError, 503),
)
_WORDS = {
    400: "the request cannot be understood",
    401: "who asks is not known",
    403: "this may not be done",
    404: "there is nothing at this path",
    409: "it does not fit how things stand now",
    405: "this path does not take that method",
    413: "the request is too large",
    415: "requests that change something are JSON",
    422: "the request does not fit",
    500: "the server broke at this request",
    503: "what the server needs is not there: the run store, a database",
}

#: For ``responses=`` of routes: what errors look like in the OpenAPI document.
ERRORS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": text[0].upper() + text[1:],
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["error"],
                    "properties": {
                        "error": {
                            "type": "object",
                            "required": ["kind", "what", "where", "fix", "exit_code"],
                            "properties": {
                                "kind": {"type": "string"},
                                "what": {"type": "string"},
                                "where": {"type": ["string", "null"]},
                                "fix": {"type": ["string", "null"]},
                                "exit_code": {"type": "integer"},
                            },
                        }
                    },
                }
            }
        },
    }
    for status, text in _WORDS.items()
}


def status_of(problem: OrchestratorError) -> int:
    """The HTTP status of an error.

    Example:
        >>> status_of(NotFoundError("no run a1"))
        404
    """
    return next((status for kind, status in _STATUS if isinstance(problem, kind)), 500)


def answer(problem: OrchestratorError, status: int | None = None) -> JSONResponse:
    """An error as the API answers it; secrets in it are masked."""
    shape = error(problem)
    for field in ("what", "where", "fix"):
        if shape["error"][field] is not None:
            shape["error"][field] = masker().mask(shape["error"][field])
    return JSONResponse(shape, status or status_of(problem))


def answer_errors(app: FastAPI) -> None:
    """Make an app answer every error as JSON."""

    async def ours(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, OrchestratorError)
        return answer(problem)

    async def theirs(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, HTTPException)
        what = _WORDS.get(problem.status_code, str(problem.detail))
        made = answer(UsageError(what, where=_place(request)), problem.status_code)
        made.headers.update(problem.headers or {})
        return made

    async def invalid(request: Request, problem: Exception) -> JSONResponse:
        assert isinstance(problem, RequestValidationError)
        found = "; ".join(_unfit(piece) for piece in problem.errors()[:5])
        return answer(UsageError(f"the request does not fit: {found}", where=_place(request)), 422)

    async def unforeseen(request: Request, problem: Exception) -> JSONResponse:
        _log.exception("%s broke", _place(request), exc_info=problem)
        what = "the server broke at this request; its log says how"
        return answer(InfrastructureError(what, where=_place(request)), 500)

    app.add_exception_handler(OrchestratorError, ours)
    app.add_exception_handler(HTTPException, theirs)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(Exception, unforeseen)


def _place(request: Request) -> str:
    return f"{request.method} {request.url.path}"


def _unfit(piece: Any) -> str:
    # What was sent is not repeated: it may hold a secret.
    place = ".".join(str(part) for part in piece["loc"])
    return f"{place}: {piece['msg']}"
