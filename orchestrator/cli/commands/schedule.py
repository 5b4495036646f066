"""``orchestrator schedule``: when flows run by themselves."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.commands import deployed_schedules
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.schedule import Schedule

_AS_IT_IS = "."


@click.group("schedule")
def command() -> None:
    """Show when flows run by themselves, and steer those that are deployed."""


for _deployed in deployed_schedules.COMMANDS:
    command.add_command(_deployed)


@command.command("preview")
@options.flow_argument
@click.option(
    "--next", "number", type=click.IntRange(1, 1000), default=20, show_default=True, metavar="N",
    help="So many occurrences.",
)  # fmt: skip
@click.option(
    "--around", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE",
    help="Those before and after this day, or before and after clocks change on it.",
)  # fmt: skip
@click.option("--cron", metavar="EXPRESSION", help="Of this cron expression instead of a flow.")
@click.option("--timezone", metavar="ZONE", help="With --cron: its time zone; UTC, if left out.")
@click.option("--gap", type=click.Choice(["end", "shift", "skip"]), help="With --cron.")
@click.option("--overlap", type=click.Choice(["first", "second", "both"]), help="With --cron.")
@options.shared
def preview(session: Session, flow: str, number: int, around: Any, **rest: str | None) -> None:
    """Show when FLOW will run, and what changes of clocks do to it.

    \b
    orchestrator schedule preview nightly --around 2026-11-01
    orchestrator schedule preview --cron "30 2 * * *" --timezone America/New_York
    """
    from orchestrator import instants
    from orchestrator.cli.terminal import schedule as pictures
    from orchestrator.schedule import preview as previews
    from orchestrator.shapes import schedules as schedule_shapes

    with _unlogged():
        name, schedule = _asked(session, flow, rest)
    day: date | None = around.date() if around else None
    if day is None:
        found = previews.coming(schedule, number, instants.now())
    else:
        found = previews.around(schedule, day, number)
    session.show(
        lambda: schedule_shapes.preview(name, schedule, found),
        lambda width: pictures.picture(name, schedule, found, width),
    )


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep quiet what clocks log when they are made: here it is part of the picture."""
    logger = logging.getLogger("orchestrator.schedule")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _asked(session: Session, flow: str, cron: dict[str, str | None]) -> tuple[str | None, Schedule]:
    """The schedule that is meant, and whose it is."""
    from orchestrator.errors import UsageError
    from orchestrator.model import building
    from orchestrator.schedule import CronClock, Schedule, as_schedule

    given = {option: value for option, value in cron.items() if value is not None}
    expression = given.pop("cron", None)
    if expression is not None:
        if flow != _AS_IT_IS:
            raise UsageError(f"both the flow {flow!r} and --cron are given", fix="give one of them")
        return None, Schedule([CronClock(expression, **given)])  # type: ignore[arg-type]
    if given:
        raise UsageError(
            f"--{next(iter(given))} is given without --cron",
            fix="a flow's schedule says these itself; to try others, give --cron, too",
        )
    found = session.project().flow(flow)
    if found.schedule is None:
        raise UsageError(
            f"the flow {found.name!r} has no schedule",
            where=building.place(found.defined_at),
            fix="give it one: "
            f"Flow({found.name!r}, schedule=CronClock('30 2 * * *', timezone='Europe/Berlin')); "
            "or preview an expression: --cron '30 2 * * *' --timezone Europe/Berlin",
        )
    return found.name, as_schedule(found.schedule)
