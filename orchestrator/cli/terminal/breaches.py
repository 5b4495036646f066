"""What ``orchestrator check`` shows: a paragraph for each breach, then what was looked at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import clean, counted

if TYPE_CHECKING:
    from orchestrator.service.policy.breaches import Breach, Report


def report(found: Report | None) -> list[Text]:
    """Draw what looking at a project came to.

    Example:
        >>> print(report(None)[0].plain)
        nothing to check: the project has no policy.toml
    """
    if found is None:
        return [Text("nothing to check: the project has no policy.toml")]
    rows: list[Text] = []
    for breach in found.breaches:
        rows += [*_paragraph(breach), Text("")]
    for excused in found.excused:
        told = f"excused  {excused.breach.where}: {excused.breach.rule}: {excused.reason}"
        rows.append(Text(clean(f"{told} ({excused.set_at})"), style="dim"))
    rows += [Text(clean(f"note     {note}"), style="dim") for note in found.notes]
    return [*rows, *_summary(found)]


def _paragraph(breach: Breach) -> Iterator[Text]:
    word = ("refused", "bold red") if breach.refuses else ("warning", "yellow")
    first, *rest = clean(str(breach)).splitlines()
    yield Text.assemble(word, "  ", first)
    yield from (Text(f"       {line}") for line in rest)


def _summary(found: Report) -> Iterator[Text]:
    refused, warned = len(found.refused), len(found.warned)
    looked = (
        f"{counted(len(found.flows), 'flow')}, {counted(found.tasks, 'task')}, "
        f"{counted(found.statements, 'statement')} of SQL, {counted(len(found.rules), 'rule')}"
    )
    if refused:
        told = f"{refused} refused, {warned} {'warning' if warned == 1 else 'warnings'}"
        yield Text(f"{told}: {looked}", style="bold red")
    else:
        more = f", with {counted(warned, 'warning')}" if warned else ""
        yield Text(f"everything keeps to policy.toml{more}: {looked}", style="green")
    yield Text("rules: " + (", ".join(found.rules) or "none is set"), style="dim")
