"""A list of notifications as people read it: when, where to, what, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import one_line, padded

if TYPE_CHECKING:
    from orchestrator.store.outbox import Notification

_COLOURS = {"pending": "yellow", "sent": "green", "dead": "bold red"}
_LONGEST = 24


def table(found: Sequence[Notification], width: int) -> list[Text]:
    """Draw notifications, as given: one line each, and one more for what went wrong."""
    if not found:
        return [Text("no notifications; docs: [notifications.NAME] in orchestrator.toml")]
    longest = min(max(len(one_line(each.target)) for each in found), _LONGEST)
    return [line for each in found for line in _lines(each, longest, width)]


def _lines(each: Notification, longest: int, width: int) -> list[Text]:
    state = each.state.value
    first = Text.assemble(
        f"{each.id:>5}  ",
        (f"{state:<7}", _COLOURS[state]),
        f"  {each.created.astimezone():%Y-%m-%d %H:%M}  ",
        padded(one_line(each.target), longest),
        f"  {one_line(str(each.payload.get('title', each.kind)))}",
    )
    first.truncate(width, overflow="ellipsis")
    if not each.error:
        return [first]
    tries = "1 try" if each.attempts == 1 else f"{each.attempts} tries"
    why = Text(f"{'':7}{tries}: {one_line(each.error)}", style="dim")
    why.truncate(width, overflow="ellipsis")
    return [first, why]
