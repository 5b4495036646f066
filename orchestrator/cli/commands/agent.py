"""``orchestrator agent``: take runs that are due, and launch them."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.serving import agent_options, announce, until_told
from orchestrator.cli.session import Session


@click.command("agent")
@agent_options
@click.option("--name", metavar="NAME", help="What people call it; the machine's name if left out.")
@options.shared
def command(
    session: Session, labels: tuple[str, ...], most: int, kind: str, name: str | None
) -> int:
    """Take runs that are due, and launch each as a process of its own.

    It takes the runs that need no label it lacks. Any number of agents may share a run store;
    each run goes to one. Ctrl-C, or SIGTERM, stops what it launched.

    \b
    orchestrator agent --label gpu --label big --most 8
    orchestrator agent --kind my_agents:KubernetesAgent
    """
    from orchestrator.service.agent.kinds import make_agent

    project = session.project()
    with project.store() as store, until_told() as stop:
        agent = make_agent(kind, store, labels, project=project, most=most, name=name)
        announce(
            session,
            f"agent {agent.name} takes runs" + (f" of {', '.join(labels)}" if labels else ""),
            {"event": "agent", "id": agent.id, "name": agent.name, "labels": list(agent.labels)},
        )
        agent.run(stop)
    return 0
