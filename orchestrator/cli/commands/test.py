"""``orchestrator test``: dbt unit tests, SQL tests and flow tests, all with one summary."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session
from orchestrator.cli.spreading import SpreadingCommand

if TYPE_CHECKING:
    from orchestrator.cli.terminal.testing import Screen
    from orchestrator.service.project import Project
    from orchestrator.testing.suite import Wanted

FAILED, NOTHING_MATCHES = 1, 2


@click.command("test", cls=SpreadingCommand, spread=("select",))
@click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[PATH]…")
@click.option(
    "-k", "expression", default="", metavar="EXPR",
    help="Only tests whose name or file has these words; and, or, not and brackets, as in pytest.",
)  # fmt: skip
@click.option(
    "--select", "-s", "select", multiple=True, metavar="SELECTOR …",
    help="Only tests of these tasks, in the words of `run`; flow tests run all the same.",
)  # fmt: skip
@options.shared
def command(
    session: Session, paths: tuple[Path, ...], expression: str, select: tuple[str, ...]
) -> int:
    """Run dbt unit tests, SQL tests and flow tests; only those under PATH, if one is given.

    Every database is a temporary one: the project's own is not opened.

    \b
    orchestrator test sql/tests -k orders
    orchestrator test --select +orders_by_day
    """
    from orchestrator.cli.terminal.testing import Screen
    from orchestrator.testing.suite import Chosen, Wanted, matches

    if expression:
        matches(expression, "")  # says so at once if it cannot be read
    project = session.project()
    chosen = Chosen.by(project, select) if select else None
    wanted = Wanted([path.resolve() for path in paths], expression, chosen)
    screen = Screen(session, time.monotonic(), some=bool(paths or expression or select))
    _run(project, wanted, screen)
    screen.close()
    if not screen.outcomes:
        return NOTHING_MATCHES if paths or expression else 0
    return FAILED if any(outcome.bad for outcome in screen.outcomes) else 0


def _run(project: Project, wanted: Wanted, screen: Screen) -> None:
    """Run one kind after the other, the quick ones first."""
    from orchestrator.testing.flow_tests import FlowTests
    from orchestrator.testing.suite import kinds

    found = kinds(project)
    for kind in (*(found[name] for name in sorted(found, reverse=True)), FlowTests(project)):
        cases, broken = kind.collect(wanted)
        if cases or broken:
            screen.title(kind.title)
            for outcome in broken:
                screen.ended(outcome)
            for outcome in kind.run(cases, screen.say):
                screen.ended(outcome)
