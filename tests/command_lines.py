"""Reading a command line of ours as the command line itself does, without running it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from orchestrator.cli.main import root
from orchestrator.cli.session import Session


def read(words: Sequence[str]) -> None:
    """Read a command line, from the program's name on; what its reader has made is let be missing.

    Every context is made from the one above it: a command keeps the names of ``--help`` that it
    was first asked with, so a shorter way here would change the help that later tests see.

    Raises:
        click.UsageError: There is no such command, option or choice, or something is left out.
    """
    if words[:1] != ["orchestrator"]:
        raise click.UsageError(f"not a command of ours: {' '.join(words)}")
    name: str | None = words[0]
    args = list(words[1:])
    command: click.Command = root
    above: click.Context | None = None
    try:
        while True:
            here = command.make_context(name, args, parent=above, obj=Session(format="text"))
            if not isinstance(command, click.Group):
                return
            name, found, args = command.resolve_command(here, [*here._protected_args, *here.args])
            assert found is not None
            command, above = found, here
    except click.exceptions.Exit:
        return  # --help and --version
    except click.UsageError as error:
        if "does not exist" not in error.format_message():
            raise
