"""Errors of the derivation that draw what they found, with file and line of each end."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from itertools import pairwise

from orchestrator.errors import CycleError, DroppedDatasetError, UnorderedWritersError
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.facts import Edge
from orchestrator.model.graph import Graph

_Edges = Mapping[tuple[str, str], Edge]
#: A cycle is looked for from this many tasks; in a larger knot a short one is shown.
_STARTS = 300


def reason(edge: Edge) -> str:
    """One line that says why an edge is there.

    Example:
        >>> from orchestrator.model.evidence import Evidence, Source
        >>> read = Evidence(Source.SQL, "reads raw.orders", "sql/daily.sql", 14)
        >>> written = Evidence(Source.DECLARED, "writes raw.orders", "flows/load.py", 3)
        >>> reason(Edge("load", "daily", (read, written), Dataset(None, "raw", "orders")))
        'sql/daily.sql:14 reads raw.orders, written by load (flows/load.py:3)'
    """
    first = str(edge.evidence[0])
    if edge.dataset is None or len(edge.evidence) < 2:
        return first
    writer = edge.evidence[1].place
    return f"{first}, written by {edge.upstream}" + (f" ({writer})" if writer else "")


def cycle_error(graph: Graph, edges: _Edges) -> CycleError:
    """The error for a graph with a cycle: each step of a shortest one, with its reason."""
    cycle = shortest_cycle(graph)
    steps = [edges[pair] for pair in pairwise(cycle)]
    drawn = [f"{e.upstream} → {e.downstream}\n    because  {reason(e)}" for e in steps]
    what = (
        f"{steps[0].upstream} waits for itself"
        if len(steps) == 1
        else f"{len(steps)} tasks wait for one another in a circle"
    )
    return CycleError(
        what,
        where="\n".join(drawn),
        fix="take one step away: read another table there, or move that statement "
        "into a task of its own",
    )


def writers_error(
    dataset: Dataset, writers: Mapping[str, Access], pair: list[str]
) -> UnorderedWritersError:
    """The error for two writers of one dataset with no order between them."""
    first, second = pair
    drawn = _converging([(key, writers[key]) for key in pair], str(dataset))
    return UnorderedWritersError(
        f"{first} and {second} both write {dataset}, and nothing says which comes first",
        where=drawn,
        fix=f"one of:\n- order them: upstream_tasks=[{first}] on {second}, or the other way round\n"
        "- write the table in one task\n"
        "- write two tables",
    )


def dropped_error(
    dataset: Dataset, dropper: tuple[str, Access], other: tuple[str, Access], verb: str
) -> DroppedDatasetError:
    """The error for a task that reads or writes what another drops."""
    return DroppedDatasetError(
        f"{other[0]} {verb} {dataset}, which {dropper[0]} drops, in no safe order",
        where=_converging([other, dropper], str(dataset)),
        fix=f"one of:\n- let the drop wait: upstream_tasks=[{other[0]}] on {dropper[0]}\n"
        f"- drop it at the end of {other[0]}\n"
        "- write it again after the drop, in the same task",
    )


def shortest_cycle(graph: Graph) -> list[str]:
    """A shortest cycle ``[a, b, …, a]`` of a graph that has one."""
    knot = _knot(graph)
    best: list[str] = []
    for start in list(knot)[:_STARTS]:
        found = _round_trip(graph, start, knot)
        if found and (not best or len(found) < len(best)):
            best = found
        if 0 < len(best) <= 3:
            break
    return best or graph.cycle() or []


def _knot(graph: Graph) -> dict[str, None]:
    """The keys that are in a cycle or between two cycles."""
    ordered = set(graph.order())
    left = {key: None for key in graph if key not in ordered}
    loose = deque(key for key in left if not _inside(graph.downstream(key), left))
    while loose:
        key = loose.popleft()
        if left.pop(key, key) is None:
            loose.extend(
                up
                for up in graph.upstream(key)
                if up in left and not _inside(graph.downstream(up), left)
            )
    return left


def _inside(keys: tuple[str, ...], left: dict[str, None]) -> bool:
    return any(key in left for key in keys)


def _round_trip(graph: Graph, start: str, knot: dict[str, None]) -> list[str] | None:
    before: dict[str, str] = {}
    queue = deque([start])
    while queue:
        key = queue.popleft()
        for child in graph.downstream(key):
            if child == start:
                path = [start, key]
                while path[-1] != start:
                    path.append(before[path[-1]])
                return path[::-1] if key != start else [start, start]
            if child in knot and child not in before:
                before[child] = key
                queue.append(child)
    return None


def _converging(ends: list[tuple[str, Access]], dataset: str) -> str:
    """Two tasks, each with its place, and lines that meet in the dataset."""
    labels = [f"{key}  {access.evidence}".rstrip() for key, access in ends]
    width = max(map(len, labels))
    rows = [f"{label:<{width}} ──{corner}" for label, corner in zip(labels, "┐┘", strict=True)]
    return "\n".join([rows[0], " " * (width + 3) + f"├──> {dataset}", rows[1]])
