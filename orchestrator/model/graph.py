"""A minimal directed acyclic graph: order, ancestors, the path of a cycle."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator


class Graph:
    """Directed edges between string keys, with stable (insertion) order.

    Example:
        >>> g = Graph(["a", "b"])
        >>> g.add_edge("a", "b")
        >>> list(g.order())
        ['a', 'b']
    """

    __slots__ = ("_down", "_up")

    def __init__(self, keys: Iterable[str] = (), edges: Iterable[tuple[str, str]] = ()) -> None:
        self._up: dict[str, dict[str, None]] = {}
        self._down: dict[str, dict[str, None]] = {}
        for key in keys:
            self.add(key)
        for upstream, downstream in edges:
            self.add_edge(upstream, downstream)

    def add(self, key: str) -> None:
        """Add a key; adding it twice changes nothing."""
        self._up.setdefault(key, {})
        self._down.setdefault(key, {})

    def add_edge(self, upstream: str, downstream: str) -> None:
        """Say that ``upstream`` comes before ``downstream``; both are added if new."""
        if upstream not in self._up:
            self.add(upstream)
        if downstream not in self._up:
            self.add(downstream)
        self._up[downstream][upstream] = None
        self._down[upstream][downstream] = None

    def __contains__(self, key: object) -> bool:
        return key in self._up

    def __iter__(self) -> Iterator[str]:
        return iter(self._up)

    def __len__(self) -> int:
        return len(self._up)

    def edges(self) -> Iterator[tuple[str, str]]:
        """All (upstream, downstream) pairs."""
        return ((up, down) for up, downs in self._down.items() for down in downs)

    def upstream(self, key: str) -> tuple[str, ...]:
        """The direct predecessors of a key."""
        return tuple(self._up[key])

    def downstream(self, key: str) -> tuple[str, ...]:
        """The direct successors of a key."""
        return tuple(self._down[key])

    def ancestors(self, *keys: str, depth: int | None = None) -> set[str]:
        """All keys before any of ``keys``, at most ``depth`` steps away."""
        return _reach(self._up, keys, depth)

    def descendants(self, *keys: str, depth: int | None = None) -> set[str]:
        """All keys after any of ``keys``, at most ``depth`` steps away."""
        return _reach(self._down, keys, depth)

    def path(self, start: str, end: str) -> list[str] | None:
        """One shortest path from ``start`` down to ``end``, or None."""
        before: dict[str, str | None] = {start: None}
        queue = deque([start])
        while queue:
            key = queue.popleft()
            if key == end:
                return _walk_back(before, end)
            for child in self._down[key]:
                if child not in before:
                    before[child] = key
                    queue.append(child)
        return None

    def order(self) -> Iterator[str]:
        """Yield every key after all its predecessors; keys in a cycle are left out."""
        waiting = {key: len(ups) for key, ups in self._up.items()}
        ready = deque(key for key, count in waiting.items() if not count)
        while ready:
            key = ready.popleft()
            yield key
            for child in self._down[key]:
                waiting[child] -= 1
                if not waiting[child]:
                    ready.append(child)

    def cycle(self) -> list[str] | None:
        """A shortest-found cycle as ``[a, b, …, a]``, or None if there is none."""
        ordered = set(self.order())
        if len(ordered) == len(self):
            return None
        # What is left holds every cycle; following predecessors inside it must come round.
        key = next(key for key in self if key not in ordered)
        seen: list[str] = []
        while key not in seen:
            seen.append(key)
            key = next(up for up in self._up[key] if up not in ordered)
        loop = seen[seen.index(key) :]
        return [key, *reversed(loop)]

    def subgraph(self, keys: Iterable[str]) -> Graph:
        """The given keys and the edges between them."""
        kept = set(keys)
        graph = Graph(key for key in self if key in kept)
        for up, down in self.edges():
            if up in kept and down in kept:
                graph.add_edge(up, down)
        return graph


def _reach(
    neighbours: dict[str, dict[str, None]], keys: tuple[str, ...], depth: int | None
) -> set[str]:
    found: set[str] = set()
    frontier = set(keys)
    steps = 0
    while frontier and (depth is None or steps < depth):
        frontier = {n for key in frontier for n in neighbours.get(key, ())} - found
        found |= frontier
        steps += 1
    return found - set(keys)


def _walk_back(before: dict[str, str | None], end: str) -> list[str]:
    path = [end]
    while (previous := before[path[-1]]) is not None:
        path.append(previous)
    return path[::-1]
