"""Which methods a path takes, asked of the routes themselves."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.routing import BaseRoute, Match
from starlette.types import Scope

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: The page answers at every address that nothing else has.
_PAGE = "/{path:path}"


def is_taken(scope: Scope) -> bool:
    """Whether a route takes a request as it is."""
    return any(_fits(route, scope) for route in _routes(scope))


def methods_of(scope: Scope) -> list[str]:
    """The methods that the path of a request takes; none where there is no such path."""
    return [method for method in _METHODS if is_taken({**scope, "method": method})]


def _routes(scope: Scope) -> Sequence[BaseRoute]:
    routes: Sequence[BaseRoute] = scope["app"].router.routes
    return [route for route in routes if getattr(route, "path", None) != _PAGE]


def _fits(route: BaseRoute, scope: Scope) -> bool:
    return route.matches({**scope})[0] is Match.FULL
