"""``orchestrator lineage``: what feeds a dataset or one column of it, and what it feeds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session
from orchestrator.errors import NotFoundError

if TYPE_CHECKING:
    from orchestrator.cli.planned import Planned
    from orchestrator.lineage.tracing.graph import ColumnGraph
    from orchestrator.model.code import Column
    from orchestrator.model.dataset import Dataset
    from orchestrator.service.catalogue.datasets import DatasetGraph


@click.command("lineage")
@click.argument("table", metavar="TABLE[.COLUMN]")
@click.option("--up", is_flag=True, help="Only what feeds it.")
@click.option("--down", is_flag=True, help="Only what it feeds.")
@click.option("--flow", default=".", help="The flow; if left out, the one that has the table.")
@click.option("--all", "whole", is_flag=True, help="Show every step, also of a large flow.")
@options.parameters
@options.dbt_options
@options.shared
def command(
    session: Session,
    table: str,
    up: bool,
    down: bool,
    flow: str,
    whole: bool,
    parameters: dict[str, str],
    **rest: Any,
) -> None:
    """Show what feeds a table, or one column of it, and what it feeds, with file and line of each
    step.

    \b
    orchestrator lineage marts.mart_delays --up
    orchestrator lineage marts.mart_delays.minutes --up
    """
    from orchestrator.cli.planned import planned_with

    ways = (up or not down, down or not up)
    missed: list[NotFoundError] = []
    try:
        _, show = planned_with(
            session,
            flow,
            parameters,
            rest,
            lambda p: _found(session, p, table, ways, whole, missed),
        )
    except NotFoundError:
        # A flow that has the table knows better what is wrong than one that has not.
        if missed:
            raise missed[0] from None
        raise
    show()


def _found(
    session: Session,
    planned: Planned,
    name: str,
    ways: tuple[bool, bool],
    whole: bool,
    missed: list[NotFoundError],
) -> Callable[[], None]:
    """What shows the table or column that a name means in one flow."""
    from orchestrator.service.catalogue.datasets import DatasetGraph
    from orchestrator.service.catalogue.resolving import resolve_dataset_or_column

    tables = DatasetGraph(planned.plan)
    dataset, column_name = resolve_dataset_or_column(tables, name)
    if column_name is None:
        return lambda: _show_table(session, tables, dataset, ways, whole)
    from orchestrator.cli.columns import told_if_long
    from orchestrator.service.catalogue import columns
    from orchestrator.service.columns import column_graph

    with told_if_long(session):
        graph = column_graph(planned.project, planned.flow, planned.plan, planned.request)
    try:
        column = columns.resolve_column(graph, dataset, column_name)
    except NotFoundError as error:
        missed.append(error)
        raise
    return lambda: _show_column(session, graph, column, ways, whole)


def _show_table(
    session: Session, graph: DatasetGraph, dataset: Dataset, ways: tuple[bool, bool], whole: bool
) -> None:
    from orchestrator.cli.terminal import lineage as pictures

    session.show(
        lambda: graph.shape(dataset, *ways),
        lambda width: pictures.picture(graph, dataset, *ways, width=width, whole=whole),
    )


def _show_column(
    session: Session, graph: ColumnGraph, column: Column, ways: tuple[bool, bool], whole: bool
) -> None:
    from orchestrator.cli.terminal import columns as pictures
    from orchestrator.service.catalogue import columns

    session.show(
        lambda: columns.shape(graph, column, *ways),
        lambda width: pictures.picture(graph, column, *ways, width=width, whole=whole),
    )
