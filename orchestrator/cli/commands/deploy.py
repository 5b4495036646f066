"""``orchestrator deploy``: put flows into service at the version of their code."""

from __future__ import annotations

from typing import Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

_POLICIES = ("catch_up", "catch_up_window", "max_catch_up", "overlap", "on_lost")
_OVERLAPS = (
    "skip", "buffer_one", "buffer_all", "cancel_other", "terminate_other", "allow_all",
)  # fmt: skip


@click.command("deploy")
@click.argument("flows", nargs=-1, metavar="[FLOW]...")
@click.option(
    "--label", "labels", multiple=True, metavar="WORD",
    help="Only agents with this label take its runs. May be repeated.",
)  # fmt: skip
@click.option(
    "--set-default", "defaults", multiple=True, metavar="NAME=VALUE",
    callback=options.assignments,
    help="Give a parameter another default. May be repeated.",
)  # fmt: skip
@click.option("--executor", type=options.Executors(), help="Where tasks run.")
@click.option("--cluster", metavar="NAME", help="Run tasks that name no cluster on this one.")
@click.option(
    "--environment", metavar="JSON", help='How runs are launched: \'{"kind": "docker", …}\'.'
)
@click.option(
    "--catch-up", type=click.Choice(["latest", "all", "none"]),
    help="What becomes of occurrences that were missed; the latest is run if left out.",
)  # fmt: skip
@click.option("--catch-up-window", metavar="LENGTH", help="How late a run may be made, as PT24H.")
@click.option("--max-catch-up", type=click.IntRange(min=1), help="With all: so many at most.")
@click.option(
    "--overlap", type=click.Choice(_OVERLAPS), help="What becomes of runs that meet the one before."
)
@click.option(
    "--on-lost",
    type=click.Choice(["fail", "retry"]),
    help="What becomes of runs whose process or agent ended before they did.",
)
@click.option(
    "--from-git", metavar="REF",
    help="Take the code from this tag, branch or commit, not from the folder.",
)  # fmt: skip
@click.option("--to", metavar="NAME", help="Take target, labels, … from [environments.NAME].")
@click.option("--in-place", is_flag=True, help="Run the project's folder as it is, no snapshot.")
@options.shared
def command(session: Session, flows: tuple[str, ...], **given: Any) -> None:
    """Put flows, or all of the project, into service at the version of their code.

    The code is kept, and runs of this version use it ever after. Deploying the same again changes
    nothing. With --from-git, each flow is checked to be one that can be planned, too, and nothing is
    deployed where one is not.

    \b
    orchestrator deploy nightly --label warehouse --set-default day=2026-01-01
    orchestrator deploy --from-git v1.2 --to prod
    """
    from orchestrator.cli.terminal import deployments as pictures
    from orchestrator.service.deploying.deploy import Terms, deploy
    from orchestrator.service.deploying.from_git import deploy_from_git
    from orchestrator.shapes import deployments as shapes
    from orchestrator.store.deployments import PROCESS

    policies = {name: given[name] for name in _POLICIES if given[name] is not None}
    terms = Terms(
        given["defaults"], given["labels"], options.place(given["executor"], given["cluster"]),
        _environment(given["environment"]) or PROCESS, policies, given["in_place"], given["to"],
    )  # fmt: skip
    if given["from_git"] is not None:
        done = deploy_from_git(session.project(), given["from_git"], flows, terms)
    else:
        done = deploy(session.project(), flows, terms)
    session.show(lambda: shapes.deployed(done), lambda width: pictures.deployed(done, width))


def _environment(text: str | None) -> dict[str, Any] | None:
    import json

    if text is None:
        return None
    try:
        found = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is no JSON: {error}", param_hint="--environment") from None
    if not isinstance(found, dict):
        raise click.BadParameter("it is no JSON object", param_hint="--environment")
    return found
