"""``orchestrator why``: the evidence of each edge, and of what leads from one task to another."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session


@click.command("why")
@click.argument("task")
@click.argument("downstream", required=False)
@click.option("--flow", default=".", help="The flow; if left out, the one that has the task.")
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
    from orchestrator.cli.found import last_findings, shape
    from orchestrator.cli.planned import plan_with
    from orchestrator.cli.terminal import why as pictures
    from orchestrator.service.catalogue.resolving import resolve_task
    from orchestrator.shapes import plans as plan_shapes

    names = [task] if downstream is None else [task, downstream]
    plan, keys = plan_with(
        session, flow, parameters, rest, lambda p: [resolve_task(p.facts, n) for n in names]
    )
    if len(keys) == 1:
        found = last_findings(session.project(), plan.flow, keys[0])
        session.show(
            lambda: {**plan_shapes.task(plan, keys[0]), "undeclared": shape(found)},
            lambda width: pictures.of_task(plan, keys[0], width, whole=whole, found=found),
        )
    else:
        session.show(
            lambda: plan_shapes.connection(plan, keys[0], keys[1]),
            lambda width: pictures.of_pair(plan, keys[0], keys[1], width),
        )
