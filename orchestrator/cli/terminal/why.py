"""The evidence of edges: what a task waits for, what waits for it, what leads from one to another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from rich.text import Text

from orchestrator.cli.terminal import undeclared
from orchestrator.cli.terminal.text import counted, listed, one_line, shorten

if TYPE_CHECKING:
    from orchestrator.engine.plan import Plan

_EDGES = 15
_PIECES = 4
_DATASETS = 6


def of_task(
    plan: Plan,
    key: str,
    width: int,
    *,
    whole: bool = False,
    found: tuple[str, Sequence[Mapping[str, Any]]] | None = None,
) -> list[Text]:
    """Draw one task, what it waits for, and what waits for it.

    Args:
        plan: The plan of the whole flow.
        key: The task.
        width: Columns.
        whole: Show every edge, however many there are.
        found: The run that last ran it, and what it did there that was not derived.
    """
    before, after = plan.whole.upstream(key), plan.whole.downstream(key)
    lines = list(_task(plan, key, width))
    lines += [Text(), Text("waits for nothing" if not before else "waits for", style="bold")]
    lines += _edges(plan, [(up, up, key) for up in before], width, whole)
    lines += [Text(), Text("nothing waits for it" if not after else "waits for it", style="bold")]
    lines += _edges(plan, [(down, key, down) for down in after], width, whole)
    if found is not None and found[1]:
        run_id, findings = found
        lines += [Text(), Text(f"undeclared, in run {one_line(run_id)}", style="bold")]
        lines += undeclared.pictures(findings, width, "   ")
    ahead, behind = len(plan.whole.ancestors(key)), len(plan.whole.descendants(key))
    return [*lines, Text(), Text(f"in all {ahead:,} before it, {behind:,} after it", style="dim")]


def of_pair(plan: Plan, upstream: str, downstream: str, width: int) -> list[Text]:
    """Draw why one task comes before another: the edge, or each step of a shortest path."""
    first, last = title(plan, upstream), title(plan, downstream)
    if upstream == downstream:
        return [Text(f"{first} is one task; it does not wait for itself")]
    path = plan.whole.path(upstream, downstream)
    if path is None:
        return list(_unconnected(plan, upstream, downstream))
    steps = list(pairwise(path))
    how = (
        "waits for" if len(steps) == 1 else f"waits, through {counted(len(path) - 2, 'task')}, for"
    )
    lines = [Text(f"{last} {how} {first}", style="bold")]
    for up, down in steps:
        lines += [Text(), Text(shorten(f"   {title(plan, up)} → {title(plan, down)}", width))]
        lines += _evidence(plan, up, down, width)
    return lines


def title(plan: Plan, key: str) -> str:
    """Kind and name of a task."""
    facts = plan.facts[key]
    return f"{one_line(facts.resource_type)} {one_line(facts.name)}"


def _unconnected(plan: Plan, upstream: str, downstream: str) -> Iterator[Text]:
    first, last = title(plan, upstream), title(plan, downstream)
    yield Text(f"{last} does not wait for {first}", style="bold")
    if plan.whole.path(downstream, upstream) is not None:
        yield Text("   it is the other way round: orchestrator why with the two exchanged shows it")
    else:
        yield Text("   nothing leads from one to the other; they may run at the same time")


def _task(plan: Plan, key: str, width: int) -> Iterator[Text]:
    facts = plan.facts[key]
    yield Text.assemble((title(plan, key), "bold"), f"  {one_line(facts.path or '')}".rstrip())
    yield Text(f"   flow    {one_line(plan.flow)}")
    if facts.key != facts.name:
        yield Text(f"   key     {one_line(facts.key)}")
    for label, accesses in (
        ("reads", facts.reads),
        ("writes", facts.writes),
        ("drops", facts.drops),
    ):
        names = list(dict.fromkeys(one_line(access.dataset) for access in accesses))
        if names:
            yield Text(shorten(f"   {label:<6}  {listed(names, _DATASETS)}", 2 * width))
    if facts.lineage_unknown:
        yield Text(f"   lineage unknown: {one_line(facts.lineage_unknown)}", style="yellow")
    planned = plan.tasks.get(key)
    if planned is not None and planned.affinity:
        yield Text(shorten(f"   runs in the process that owns {one_line(planned.affinity)}", width))


def _edges(
    plan: Plan, edges: list[tuple[str, str, str]], width: int, whole: bool
) -> Iterator[Text]:
    for other, up, down in edges if whole else edges[:_EDGES]:
        yield Text(shorten(f"   {title(plan, other)}", width))
        yield from _evidence(plan, up, down, width)
    if not whole and len(edges) > _EDGES:
        yield Text(f"   … {len(edges) - _EDGES:,} more: --all", style="dim")


def _evidence(plan: Plan, up: str, down: str, width: int) -> Iterator[Text]:
    edge = plan.edges.get((up, down))
    pieces = [one_line(piece) for piece in edge.evidence] if edge is not None else []
    for piece in pieces[:_PIECES]:
        yield Text(shorten(f"      {piece}", 3 * width), style="dim")
    if len(pieces) > _PIECES:
        yield Text(f"      … {len(pieces) - _PIECES:,} more places", style="dim")
