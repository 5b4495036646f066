"""``orchestrator api``: the HTTP API alone."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.serving import address_options, announce, until_told
from orchestrator.cli.session import Session


@click.command("api")
@address_options
@options.shared
def command(session: Session, host: str, port: int) -> int:
    """Answer over HTTP: the API under /api/v1, the page, and `/health`.

    \b
    orchestrator api --port 4280
    """
    from orchestrator.server.serving import reachable, serve
    from orchestrator.service.serving.web import address_of

    project = session.project()
    with project.store() as store, reachable(store, host, port) as taken, until_told() as stop:
        url = address_of(taken)
        announce(
            session,
            f"answering for {project.name} at {url} (health: {url}/health); Ctrl-C stops it",
            {"event": "serving", "project": project.name, "url": url},
        )
        serve(project, store, taken, stop)
    return 0
