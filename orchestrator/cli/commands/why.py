"""``orchestrator why``: the evidence of each edge, and of what leads from one task to another."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session


@click.command("why")
@click.argument("task")
@click.argument("downstream", required=False)
@click.option("--flow", default=".", help="The flow; the only one if left out.")
@click.option("--all", "whole", is_flag=True, help="Show every edge, also of a task with many.")
@options.parameters
@options.dbt_options
@options.shared
def command(
    session: Session,
    task: str,
    downstream: str | None,
    flow: str,
    whole: bool,
    parameters: dict[str, str],
    **rest: Any,
) -> None:
    """Show what TASK waits for and what waits for it; or why DOWNSTREAM comes after TASK.

    \b
    orchestrator why mart_delays
    orchestrator why stg_flights mart_delays
    """
    from orchestrator.cli import plan_shapes
    from orchestrator.cli.planned import whole_plan
    from orchestrator.cli.resolving import resolve_task
    from orchestrator.cli.terminal import why as pictures

    plan = whole_plan(session, flow, parameters, rest)
    key = resolve_task(plan.facts, task)
    if downstream is None:
        session.show(
            lambda: plan_shapes.task(plan, key),
            lambda width: pictures.of_task(plan, key, width, whole=whole),
        )
        return
    after = resolve_task(plan.facts, downstream)
    session.show(
        lambda: plan_shapes.connection(plan, key, after),
        lambda width: pictures.of_pair(plan, key, after, width),
    )
