"""An error as one screen: what happened, where, and what to do next."""

from __future__ import annotations

from rich.text import Text

from orchestrator.cli.terminal.text import clean
from orchestrator.errors import OrchestratorError

#: Lines of one part that are shown; foreign tools can be wordy.
_MOST = 30


def picture(error: OrchestratorError) -> list[Text]:
    """Draw an error.

    Example:
        >>> for line in picture(OrchestratorError("no flow named 'nigtly'", fix="try 'nightly'")):
        ...     print(line.plain)
        error  no flow named 'nigtly'
        fix    try 'nightly'
    """
    lines = _part("error", "bold red", error.what)
    if error.where:
        lines += _part("where", "dim", error.where)
    if error.fix:
        lines += _part("fix", "bold", error.fix)
    return lines


def _part(label: str, style: str, said: str) -> list[Text]:
    rows = clean(said).rstrip().splitlines() or [""]
    if len(rows) > _MOST:
        rows = [*rows[:_MOST], f"… {len(rows) - _MOST:,} more lines"]
    first = Text.assemble((f"{label:<5}", style), "  ", rows[0])
    return [first, *(Text(f"       {row}".rstrip()) for row in rows[1:])]
