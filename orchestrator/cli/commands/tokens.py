"""``orchestrator tokens``: who may use the API from elsewhere, and what they may do."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session


@click.group("tokens")
def command() -> None:
    """Make, list and revoke tokens of the API.

    While there is none, whoever works on this machine may do everything, and no other machine may
    connect. From the first one on, everybody needs one.
    """


@command.command("create")
@click.argument("name")
@click.option(
    "--role", type=click.Choice(["view", "run", "admin"]), required=True,
    help="view looks; run starts and mends runs, too; admin also changes deployments and limits.",
)  # fmt: skip
@click.option(
    "--expires", metavar="DURATION", help="For how long it is good, as in P30D or PT12H."
)  # fmt: skip
@options.shared
def create(session: Session, name: str, role: str, expires: str | None) -> None:
    """Make a token named NAME and show its secret, this once.

    \b
    orchestrator tokens create ci --role run --expires P90D
    """
    from rich.text import Text

    from orchestrator.server.security.issuing import issue
    from orchestrator.service.asking import who
    from orchestrator.shapes import tokens as shapes

    project = session.project()
    with project.store() as store:
        made, secret = issue(store, name, role, expires, by=who())
    ends = f", good until {made.expires:%Y-%m-%d %H:%M} UTC" if made.expires else ""
    says = (
        f"{secret}\n\n"
        f"That is the token {made.name} with the role {made.role}{ends}. It is not shown again.\n"
        "Send it as `Authorization: Bearer TOKEN`, or paste it where the page asks for it."
    )
    session.show(lambda: {**shapes.token(made), "token": secret}, lambda width: [Text(says)])


@command.command("list")
@options.shared
def list_tokens(session: Session) -> None:
    """List the tokens: names, roles, when each was last used; never the secrets."""
    from orchestrator.cli.terminal import tokens as pictures
    from orchestrator.shapes import tokens as shapes

    project = session.project()
    with project.store() as store:
        found = store.tokens()
    session.show(lambda: shapes.listed(found), lambda width: pictures.table(found, width))


@command.command("revoke")
@click.argument("name")
@options.shared
def revoke(session: Session, name: str) -> None:
    """Take the token NAME back: it and the sessions begun with it are no good from now on."""
    from rich.text import Text

    from orchestrator.server.security.issuing import take_back
    from orchestrator.service.asking import who
    from orchestrator.shapes import tokens as shapes

    project = session.project()
    with project.store() as store:
        gone = take_back(store, name, by=who())
    session.show(lambda: shapes.token(gone), lambda width: [Text(f"the token {name} was revoked")])
