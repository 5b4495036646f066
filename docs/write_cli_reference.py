"""Writes docs/cli.md from the help of the commands themselves.

python docs/write_cli_reference.py            # writes it
python docs/write_cli_reference.py --check    # says whether it is up to date
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from reference_page import keep

from orchestrator.cli.main import root

PAGE = Path(__file__).with_name("cli.md")
COMMAND = "orchestrator"
WIDE = 90
OPENING = f"""\
# Commands

This page is written from the commands' own help by `python docs/write_cli_reference.py`.

Every command but `{COMMAND}` itself has `--format json`, for programs: one JSON document, or, from
`run`, `runs retry`, `runs watch` and `runs logs`, one line of JSON for each event. The project is looked for from
the current folder (or `--project-dir`) upwards.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the run failed |
| 2 | usage or configuration, or another process holds the database file: nothing ran |
| 3 | infrastructure: the run store, a cluster |
| 130 | interrupted |
"""


def page() -> str:
    """Return the text of the page."""
    parts = [OPENING]
    for words, command in commands(root, (COMMAND,)):
        name = " ".join(words)
        parts.append(f"## {name}\n\n```text\n{help_of(words, command)}\n```\n")
    return "\n".join(parts)


def commands(
    command: click.Command, words: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk through a command and all below it, in the order help lists them."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=words[-1])
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            if found is not None:
                yield from commands(found, (*words, name))


def help_of(words: tuple[str, ...], command: click.Command) -> str:
    """Return the help that a command prints, at a width of its own whatever the terminal's is."""
    settings = {**command.context_settings, "help_option_names": ["-h", "--help"]}
    settings |= {"terminal_width": WIDE, "max_content_width": WIDE}
    parent = click.Context(root, info_name=" ".join(words[:-1])) if words[:-1] else None
    context = command.context_class(command, info_name=words[-1], parent=parent, **settings)
    text = command.get_help(context)
    return "\n".join(line.rstrip() for line in text.splitlines())


def main() -> int:
    """Write the page, or compare it."""
    return keep(PAGE, page())


if __name__ == "__main__":
    sys.exit(main())
