"""All items of a list that is answered page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestrator.client.connection import Connection, Json


def every(
    connection: Connection, path: str, name: str, most: int | None, **query: Any
) -> Iterator[Json]:
    """Yield the items of each page, as far as they are wanted.

    Args:
        connection: The server.
        path: The path of the list.
        name: What the list is called in an answer.
        most: So many at most; None for all.
        query: Values of the query.
    """
    left, cursor = most, query.pop("before", None)
    while left is None or left > 0:
        size = {} if left is None else {"limit": min(left, 200)}
        page = connection.get(path, before=cursor, **{"limit": 200, **size}, **query)
        yield from page[name]
        left = None if left is None else left - len(page[name])
        cursor = page.get("next")
        if cursor is None:
            return
