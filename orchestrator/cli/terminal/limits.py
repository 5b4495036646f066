"""A list of limits as people read it: how many slots, how many taken, by which runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from orchestrator.cli.terminal.text import one_line, padded

if TYPE_CHECKING:
    from orchestrator.service.limits import KnownLimit


def table(limits: Sequence[KnownLimit], width: int) -> list[Text]:
    """Draw limits, as given."""
    from orchestrator.engine.driving.limits import taken

    if not limits:
        return [Text("no limits; orchestrator limits set tag:NAME 2 sets one")]
    longest = max(len(one_line(known.limit.name)) for known in limits)
    lines: list[Text] = []
    for known in limits:
        name = padded(one_line(known.limit.name), min(longest, max(width - 40, 12)))
        text = Text.assemble((name, "bold"), f"  {taken(known.limit)}")
        if known.origin is not None:
            text.append(f"  ({one_line(known.origin)})", style="dim")
        text.truncate(width, overflow="ellipsis")
        lines.append(text)
    return lines
