"""A column's lineage as two trees: what feeds it, and what it feeds, with the line of each step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from rich.cells import cell_len
from rich.text import Text

from orchestrator.cli.terminal.text import one_line, shorten
from orchestrator.lineage.tracing.graph import STAR, ColumnGraph, ColumnStep, How, same
from orchestrator.model.code import Column

_LINES = 100


def picture(
    graph: ColumnGraph, column: Column, up: bool, down: bool, *, width: int, whole: bool = False
) -> list[Text]:
    """Draw the lineage of a column.

    Args:
        graph: The columns of the flow.
        column: The one asked about.
        up: Whether to show what feeds it.
        down: Whether to show what it feeds.
        width: Columns of the terminal.
        whole: Show every step, however many there are.
    """
    lines = [Text.assemble((_name(column), "bold"), f"  in flow {one_line(graph.flow)}")]
    columns = graph.columns.get(column[0])
    if columns is not None and columns.is_open and columns.unknown:
        lines.append(Text(shorten(f"not all its columns are known: {columns.unknown}", width)))
    for asked, title, nothing, is_up in (
        (up, "comes from", "comes from nothing in this flow", True),
        (down, "goes into", "goes into nothing in this flow", False),
    ):
        if asked:
            tree = [*islice(_tree(graph, column, is_up), None if whole else _LINES + 1)]
            cut = not whole and len(tree) > _LINES
            lines += [Text(), Text(title if tree else nothing, style="bold")]
            for row in tree[:_LINES] if cut else tree:
                lines += [Text(shorten(line, width)) for line in row.fitted(width)]
            lines += [Text("   … more: --all, or --format json", style="dim")] if cut else []
    if graph.notes:
        lines += [Text(), *(Text(shorten(one_line(n), width), style="dim") for n in graph.notes)]
    return lines


@dataclass(frozen=True, slots=True)
class _Row:
    """One step in a tree: what stands at its far end and who makes it, the place, what stands there."""

    depth: int
    head: str
    place: str
    phrase: str = ""

    def fitted(self, width: int) -> list[str]:
        """One line, or two where the place would not be seen whole in one."""
        indent = "   " * self.depth
        first = f"{indent}{self.head}"
        rest = "  ".join(part for part in (self.place, self.phrase) if part)
        if cell_len(f"{first}  {self.place}") <= width or not rest:
            return ["  ".join(part for part in (first, rest) if part)]
        return [first, f"{indent}      {rest}"]


def _tree(graph: ColumnGraph, column: Column, up: bool) -> Iterator[_Row]:
    """Rows of a tree, each column opened once; a stack, for chains can be long."""
    opened = {same(column)}
    stack = [(1, row) for row in reversed(_rows(graph.steps(column, up=up)))]
    while stack:
        depth, steps = stack.pop()
        end = steps[0].other_end(up=up)
        further = end if steps[0].goes_on else None
        below = _rows(graph.steps(further, up=up)) if further else []
        again = further is not None and same(further) in opened
        yield _row(depth, steps, end, up, seen=again and bool(below))
        if further is not None and not again:
            opened.add(same(further))
            stack += [(depth + 1, later) for later in reversed(below)]


def _rows(steps: list[ColumnStep]) -> list[list[ColumnStep]]:
    """Steps by rows: each its own, but all that one task makes of what it says nothing of."""
    rows: dict[object, list[ColumnStep]] = {}
    for number, step in enumerate(steps):
        blind = step.how is How.UNKNOWN and step.target and step.target[1] == STAR
        rows.setdefault((step.task.key, step.source) if blind else number, []).append(step)
    return list(rows.values())


def _row(depth: int, steps: list[ColumnStep], end: Column | None, up: bool, *, seen: bool) -> _Row:
    step = steps[0]
    task = f"{one_line(step.task.resource_type)} {one_line(step.task.name)}"
    place = one_line(step.evidence.place)
    if end is None and not up:
        return _Row(depth, f"{task}, which writes no dataset", place)
    more = f" and {len(steps) - 1} more" if len(steps) > 1 else ""
    above = "  (see above)" if seen else ""
    head = f"{_said(step, end)}{more}  by {task}{above}"
    return _Row(depth, head, place, one_line(_phrase(step)))


def _said(step: ColumnStep, end: Column | None) -> str:
    """What stands at the far end of a step."""
    if step.how is How.UNRESOLVED:
        return f"{one_line(step.note)} (of which table cannot be told)"
    if end is None:
        return "not known" if step.how is How.UNKNOWN else "no column"
    if step.how is How.ROWS:
        return f"{one_line(end[0])} (its rows are counted)"
    if end[1] == STAR:
        return f"{one_line(end[0])} (any column)"
    return _name(end)


def _phrase(step: ColumnStep) -> str:
    if step.how is How.UNKNOWN:
        return step.note
    if step.how is How.ANY:
        return f"{step.evidence.text}; from which columns is not said"
    return step.evidence.text


def _name(column: Column) -> str:
    return one_line(f"{column[0]}.{column[1]}")
