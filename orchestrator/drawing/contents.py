"""What a picture shows: boxes for tasks, lines for what comes before what, each with its words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from orchestrator.model.evidence import Evidence, Source
from orchestrator.model.facts import Edge, TaskFacts
from orchestrator.model.graph import Graph
from orchestrator.model.state import State, StateType

#: So many datasets and places are named in the words of a box or a line.
_NAMED = 6
#: What weighs most is the state of many: a box that stands for many tasks shows this one of theirs.
GRAVITY = (
    StateType.FAILED, StateType.TIMED_OUT, StateType.CANCELLED, StateType.RUNNING,
    StateType.RETRYING, StateType.PAUSED, StateType.SUBMITTED, StateType.PENDING,
    StateType.SKIPPED, StateType.SUCCESS, StateType.CACHED,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """One task, or many that are drawn as one.

    Args:
        key: Unique in the picture.
        label: What stands in it.
        kind: The task's resource type, or ``folder``.
        words: What is said of it, a line each.
        folder: Folder of the file it comes from.
        state: Its state, if a run is drawn.
        mapped: Whether it runs once for each element.
        aside: A second, smaller word.
    """

    key: str
    label: str
    kind: str
    words: tuple[str, ...] = ()
    folder: str = ""
    state: StateType | None = None
    mapped: bool = False
    aside: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One box comes before another.

    Args:
        upstream: Key of the first.
        downstream: Key of the second.
        words: Why, a line each.
        order: Whether nothing is passed or read: it is order alone.
    """

    upstream: str
    downstream: str
    words: tuple[str, ...] = ()
    order: bool = False


@dataclass(frozen=True, slots=True)
class Contents:
    """Everything a picture shows.

    Args:
        title: The flow's name.
        boxes: In an order in which each follows what it waits for.
        lines: Between boxes of the picture.
        notes: What is not shown, a sentence each.
    """

    title: str
    boxes: tuple[Box, ...]
    lines: tuple[Line, ...]
    notes: tuple[str, ...] = ()

    def graph(self) -> Graph:
        """The order between the boxes."""
        return Graph(
            (box.key for box in self.boxes), ((e.upstream, e.downstream) for e in self.lines)
        )


def contents(
    title: str,
    facts: Mapping[str, TaskFacts],
    graph: Graph,
    edges: Mapping[tuple[str, str], Edge],
    *,
    states: Mapping[str, State] | None = None,
    mapped: Iterable[str] = (),
) -> Contents:
    """Say what is drawn of a plan.

    Args:
        title: The flow's name.
        facts: Of every task, by key.
        graph: The order between the tasks that are drawn.
        edges: The evidence of that order.
        states: Of a run's tasks, by key; None where no run is drawn.
        mapped: Keys of the tasks that run once for each element.
    """
    many = frozenset(mapped)
    order = list(graph.order())
    boxes = tuple(_box(facts[key], key in many, states) for key in order)
    lines = tuple(_line(up, down, edges.get((up, down))) for up, down in graph.edges())
    return Contents(title, boxes, lines, () if boxes else ("There is no task in it yet.",))


def gravest(states: Iterable[StateType | None]) -> StateType | None:
    """The state that many tasks together are shown in.

    Example:
        >>> gravest([StateType.SUCCESS, StateType.FAILED, None])
        <StateType.FAILED: 'Failed'>
    """
    found = set(states)
    return next((state for state in GRAVITY if state in found), None)


def _box(facts: TaskFacts, mapped: bool, states: Mapping[str, State] | None) -> Box:
    state = states.get(facts.key) if states is not None else None
    path = facts.path or ""
    return Box(
        facts.key,
        facts.name,
        facts.resource_type,
        tuple(_words(facts, mapped, state)),
        path.rpartition("/")[0],
        state.type if state else None,
        mapped,
        "mapped" if mapped else "",
    )


def _words(facts: TaskFacts, mapped: bool, state: State | None) -> Iterator[str]:
    yield f"{facts.name} ({facts.resource_type}{', mapped' if mapped else ''})"
    if state is not None:
        yield f"{state.type}: {state.message}" if state.message else str(state.type)
    if facts.path:
        yield facts.path
    if facts.tags:
        yield f"tags: {', '.join(sorted(facts.tags))}"
    for word, accesses in (("reads", facts.reads), ("writes", facts.writes)):
        names = list(dict.fromkeys(str(access.dataset) for access in accesses))
        if names:
            yield f"{word} {_some(names)}"
    if facts.lineage_unknown:
        yield f"lineage unknown: {facts.lineage_unknown}"


def _line(upstream: str, downstream: str, edge: Edge | None) -> Line:
    if edge is None:
        return Line(upstream, downstream, (f"{upstream} → {downstream}",), order=True)
    head = f"{upstream} → {downstream}" + (f" by {edge.dataset}" if edge.dataset else "")
    places = [str(piece) for piece in edge.evidence]
    more = [f"and {len(places) - _NAMED} more"] if len(places) > _NAMED else []
    return Line(
        upstream, downstream, (head, *places[:_NAMED], *more), edge.dataset is None and _order(edge)
    )


def _order(edge: Edge) -> bool:
    return all(_says_order(piece) for piece in edge.evidence)


def _says_order(piece: Evidence) -> bool:
    return piece.source in (Source.ORDER, Source.ENGINE)


def _some(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
