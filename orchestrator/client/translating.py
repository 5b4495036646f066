"""Errors of the API as the exceptions that the project raises itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from orchestrator.errors import (
    ConflictError,
    InfrastructureError,
    NotFoundError,
    OrchestratorError,
    UsageError,
)

#: Where the answer names no kind that is known here.
_BY_STATUS = {404: NotFoundError, 409: ConflictError}


def translated(status: int, body: object, url: str) -> OrchestratorError:
    """Return the exception for an answer that is an error.

    Args:
        status: The HTTP status.
        body: The JSON of the answer, if it was JSON.
        url: What was asked.

    Example:
        >>> error = {"kind": "NotFoundError", "what": "no run 'a1'", "where": None, "fix": None}
        >>> translated(404, {"error": error}, "http://127.0.0.1:4280/api/v1/runs/a1")
        NotFoundError("no run 'a1'", None, None)
    """
    told = body.get("error") if isinstance(body, Mapping) else None
    if not isinstance(told, Mapping) or not isinstance(told.get("what"), str):
        kind = _kind(status, "")
        return kind(f"the server answered with status {status}", where=url)
    return _kind(status, str(told.get("kind")))(
        told["what"], where=_text(told.get("where")), fix=_text(told.get("fix"))
    )


def _kind(status: int, name: str) -> type[OrchestratorError]:
    fallback = UsageError if 400 <= status < 500 else InfrastructureError
    by_status: type[OrchestratorError] = _BY_STATUS.get(status, fallback)
    known = {kind.__name__: kind for kind in _kinds(OrchestratorError)}
    told = known.get(name, by_status)
    # The more precise of the two: a path that is not there is answered as a wrong usage.
    return by_status if issubclass(by_status, told) else told


def _kinds(kind: type[OrchestratorError]) -> Iterator[type[OrchestratorError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == kind.__module__:
            yield from _kinds(below)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
