"""``orchestrator doctor``: whether everything a run needs is there, each with its next step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from rich.text import Text

    from orchestrator.cli.check import Check


@click.command("doctor")
@click.option("--target", "-t", metavar="NAME", help="Target of profiles.yml.")
@click.option("--profiles-dir", type=click.Path(), metavar="DIR", help="Folder of profiles.yml.")
@options.shared
def command(session: Session, target: str | None, profiles_dir: str | None) -> int:
    """Check versions, time zones, project, run store, agents, disk, profile, database file and clusters.

    Nothing is run, and no cluster is opened.
    """
    from orchestrator.cli import checks

    found = checks.all_checks(session, target=target, profiles_dir=profiles_dir)
    session.show(
        lambda: {"checks": [_shape(check) for check in found]},
        lambda width: [row for check in found for row in _rows(check)],
    )
    return max(check.exit_code for check in found)


def _shape(check: Check) -> dict[str, Any]:
    """``name``, ``ok``, ``found``, ``fix``."""
    return {
        "name": check.name,
        "ok": check.exit_code == 0,
        "found": check.found,
        "fix": check.fix,
    }


def _rows(check: Check) -> list[Text]:
    from rich.text import Text

    from orchestrator.cli.terminal.text import clean

    ok = check.exit_code == 0
    first, *rest = clean(check.found).splitlines() or [""]
    word = ("ok   ", "green") if ok else ("WRONG", "bold red")
    rows = [Text.assemble(word, f"  {check.name:<12}  {first}")]
    rows += [Text(f"{'':21}{row}") for row in rest]
    return [*rows, Text(f"{'':21}fix: {clean(check.fix)}")] if check.fix and not ok else rows
