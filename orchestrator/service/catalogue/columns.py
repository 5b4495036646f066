"""Which column of a flow is meant, and what is told of it as JSON."""

from __future__ import annotations

from typing import Any

from orchestrator.errors import NotFoundError
from orchestrator.lineage.tracing.graph import ColumnGraph, ColumnStep
from orchestrator.lineage.tracing.known import Columns
from orchestrator.model.code import Column
from orchestrator.model.dataset import Dataset
from orchestrator.service.catalogue.resolving import nearest

_LISTED = 30


def resolve_column(graph: ColumnGraph, dataset: Dataset, name: str) -> Column:
    """Return the column of a dataset that a person means, as it is written there.

    Raises:
        NotFoundError: It has no such column, or its columns are not known.
    """
    bare = name.strip('"`[] ')
    columns = graph.columns.get(dataset, Columns())
    for known in columns.names:
        if known.casefold() == bare.casefold():
            return dataset, known
    column = (dataset, bare)
    if columns.is_open and any(
        step.goes_on for up in (True, False) for step in graph.steps(column, up=up)
    ):
        return column
    raise _unknown(graph, dataset, bare, columns.names, columns.unknown)


def _unknown(
    graph: ColumnGraph, dataset: Dataset, name: str, names: tuple[str, ...], why: str | None
) -> NotFoundError:
    if not names:
        reason = why or "no task writes them, and no warehouse was asked that has it"
        return NotFoundError(
            f"the columns of {dataset} are not known: {reason}",
            where="; ".join(graph.notes) or None,
            fix=f"orchestrator lineage {dataset} shows its tables",
        )
    near = nearest(name.casefold(), names)
    listed = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    known = "its columns" if not graph.columns[dataset].is_open else "of its columns are known"
    return NotFoundError(
        f"{dataset} has no column {name!r}",
        where=f"{known}: {listed}",
        fix=f"did you mean {', '.join(near)}?" if near else None,
    )


def shape(graph: ColumnGraph, column: Column, up: bool, down: bool) -> dict[str, Any]:
    """``flow``, ``dataset``, ``column``, ``up``, ``down`` (steps, nearest first), ``notes``."""
    return {
        "flow": graph.flow,
        "dataset": column[0],
        "column": column[1],
        **({"up": [_step(s) for s in graph.reach(column, up=True)]} if up else {}),
        **({"down": [_step(s) for s in graph.reach(column, up=False)]} if down else {}),
        "notes": list(graph.notes),
    }


def _step(step: ColumnStep) -> dict[str, Any]:
    return {
        "source": _end(step.source),
        "target": _end(step.target),
        "how": step.how.value,
        "task": step.task.key,
        "evidence": step.evidence,
        "note": step.note or None,
    }


def _end(column: Column | None) -> dict[str, Any] | None:
    return None if column is None else {"dataset": column[0], "column": column[1]}
