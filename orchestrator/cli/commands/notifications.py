"""``orchestrator notifications``: what was sent, what waits, what was given up; and a test message."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

_PATIENCE = 10.0  #: seconds that a message on its way may take at the end
_STATES = ("pending", "sent", "dead")


@click.group("notifications")
def command() -> None:
    """Show what people are told of, and send a test message."""


@command.command("list")
@click.option("--state", type=click.Choice(_STATES), help="Only those that stand so.")
@click.option("--run", "run_id", metavar="RUN", help="Only those about this run.")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="At most so many."
)
@options.shared
def list_notifications(session: Session, state: str | None, run_id: str | None, limit: int) -> None:
    """List notifications, the newest first; those given up are `dead` and say why."""
    from orchestrator.cli.terminal import notifications as pictures
    from orchestrator.shapes import service as shapes
    from orchestrator.store.outbox import Delivery

    with session.project().store() as store:
        about = store.run(run_id).id if run_id else None
        chosen = Delivery(state) if state else None
        found = store.outbox(state=chosen, run_id=about, limit=limit)
    session.show(
        lambda: {"notifications": [shapes.notification(each) for each in found]},
        lambda width: pictures.table(found, width),
    )


@command.command("retry")
@click.argument("number", type=int, metavar="ID")
@options.shared
def retry(session: Session, number: int) -> None:
    """Send a notification that was given up again, five tries more.

    orchestrator notifications retry 12
    """
    from rich.text import Text

    from orchestrator import instants
    from orchestrator.errors import NotFoundError

    with session.project().store() as store:
        if not store.revive(number, instants.now()):
            raise NotFoundError(
                f"no notification {number} was given up",
                fix="orchestrator notifications list --state dead shows those that were",
            )
    says = f"notification {number} is sent again by the service, or beside the next run"
    session.show(lambda: {"id": number, "state": "pending"}, lambda width: [Text(says)])


@command.command("deliver")
@click.option("--once", is_flag=True, help="Try what is due now, and end.")
@options.shared
def deliver(session: Session, once: bool) -> None:
    """Deliver what is in the outbox, until told to stop; `orchestrator serve` does so by itself.

    For a service whose scheduler and agents run apart. Any number of them may share a store.
    """
    from orchestrator.cli.serving import announce, until_told
    from orchestrator.service.notify.service import service_notifier

    project = session.project()
    with project.store() as store:
        notifier = service_notifier(project, store)
        if once:
            tried = notifier.deliver_due()
            announce(session, f"{tried} tried", {"tried": tried})
            return
        with until_told() as stop:
            announce(session, f"delivering for {project.name}", {"project": project.name})
            notifier.run(stop)
            notifier.leave(_PATIENCE)


@command.command("test")
@click.argument("name")
@options.shared
def test(session: Session, name: str) -> None:
    """Send a test message to the target NAME of orchestrator.toml, now.

    orchestrator notifications test team
    """
    from rich.text import Text

    from orchestrator.service.notify.service import send_test

    send_test(session.project(), name)
    says = f"a test message to {name} was accepted"
    session.show(lambda: {"target": name, "sent": True}, lambda width: [Text(says)])
