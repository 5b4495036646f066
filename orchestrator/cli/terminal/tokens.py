"""A list of tokens as people read it: who, what they may do, whether it is good, when it was used."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from orchestrator import instants
from orchestrator.cli.terminal.text import one_line, padded
from orchestrator.store.access import Token


def table(tokens: Sequence[Token], width: int) -> list[Text]:
    """Draw tokens, as given."""
    if not tokens:
        return [Text("no tokens; orchestrator tokens create NAME --role view makes one")]
    longest = max(len(one_line(token.name)) for token in tokens)
    lines: list[Text] = []
    for token in tokens:
        name = padded(one_line(token.name), min(longest, max(width - 60, 12)))
        line = Text.assemble((name, "bold"), f"  {token.role:<5}  {_standing(token)}")
        line.truncate(width, overflow="ellipsis")
        lines.append(line)
    return lines


def _standing(token: Token) -> str:
    now = instants.now()
    if token.revoked is not None:
        return f"revoked {token.revoked:%Y-%m-%d %H:%M} UTC"
    used = f"last used {token.last_used:%Y-%m-%d %H:%M} UTC" if token.last_used else "never used"
    if token.expires is None:
        return used
    ends = "expired" if token.expires <= now else "good until"
    return f"{used}, {ends} {token.expires:%Y-%m-%d %H:%M} UTC"
