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
    """Answer over HTTP: `GET /health` says whether the run store answers.

    \b
    orchestrator api --port 4280
    """
    from orchestrator.service.serving.app import make_app
    from orchestrator.service.serving.web import address_of, listening, serve_app

    project = session.project()
    with listening(host, port) as taken, project.store() as store, until_told() as stop:
        url = address_of(taken)
        announce(
            session,
            f"answering for {project.name} at {url} (health: {url}/health); Ctrl-C stops it",
            {"event": "serving", "project": project.name, "url": url},
        )
        serve_app(make_app(store), taken, stop)
    return 0
