"""``orchestrator run``: run a flow and show it while it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session
from orchestrator.cli.spreading import SpreadingCommand
from orchestrator.errors import UsageError

if TYPE_CHECKING:
    from orchestrator.service.project import Project


@click.command("run", cls=SpreadingCommand, spread=options.SPREAD)
@options.flow_argument
@options.parameters
@options.selection
@options.dbt_options
@click.option(
    "--executor",
    type=options.Executors(),
    help="Where tasks run; the project's if left out.",
)
@click.option(
    "--cluster",
    metavar="NAME",
    help="Run tasks that name no cluster on [clusters.NAME] of orchestrator.toml.",
)
@click.option(
    "--lineage-check",
    type=click.Choice(["off", "warn", "strict"]),
    help="What to do where a task reads or writes what was not derived.",
)
@click.option("--quiet", "-q", is_flag=True, help="Show only trouble and the result.")
@options.summary
@options.shared
def command(
    session: Session,
    flow: str,
    parameters: dict[str, str],
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    executor: str | None,
    cluster: str | None,
    lineage_check: str | None,
    quiet: bool,
    summary: Path | None,
    **rest: Any,
) -> int:
    """Run FLOW, or the only flow there is; a dbt project as it stands is the flow `.`.

    \b
    orchestrator run . --select staging+ --exclude tag:slow
    orchestrator run nightly -p day=2013-01-31 --executor dask
    orchestrator run nightly --select +changed:origin/main+ --summary summary.md
    """
    from orchestrator.cli.following import follow, refusals
    from orchestrator.service.running import Request, run_flow

    chosen = options.run_options(rest)
    executor = options.place(executor, cluster)
    with refusals(summary, flow):
        project = session.project(
            {
                "executor": executor,
                "target": chosen.target,
                "threads": chosen.threads,
                "lineage_check": lineage_check,
            }
        )
        check_flow(project, flow, select)
        loaded = project.flow(flow)
    request = Request(parameters, chosen, select, exclude, executor)
    return follow(
        session,
        loaded.name,
        lambda screen: run_flow(project, loaded, request, listeners=[screen]).state,
        quiet=quiet,
        summary=summary,
    )


def check_flow(project: Project, flow: str, select: tuple[str, ...]) -> None:
    """Refuse a flow's name that stands among the values of ``--select``.

    Raises:
        UsageError: The name was not understood as the flow.
    """
    if flow == "." and len(select) > 1 and select[-1] in project.flow_names():
        raise UsageError(
            f"{select[-1]!r} is a flow, but stands among the values of --select",
            fix=f"put it first: {select[-1]} --select {' '.join(select[:-1])}",
        )
