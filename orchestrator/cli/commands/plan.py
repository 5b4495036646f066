"""``orchestrator plan``: what would run, in what order, and why."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options
from orchestrator.cli.commands.run import check_flow
from orchestrator.cli.session import Session
from orchestrator.cli.spreading import SpreadingCommand
from orchestrator.lineage.collector import without_collector


@click.command("plan", cls=SpreadingCommand, spread=options.SPREAD)
@options.flow_argument
@options.parameters
@options.selection
@options.dbt_options
@click.option("--all", "whole", is_flag=True, help="Show every task, also of a large flow.")
@options.shared
@without_collector
def command(
    session: Session,
    flow: str,
    parameters: dict[str, str],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    whole: bool,
    **rest: Any,
) -> None:
    """Show what a run of FLOW would do, in which order, and why. Nothing is run or written."""
    from orchestrator.cli.terminal import plan as pictures
    from orchestrator.service.planning import Request, plan_flow
    from orchestrator.shapes import plans as plan_shapes

    chosen = options.run_options(rest)
    project = session.project({"target": chosen.target, "threads": chosen.threads})
    check_flow(project, flow, select)
    request = Request(parameters, chosen, select, exclude)
    plan = plan_flow(project, project.flow(flow), request)
    session.show(
        lambda: plan_shapes.plan(plan), lambda width: pictures.picture(plan, width, whole=whole)
    )
