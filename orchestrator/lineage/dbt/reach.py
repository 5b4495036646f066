"""Who comes before whom in a graph, asked often: bit sets over the topological order."""

from __future__ import annotations

from orchestrator.model.graph import Graph


class Reach:
    """A snapshot of reachability; keys in a cycle reach nothing.

    Example:
        >>> reach = Reach(Graph("abc", [("a", "b"), ("b", "c")]))
        >>> reach.before("a", "c"), reach.before("c", "a")
        (True, False)
    """

    __slots__ = ("below", "order", "place")

    def __init__(self, graph: Graph) -> None:
        self.order = list(graph.order())
        self.place = {key: index for index, key in enumerate(self.order)}
        self.below = [0] * len(self.order)
        for index in range(len(self.order) - 1, -1, -1):
            bits = 0
            for child in graph.downstream(self.order[index]):
                position = self.place.get(child)
                if position is not None:
                    bits |= self.below[position] | 1 << position
            self.below[index] = bits

    def before(self, first: str, second: str) -> bool:
        """Whether a path leads from ``first`` to ``second``."""
        above, below = self.place.get(first), self.place.get(second)
        if above is None or below is None:
            return False
        return bool(self.below[above] >> below & 1)

    def ordered(self, first: str, second: str) -> bool:
        """Whether one of the two comes before the other."""
        return self.before(first, second) or self.before(second, first)
