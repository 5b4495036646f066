"""``orchestrator init``: begin a project from a template, or bring one up to the newest version of its."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli import options
from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from rich.text import Text

    from orchestrator.service.starting.rendering import Draft
    from orchestrator.service.starting.updating import Updated


@click.command("init")
@click.argument("name", required=False, metavar="[NAME]", type=click.Path())
@click.option(
    "--template", metavar="TEMPLATE",
    help="analytics, flow, dbt-existing or platform; or the address of a copier template.",
)  # fmt: skip
@click.option("--defaults", is_flag=True, help="Ask nothing.")
@click.option(
    "--data", multiple=True, metavar="NAME=VALUE", callback=options.assignments,
    help="Answer a question of the template. May be repeated.",
)  # fmt: skip
@click.option(
    "--update", is_flag=True,
    help="Merge the template's newest version into the project in NAME, or here.",
)  # fmt: skip
@click.option(
    "--format", "format", type=click.Choice(["text", "json"]), default="text",
    help="For people, or for programs.", show_default=True,
)  # fmt: skip
@click.pass_context
def command(
    ctx: click.Context, name: str | None, template: str | None, defaults: bool,
    data: dict[str, str], update: bool, format: str,
) -> None:  # fmt: skip
    """Begin a project in the folder NAME, from a template; nothing there is written over unasked.

    Where output goes to no terminal, nothing is asked. A project remembers its template and the
    answers; --update merges what is new in the template with what was changed in the project.

    \b
    orchestrator init demo
    orchestrator init . --template dbt-existing --data timezone=Europe/Berlin
    orchestrator init --update
    """
    session = ctx.find_object(Session) or Session()
    session.format = format
    if update:
        if template is not None:
            raise click.UsageError("--update goes by the project's own template", ctx)
        _update(session, Path(name or ""), data)
    elif not name:  # or a variable of a script that is empty would mean the folder one is in
        raise click.UsageError("name the folder of the project: orchestrator init demo", ctx)
    else:
        asks = not (defaults or session.json) and sys.stdin.isatty() and sys.stdout.isatty()
        if not session.json and template is None:
            _tell_of_dbt_around(session, Path(name))
        _start(session, Path(name), template, data, asks)


def _tell_of_dbt_around(session: Session, name: Path) -> None:
    """Say, before anything is asked, that the dbt project around a new folder can be adopted."""
    from orchestrator.service.starting.placing import dbt_project_around

    found = dbt_project_around(name)
    if found is not None:
        shown = _typed(Path(os.path.relpath(found)))
        session.console(stderr=True).print(
            f"{shown} is a dbt project: orchestrator init {shown} adopts it as it is; "
            f"{_typed(name)} becomes a project of its own",
            soft_wrap=True,
        )


def _start(
    session: Session, name: Path, template: str | None, data: dict[str, str], asks: bool
) -> None:
    from orchestrator.service.starting.placing import in_the_way, place
    from orchestrator.service.starting.rendering import drafted

    with drafted(name, template, data, ask=asks) as draft:
        blocked = in_the_way(draft)
        written = place(draft, overwrite=bool(blocked) and asks and _may(blocked))
        session.show(lambda: _shape(draft, written), lambda width: _picture(draft, written, name))


def _may(blocked: tuple[Path, ...]) -> bool:
    click.echo("These files are there already:")
    for path in blocked:
        click.echo(f"  {path.as_posix()}")
    return click.confirm("Write over them?", default=False)


def _update(session: Session, name: Path, data: dict[str, str]) -> None:
    from orchestrator.service.starting.updating import update

    done = update(name, data)
    session.show(lambda: _update_shape(done), lambda width: _update_picture(done))
    if done.conflicts:
        raise SystemExit(1)


def _shape(draft: Draft, written: tuple[Path, ...]) -> dict[str, Any]:
    return {
        "folder": str(draft.target),
        "template": draft.template,
        "version": draft.version,
        "answers": dict(draft.answers),
        "written": [path.as_posix() for path in written],
    }


def _picture(draft: Draft, written: tuple[Path, ...], name: Path) -> list[Text]:
    from rich.text import Text

    version = f" {draft.version}" if draft.version else ""
    lines = [
        Text(f"{draft.target.name}: {len(written)} files from template {draft.template}{version}")
    ]
    lines += [
        Text(f"  {key}: {value}") for key, value in draft.answers.items() if key != "template"
    ]
    go = "" if draft.target == Path.cwd() else f"cd {_typed(name)} && "
    if (draft.target / "flows" / "nightly.py").is_file():
        lines.append(Text(f"next: {go}orchestrator run nightly"))
    elif (draft.target / "README.md").is_file():
        lines.append(Text(f"next: {name / 'README.md'} tells the rest"))
    return lines


def _typed(folder: Path) -> str:
    """A folder as it is typed after ``cd``."""
    path = str(folder.expanduser())
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def _update_shape(done: Updated) -> dict[str, Any]:
    return {
        "folder": str(done.target),
        "before": done.before,
        "after": done.after,
        "changed": [path.as_posix() for path in done.changed],
        "conflicts": [path.as_posix() for path in done.conflicts],
    }


def _update_picture(done: Updated) -> list[Text]:
    from rich.text import Text

    if done.before == done.after and not done.changed:
        return [Text(f"{done.target.name} is at {done.after} of its template: nothing to do")]
    lines = [Text(f"{done.target.name}: from {done.before} to {done.after} of its template")]
    lines += [
        Text(f"  {'both changed' if path in done.conflicts else 'changed'}  {path.as_posix()}")
        for path in done.changed
    ]
    if done.conflicts:
        lines.append(Text("settle what both changed between <<<<<<< and >>>>>>>, then git add it"))
    else:
        lines.append(Text("look at it with git diff, and commit it"))
    return lines
