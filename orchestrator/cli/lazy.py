"""A command group that imports a command only when it is run or its own help is asked for."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True, slots=True)
class Late:
    """Where a command is, and the line that the group's help shows for it."""

    module: str
    help: str
    attribute: str = "command"


class LazyGroup(click.Group):
    """A group whose commands are named, not imported.

    Args:
        late: The commands by name, in the order help shows them.
    """

    def __init__(self, *args: Any, late: Mapping[str, Late], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._late = dict(late)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in order."""
        return list(self._late)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        late = self._late.get(cmd_name)
        if late is None:
            return None
        command: click.Command = getattr(importlib.import_module(late.module), late.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command named first; for an unknown name the nearest are offered."""
        if args[0] not in self._late and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], self._late, n=3)
            hint = f"did you mean {' or '.join(near)}?" if near else "see --help for the commands."
            raise click.UsageError(f"No such command {args[0]!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, late.help) for name, late in self._late.items()])
