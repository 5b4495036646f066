"""``orchestrator schema``: what a file may say, as JSON Schema, for editors."""

from __future__ import annotations

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

_FILES = ("settings", "policy", "front-matter")
_EPILOG = (
    "settings is orchestrator.toml, policy is policy.toml, front-matter is the lines"
    " -- orchestrator: of SQL files."
)


@click.command("schema", epilog=_EPILOG)
@click.argument("file", type=click.Choice(_FILES))
@click.option(
    "--snippets", is_flag=True, help="With front-matter: snippets for VS Code in its place."
)
@options.shared
def command(session: Session, file: str, snippets: bool) -> None:
    """Print the JSON Schema of a file, for editors.

    orchestrator schema settings > settings.schema.json
    """
    from orchestrator import schemas

    if snippets and file != "front-matter":
        raise click.UsageError("--snippets are for front-matter; TOML files have schemas")
    click.echo(schemas.snippets() if snippets else schemas.text_of(file), nl=False)
