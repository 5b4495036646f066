"""A dataset's lineage as two trees: what feeds it, and what it feeds."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from rich.text import Text

from orchestrator.cli.terminal.plan import TESTS
from orchestrator.cli.terminal.text import counted, one_line, shorten
from orchestrator.model.dataset import Dataset
from orchestrator.service.catalogue.datasets import DatasetGraph, Step

_LINES = 100


def picture(
    graph: DatasetGraph, dataset: Dataset, up: bool, down: bool, *, width: int, whole: bool = False
) -> list[Text]:
    """Draw the lineage of a dataset.

    Args:
        graph: All datasets and the steps between them.
        dataset: The one asked about.
        up: Whether to show what feeds it.
        down: Whether to show what it feeds.
        width: Columns.
        whole: Show every step, however many there are.
    """
    lines = [Text.assemble((one_line(dataset), "bold"), f"  in flow {one_line(graph.flow)}")]
    for asked, title, nothing, is_up in (
        (up, "fed by", "fed by nothing in this flow", True),
        (down, "feeds", "feeds nothing in this flow", False),
    ):
        if asked:
            tree = [*islice(_tree(graph, dataset, is_up), None if whole else _LINES + 1)]
            cut = not whole and len(tree) > _LINES
            lines += [Text(), Text(title if tree else nothing, style="bold")]
            lines += [Text(shorten(row, width)) for row in (tree[:_LINES] if cut else tree)]
            lines += [Text("   … more: --all, or --format json", style="dim")] if cut else []
    return lines


def _tree(graph: DatasetGraph, dataset: Dataset, up: bool) -> Iterator[str]:
    """Rows of a tree, each dataset opened once; a stack, for chains can be long."""
    steps = graph.up if up else graph.down
    opened = {dataset}
    stack = [(1, step) for step in reversed(steps.get(dataset, []))]
    tested: set[tuple[int, Dataset | None]] = set()
    while stack:
        depth, step = stack.pop()
        if not up and step.task.resource_type in TESTS:
            if (depth, step.reads) not in tested:
                tested.add((depth, step.reads))
                yield "   " * depth + _tests(steps.get(step.reads, ()) if step.reads else ())
            continue
        further = step.reads if up else step.writes
        again = further is not None and further in opened and bool(steps.get(further))
        yield "   " * depth + _row(step, further, up) + ("  (see above)" if again else "")
        if further is not None and further not in opened:
            opened.add(further)
            stack += [(depth + 1, later) for later in reversed(steps.get(further, []))]


def _row(step: Step, further: Dataset | None, up: bool) -> str:
    task = f"{one_line(step.task.resource_type)} {one_line(step.task.name)}"
    place = one_line(step.evidence.place) if step.evidence else ""
    if further is None:
        return f"{task}, which {'reads' if up else 'writes'} no dataset  {place}".rstrip()
    return f"{one_line(further)}  by {task}  {place}".rstrip()


def _tests(steps: list[Step] | tuple[Step, ...]) -> str:
    keys = {step.task.key for step in steps if step.task.resource_type in TESTS}
    return counted(len(keys), "test")
