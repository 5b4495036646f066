"""``orchestrator schedule list|pause|resume|backfill``: the schedules of deployed flows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.store.base import RunStore

_DAY = click.DateTime(["%Y-%m-%d"])
_named = click.option("--schedule", "name", metavar="NAME", help="Only this one of its schedules.")


@click.command("list")
@click.argument("flow", required=False)
@click.option(
    "--last", type=click.IntRange(1, 10_000), default=10, show_default=True, metavar="N",
    help="With FLOW: so many occurrences of each schedule.",
)  # fmt: skip
@options.shared
def list_schedules(session: Session, flow: str | None, last: int) -> None:
    """List the schedules of deployed flows; of one FLOW, what became of each occurrence, and why."""
    from orchestrator import instants
    from orchestrator.cli.terminal import deployed_schedules as pictures
    from orchestrator.service.scheduler.listing import schedules
    from orchestrator.shapes import schedules as schedule_shapes

    project = session.project()
    with project.store() as store:
        found = schedules(store, project.name, instants.now(), flow=flow, last=last if flow else 1)
    session.show(
        lambda: {"schedules": [schedule_shapes.listed(one) for one in found]},
        lambda width: pictures.table(found, width, whole=flow is not None),
    )


@click.command("pause")
@options.flow_argument
@_named
@options.shared
def pause(session: Session, flow: str, name: str | None) -> None:
    """Make no runs for FLOW until it is resumed; what comes meanwhile is listed as skipped."""
    _switch(session, flow, name, paused=True)


@click.command("resume")
@options.flow_argument
@_named
@options.shared
def resume(session: Session, flow: str, name: str | None) -> None:
    """Make runs for FLOW again, from now on."""
    _switch(session, flow, name, paused=False)


def _switch(session: Session, flow: str, name: str | None, *, paused: bool) -> None:
    import getpass

    from rich.text import Text

    project = session.project()
    with project.store() as store:
        wanted = _flow(store, project.name, flow)
        act = store.pause if paused else store.resume
        act(project.name, wanted, schedule=name, by=getpass.getuser())
    what = f"the schedule {name!r} of {wanted}" if name else wanted
    session.show(
        lambda: {"flow": wanted, "schedule": name, "paused": paused},
        lambda width: [Text(f"{what} is paused" if paused else f"{what} runs by itself again")],
    )


@click.command("backfill")
@options.flow_argument
@click.option("--from", "first", type=_DAY, required=True, metavar="DATE", help="First local day.")
@click.option(
    "--to", "last", type=_DAY, metavar="DATE", help="Last local day; if left out, --from."
)
@click.option(
    "--parallel", type=click.IntRange(min=1), default=1, show_default=True, metavar="N",
    help="So many runs at the same time.",
)  # fmt: skip
@_named
@click.option(
    "--id", "called", metavar="ID",
    help="Name of the backfill. A new name makes runs for days that were filled before.",
)  # fmt: skip
@click.option("--cancel", is_flag=True, help="Stop what is left of this backfill.")
@options.shared
def backfill(session: Session, flow: str, first: Any, last: Any, **rest: Any) -> None:
    """Make runs for the past occurrences of FLOW's schedule on some days, the oldest first.

    Asking again makes nothing twice: it goes on where it stopped, what was cancelled included, and
    says how far it is. What another backfill has made is left out, if it succeeded or is under way.

    \b
    orchestrator schedule backfill nightly --from 2026-11-01 --to 2026-11-14 --parallel 2
    """
    from orchestrator import instants
    from orchestrator.cli.terminal import deployed_schedules as pictures
    from orchestrator.errors import UsageError
    from orchestrator.service.deploying.rescheduling import schedule_named
    from orchestrator.service.scheduler import backfill as filling
    from orchestrator.shapes import schedules as schedule_shapes

    days = first.date(), (last or first).date()
    if days[1] < days[0]:
        raise UsageError(f"the last day {days[1]} is before the first, {days[0]}")
    project = session.project()
    with project.store() as store:
        deployment = store.current(project.name, _flow(store, project.name, flow))
        name = schedule_named(deployment, rest["name"])
        if rest["cancel"]:
            found = filling.cancel(store, deployment, name, *days, called=rest["called"])
        else:
            found = filling.backfill(
                store, deployment, name, *days, now=instants.now(), parallel=rest["parallel"],
                called=rest["called"],
            )  # fmt: skip
    session.show(
        lambda: {"flow": deployment.flow, "schedule": name, **schedule_shapes.progress(found)},
        lambda width: pictures.progress(deployment.flow, found, cancelled=rest["cancel"]),
    )


def _flow(store: RunStore, project: str, flow: str) -> str:
    """The flow that is meant: the one named, or the only one that is deployed."""
    from orchestrator.errors import UsageError

    if flow != ".":
        return flow
    found = [one.flow for one in store.deployed(project) if not one.deleted]
    if len(found) == 1:
        return found[0]
    names = ", ".join(found) or "none"
    raise UsageError(f"which flow? deployed are: {names}", fix="name one of them")


COMMANDS = (list_schedules, pause, resume, backfill)
