"""Finds things in JSON by dotted paths, and rows in a page of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.http.errors import HttpRefusedError

_MISSING = object()


def find(value: Any, path: str, default: Any = None) -> Any:
    """Return what stands at a path, or ``default``.

    Args:
        value: Read from JSON.
        path: Keys and positions with dots between; a key that itself has dots is found too.

    Example:
        >>> find({"data": {"items": [{"id": 7}]}}, "data.items.0.id")
        7
        >>> find({"@odata.nextLink": "/p2"}, "@odata.nextLink")
        '/p2'
    """
    if isinstance(value, Mapping) and path in value:
        return value[path]
    for part in path.split("."):
        value = _step(value, part)
        if value is _MISSING:
            return default
    return value


def rows_of(body: Any, path: str | None, place: str) -> list[dict[str, Any]]:
    """Return the rows of a page; what is no object becomes a row with the column ``value``.

    Args:
        body: The page's JSON.
        path: Where the list stands; None where the body itself is the list.
        place: Of the page, for messages.

    Raises:
        HttpRefusedError: There is no list.
    """
    found = body if path is None else find(body, path, _MISSING)
    if not isinstance(found, list):
        raise HttpRefusedError(_no_list(body, path, found, place), fix=_FIX)
    return [row if isinstance(row, dict) else {"value": row} for row in found]


_FIX = "give rows= the path of the list, as in rows='data.items'"


def _no_list(body: Any, path: str | None, found: Any, place: str) -> str:
    at = "the body" if path is None else repr(path)
    what = "nothing" if found is _MISSING else _kind(found)
    keys = ", ".join(map(str, list(body)[:10])) if isinstance(body, Mapping) else ""
    return f"{place}: no list of rows at {at} but {what}" + (
        f"; the body has {keys}" if keys else ""
    )


def _kind(value: Any) -> str:
    return {dict: "an object", str: "a text", type(None): "null"}.get(type(value), "a value")


def _step(value: Any, part: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(part, _MISSING)
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return _MISSING
