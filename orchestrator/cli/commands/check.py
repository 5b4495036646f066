"""``orchestrator check``: whether flows keep to the project's policy."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session


@click.command("check")
@click.argument("flows", nargs=-1, metavar="[FLOW]...")
@click.option("--target", "-t", metavar="NAME", help="Target of profiles.yml.")
@click.option(
    "--to", metavar="NAME", help="As deploy --to: with the target of [environments.NAME]."
)
@options.shared
def command(session: Session, flows: tuple[str, ...], target: str | None, to: str | None) -> int:
    """Check that flows, or all of the project, keep to policy.toml. Nothing is run or written.

    Exit code 2 where a rule that refuses is broken; deploy refuses the same.
    """
    from orchestrator.cli.terminal import breaches as pictures
    from orchestrator.errors import PolicyError
    from orchestrator.service.deploying.environments import environment_named
    from orchestrator.service.policy.enforcing import check
    from orchestrator.shapes import breaches as shapes

    project = session.project({"target": target})
    place = environment_named(project, to)
    report = check(project, flows, target=target or (place.target if place else None))
    session.show(lambda: shapes.report(report), lambda width: pictures.report(report))
    return PolicyError.exit_code if report is not None and report.refused else 0
