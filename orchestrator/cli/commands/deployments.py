"""``orchestrator deployments``: what is in service, at which version, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from orchestrator.store.base import RunStore


@click.group("deployments")
def command() -> None:
    """Show, compare, roll back, pause and delete what is deployed."""


@command.command("list")
@click.option("--all", "whole", is_flag=True, help="Show those that were deleted as well.")
@options.shared
def list_deployments(session: Session, whole: bool) -> None:
    """List the flows that are deployed, each with its current version."""
    from orchestrator.cli.terminal import deployments as pictures
    from orchestrator.service.deploying.listing import in_service
    from orchestrator.shapes import deployments as shapes

    project = session.project()
    with project.store() as store:
        found = in_service(store, project.name, deleted=whole)
    session.show(lambda: shapes.listed(found), lambda width: pictures.table(found, width))


@command.command("show")
@click.argument("flow")
@options.shared
def show(session: Session, flow: str) -> None:
    """Show FLOW's current deployment, the earlier ones, and who changed what."""
    from orchestrator.cli.terminal import deployments as pictures
    from orchestrator.service.deploying.listing import history_of
    from orchestrator.shapes import deployments as shapes

    project = session.project()
    with project.store() as store:
        found = history_of(store, project.name, flow)
    session.show(lambda: shapes.history(found), lambda width: pictures.history(found, width))


@command.command("drift")
@click.option("--check", is_flag=True, help="Exit with 1 if anything is not the same.")
@options.shared
def drift(session: Session, check: bool) -> int:
    """Compare the project's folder with what is in service: code, schedules, environments.

    The folder is taken as it lies there; commits are counted from its HEAD.
    """
    from orchestrator.cli.terminal import drift as pictures
    from orchestrator.service.deploying.drift import drift as compare
    from orchestrator.shapes import drift as shapes

    found = compare(session.project())
    session.show(lambda: shapes.drift(found), lambda width: pictures.drift(found, width))
    return 1 if check and found.is_any else 0


@command.command("rollback")
@click.argument("flow")
@click.argument("number", type=click.IntRange(min=1), required=False)
@options.shared
def rollback(session: Session, flow: str, number: int | None) -> None:
    """Make deployment NUMBER of FLOW the current one.

    If none is given, it is the one before the current one, in the same environment.
    """
    from rich.text import Text

    from orchestrator.service.asking import who
    from orchestrator.service.deploying.environments import name_of, ref_of
    from orchestrator.service.deploying.listing import one_before
    from orchestrator.shapes import deployments as shapes

    project = session.project()
    with project.store() as store:
        wanted = one_before(store, project.name, flow) if number is None else number
        found = store.rollback(project.name, flow, wanted, by=who())
    says = f"{flow} is at deployment {found.number} again, version {found.version}"
    says += f" from {ref_of(found)}" if ref_of(found) else ""
    says += f", in environment {name_of(found)}" if name_of(found) else ""
    session.show(lambda: shapes.deployment(found), lambda width: [Text(says)])


@command.command("pause")
@click.argument("flow")
@click.option("--schedule", metavar="NAME", help="Only this schedule of the flow.")
@options.shared
def pause(session: Session, flow: str, schedule: str | None) -> None:
    """Let FLOW make no runs by itself until it is resumed."""
    _change(
        session, flow, "paused", schedule,
        lambda store, project, by: store.pause(project, flow, schedule=schedule, by=by),
    )  # fmt: skip


@command.command("resume")
@click.argument("flow")
@click.option("--schedule", metavar="NAME", help="Only this schedule of the flow.")
@options.shared
def resume(session: Session, flow: str, schedule: str | None) -> None:
    """Let FLOW make runs by itself again."""
    _change(
        session, flow, "resumed", schedule,
        lambda store, project, by: store.resume(project, flow, schedule=schedule, by=by),
    )  # fmt: skip


@command.command("delete")
@click.argument("flow")
@options.shared
def delete(session: Session, flow: str) -> None:
    """Take FLOW out of service. Its runs and its versions stay; deploying it puts it back."""
    _change(
        session,
        flow,
        "deleted",
        None,
        lambda store, project, by: store.delete(project, flow, by=by),
    )


def _change(
    session: Session,
    flow: str,
    done: str,
    schedule: str | None,
    act: Callable[[RunStore, str, str], None],
) -> None:
    from rich.text import Text

    from orchestrator.service.asking import who

    project = session.project()
    with project.store() as store:
        act(store, project.name, who())
    what = flow if schedule is None else f"schedule {schedule} of {flow}"
    session.show(
        lambda: {"flow": flow, "schedule": schedule, "done": done},
        lambda width: [Text(f"{what} is {done}")],
    )
