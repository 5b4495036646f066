"""Every route that an application has, as a request that asks for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI

#: What stands where a path has a name in it.
_FILL = {"run_id": "a1", "other": "a1", "graph": "0" * 32, "hash": "0" * 32, "number": "1"}
_NAME = re.compile(r"\{(\w+)(?::\w+)?\}")


@dataclass(frozen=True)
class Asked:
    """One method of one path."""

    method: str
    path: str
    pattern: str

    @property
    def writes(self) -> bool:
        """Whether it changes something."""
        return self.method not in ("GET", "HEAD")

    def __str__(self) -> str:
        return f"{self.method} {self.pattern}"


def every_route(app: FastAPI) -> list[Asked]:
    """Return them all, those outside the OpenAPI document as well."""
    found = {str(asked): asked for asked in _walked(app.router, "")}
    return [found[name] for name in sorted(found)]


def _walked(router: Any, prefix: str) -> Iterator[Asked]:
    for route in router.routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _walked(inner, prefix + route.include_context.prefix)
            continue
        pattern = prefix + route.path
        path = _NAME.sub(lambda name: _FILL.get(name[1], "nightly"), pattern)
        for method in route.methods or ():
            yield Asked(method, path, pattern)
