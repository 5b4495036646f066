"""``orchestrator lineage``: which datasets feed a dataset, and which it feeds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.cli.datasets import DatasetGraph
    from orchestrator.engine.plan import Plan
    from orchestrator.model.dataset import Dataset


@click.command("lineage")
@click.argument("table")
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
    """Show which tables feed TABLE and which it feeds, by which task, from which file and line.

    \b
    orchestrator lineage marts.mart_delays --up
    """
    from orchestrator.cli.datasets import DatasetGraph
    from orchestrator.cli.planned import plan_with
    from orchestrator.cli.resolving import resolve_dataset
    from orchestrator.cli.terminal import lineage as pictures

    def find(plan: Plan) -> tuple[DatasetGraph, Dataset]:
        graph = DatasetGraph(plan)
        return graph, resolve_dataset(graph, table)

    _, (graph, dataset) = plan_with(session, flow, parameters, rest, find)
    ways = (up or not down, down or not up)
    session.show(
        lambda: graph.shape(dataset, *ways),
        lambda width: pictures.picture(graph, dataset, *ways, width=width, whole=whole),
    )
