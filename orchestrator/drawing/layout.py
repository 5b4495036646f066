"""Where boxes and lines go: layers from left to right, few crossings, straight where it can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.model.graph import Graph

#: Height of a box, gaps between boxes of a layer and between layers, all in pixels.
HIGH, GAP, LANE, BETWEEN = 30.0, 14.0, 8.0, 64.0
_SWEEPS = 8


@dataclass(frozen=True, slots=True)
class Place:
    """Where a box is: its left edge, its middle's height, how wide it is."""

    left: float
    middle: float
    wide: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything is.

    Args:
        places: Of each box.
        bends: Of each line, the level stretches (left, right, height): beside its box to the end
            of the layer, then past other layers; None for one that leads back.
        wide: Width of all.
        high: Height of all.
    """

    places: Mapping[str, Place]
    bends: Mapping[tuple[str, str], tuple[tuple[float, float, float], ...] | None]
    wide: float
    high: float


@dataclass(eq=False, slots=True)
class _Spot:
    """A box, or a point where the lines from one box pass a layer."""

    layer: int
    half: float
    before: list[_Spot] = field(default_factory=list)
    after: list[_Spot] = field(default_factory=list)
    rank: float = 0.0
    middle: float = 0.0


def arrange(graph: Graph, widths: Mapping[str, float]) -> Layout:
    """Lay a graph out; one with a circle is laid out as if its fewest edges led back.

    Args:
        graph: The boxes and what comes before what.
        widths: Of each box, in pixels.
    """
    order = _sequence(graph)
    forward = Graph(order, ((up, down) for up, down in graph.edges() if order[up] < order[down]))
    layer = _layers(forward)
    spots = {key: _Spot(layer[key], HIGH / 2) for key in order}
    passed = _passed(forward, spots)
    layers = _by_layer(spots, passed)
    _rank(layers)
    _settle(layers)
    return _measured(graph, widths, spots, passed, layers)


def _sequence(graph: Graph) -> dict[str, int]:
    """Each key after what it waits for; in a circle, what waits for least comes first."""
    waiting = {key: len(graph.upstream(key)) for key in graph}
    found: dict[str, int] = {}
    ready = [key for key, count in waiting.items() if not count]
    while len(found) < len(graph):
        if not ready:
            ready = [min((k for k in waiting if k not in found), key=waiting.__getitem__)]
        key = ready.pop(0)
        if key in found:
            continue
        found[key] = len(found)
        for down in graph.downstream(key):
            waiting[down] -= 1
            if waiting[down] == 0:
                ready.append(down)
    return found


def _layers(graph: Graph) -> dict[str, int]:
    """Longest path from the start; what waits for nothing stands right before what needs it."""
    layer: dict[str, int] = {}
    for key in graph.order():
        layer[key] = 1 + max((layer[up] for up in graph.upstream(key)), default=-1)
    for key in graph:
        downs = graph.downstream(key)
        if not graph.upstream(key) and downs:
            layer[key] = min(layer[down] for down in downs) - 1
    return layer


def _passed(graph: Graph, spots: Mapping[str, _Spot]) -> dict[str, list[_Spot]]:
    """Points where lines pass layers; all lines from one box share theirs."""
    passed: dict[str, list[_Spot]] = {}
    for key in graph:
        start, chain = spots[key], list[_Spot]()
        downs = [spots[down] for down in graph.downstream(key)]
        last = max((down.layer for down in downs), default=start.layer)
        before = start
        for number in range(start.layer + 1, last):
            spot = _Spot(number, LANE / 2)
            before.after.append(spot)
            spot.before.append(before)
            chain.append(spot)
            before = spot
        for down in downs:
            above = chain[down.layer - start.layer - 2] if down.layer > start.layer + 1 else start
            above.after.append(down)
            down.before.append(above)
        passed[key] = chain
    return passed


def _by_layer(spots: Mapping[str, _Spot], passed: Mapping[str, list[_Spot]]) -> list[list[_Spot]]:
    everything = [*spots.values(), *(spot for chain in passed.values() for spot in chain)]
    layers: list[list[_Spot]] = [
        [] for _ in range(max((s.layer for s in everything), default=-1) + 1)
    ]
    for spot in everything:
        layers[spot.layer].append(spot)
    return layers


def _rank(layers: Sequence[list[_Spot]]) -> None:
    """Order each layer by where its neighbours are, to and fro, and keep what crosses least."""
    best, fewest = [list(layer) for layer in layers], _crossings(layers)
    for sweep in range(_SWEEPS):
        down = sweep % 2 == 0
        for layer in layers if down else reversed(layers):
            for number, spot in enumerate(layer):
                near = spot.before if down else spot.after
                spot.rank = sum(n.middle for n in near) / len(near) if near else float(number)
            layer.sort(key=lambda spot: spot.rank)
            _number(layer)
        crossings = _crossings(layers)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    for layer, kept in zip(layers, best, strict=True):
        layer[:] = kept


def _number(layer: Sequence[_Spot]) -> None:
    for number, spot in enumerate(layer):
        spot.middle = float(number)


def _crossings(layers: Sequence[list[_Spot]]) -> int:
    """How many lines cross, counted between neighbouring layers."""
    for layer in layers:
        _number(layer)
    found = 0
    for layer in layers:
        ends = [int(a.middle) for spot in layer for a in sorted(spot.after, key=lambda s: s.middle)]
        found += _inversions(ends)
    return found


def _inversions(numbers: list[int]) -> int:
    """How many pairs stand the wrong way round, by a tree of counts."""
    size = max(numbers, default=0) + 1
    tree = [0] * (size + 1)
    found = 0
    for seen, number in enumerate(numbers):
        at, smaller = number + 1, 0
        while at:
            smaller += tree[at]
            at &= at - 1
        found += seen - smaller
        at = number + 1
        while at <= size:
            tree[at] += 1
            at += at & -at
    return found


def _settle(layers: Sequence[list[_Spot]]) -> None:
    """Give each spot a height near its neighbours', in order and without touching."""
    for layer in layers:
        _spread(layer, [0.0] * len(layer))
    for sweep in range(2 * _SWEEPS):
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            _spread(layer, [_wanted(spot) for spot in layer])


def _wanted(spot: _Spot) -> float:
    near = [*spot.before, *spot.after]
    return sum(n.middle for n in near) / len(near) if near else spot.middle


def _spread(layer: Sequence[_Spot], wanted: Sequence[float]) -> None:
    """Heights as near to those wanted as order and gaps allow (least squares, by pooling)."""
    offsets, offset = [0.0] * len(layer), 0.0
    for number in range(1, len(layer)):
        offset += layer[number - 1].half + layer[number].half + GAP
        offsets[number] = offset
    pools: list[tuple[float, int]] = []
    for want, shift in zip(wanted, offsets, strict=True):
        total, count = want - shift, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            more, number = pools.pop()
            total, count = total + more, count + number
        pools.append((total, count))
    levels = [total / count for total, count in pools for _ in range(count)]
    for spot, level, shift in zip(layer, levels, offsets, strict=True):
        spot.middle = level + shift


def _measured(
    graph: Graph,
    widths: Mapping[str, float],
    spots: Mapping[str, _Spot],
    passed: Mapping[str, list[_Spot]],
    layers: Sequence[list[_Spot]],
) -> Layout:
    columns = [0.0] * len(layers)
    for key, spot in spots.items():
        columns[spot.layer] = max(columns[spot.layer], widths[key])
    lefts, left = [], 0.0
    for wide in columns:
        lefts.append(left)
        left += wide + BETWEEN
    top = min((s.middle - s.half for layer in layers for s in layer), default=0.0)
    places = {
        key: Place(lefts[spot.layer], spot.middle - top, widths[key]) for key, spot in spots.items()
    }
    bends = {
        (up, down): _bends([spots[up], *passed[up]], spots[down], places[up], lefts, columns, top)
        for up, down in graph.edges()
    }
    high = max((s.middle + s.half - top for layer in layers for s in layer), default=0.0)
    return Layout(places, bends, max(left - BETWEEN, 0.0), high)


def _bends(
    chain: Sequence[_Spot],
    end: _Spot,
    start: Place,
    lefts: Sequence[float],
    columns: Sequence[float],
    top: float,
) -> tuple[tuple[float, float, float], ...] | None:
    if end.layer <= chain[0].layer:
        return None
    found = [
        (lefts[spot.layer], lefts[spot.layer] + columns[spot.layer], spot.middle - top)
        for spot in chain
        if spot.layer < end.layer
    ]
    found[0] = (start.left + start.wide, *found[0][1:])
    return tuple(found)
