"""``orchestrator limits``: how much may run at the same time, in all runs that share the store."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

_NAME = "NAME is tag:WORD, warehouse:CONNECTION or flow:FLOW."


@click.group("limits")
def command() -> None:
    """Show and set how much may run at the same time."""


@command.command("list")
@options.shared
def list_limits(session: Session) -> None:
    """List limits, and which runs have how much of each."""
    from orchestrator.cli.terminal import limits as pictures
    from orchestrator.service.limits import known_limits
    from orchestrator.shapes import service as shapes

    project = session.project()
    with project.store() as store:
        found = known_limits(project, store)
    session.show(
        lambda: {"limits": [shapes.limit(known) for known in found]},
        lambda width: pictures.table(found, width),
    )


@command.command("set", epilog=_NAME)
@click.argument("name")
@click.argument("slots", metavar="SLOTS|none")
@options.shared
def set_limit(session: Session, name: str, slots: str) -> None:
    """Let at most SLOTS run at the same time; 0 lets nothing begin, none takes the limit away.

    orchestrator limits set tag:heavy 2
    """
    from rich.text import Text

    from orchestrator.service.limits import change_limit
    from orchestrator.settings import limit_name

    try:
        limit_name(name)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="NAME") from None
    number = _number(slots)
    project = session.project()
    with project.store() as store:
        change_limit(project, store, name, number)
    says = "has no limit any more" if number is None else f"may run {number} at the same time"
    session.show(lambda: {"name": name, "slots": number}, lambda width: [Text(f"{name} {says}")])


def _number(slots: str) -> int | None:
    if slots.lower() == "none":
        return None
    if not slots.isdecimal():
        raise click.BadParameter(
            f"expected a whole number, or none, got {slots!r}", param_hint="SLOTS"
        )
    return int(slots)
