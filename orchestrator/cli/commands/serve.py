"""``orchestrator serve``: scheduler, agent, notifier and HTTP API in one process."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.serving import address_options, agent_options, announce, until_told
from orchestrator.cli.session import Session


@click.command("serve")
@agent_options
@address_options
@options.shared
def command(
    session: Session, labels: tuple[str, ...], most: int, kind: str, host: str, port: int
) -> int:
    """Make due runs, launch them, tell people, and answer over HTTP: all in this process.

    The project's run store may be the SQLite file that is there by itself. Ctrl-C, or SIGTERM,
    stops what runs; runs that had not begun are left for the next start.

    \b
    orchestrator serve
    orchestrator serve --port 0 --label gpu --most 8
    """
    from orchestrator.errors import WorkerLostError
    from orchestrator.server.serving import reachable, serve
    from orchestrator.service.agent.kinds import make_agent
    from orchestrator.service.serving.parts import Parts
    from orchestrator.service.serving.service import service_loops
    from orchestrator.service.serving.web import address_of

    project = session.project()
    with project.store() as store, reachable(store, host, port) as taken, until_told() as stop:
        agent = make_agent(kind, store, labels, project=project, most=most)
        parts = Parts(service_loops(project, store, agent))
        parts.start()
        try:
            url = address_of(taken)
            announce(
                session,
                f"serving {project.name} at {url} (health: {url}/health); Ctrl-C stops it",
                {"event": "serving", "project": project.name, "url": url, "agent": agent.id},
            )
            serve(project, store, taken, stop, parts)
        finally:
            ended = parts.stop()
    if not stop.is_set():
        raise WorkerLostError("the HTTP server ended by itself", fix="start it again")
    if not ended:
        raise WorkerLostError("a part of the service did not end in time")
    return 0
