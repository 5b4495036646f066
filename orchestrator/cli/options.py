"""The options that several commands share, and the values they become."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orchestrator.cli.session import Session

if TYPE_CHECKING:
    from orchestrator.model.planning import RunOptions

Command = Callable[..., Any]

#: Parameters that take several values in a row.
SPREAD = ("select", "exclude")
INDIRECT = ("eager", "cautious", "buildable", "empty")
EXECUTORS = ("threads", "inline", "dask")


class Executors(click.Choice[str]):
    """Where tasks run; a cluster has an option of its own, which is pointed to."""

    def __init__(self) -> None:
        super().__init__(EXECUTORS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take one of the names."""
        from orchestrator.presets import PREFIX

        if str(value).startswith(PREFIX):
            name = str(value).removeprefix(PREFIX) or "NAME"
            self.fail(f"{value!r} is a cluster; name it by --cluster {name}", param, ctx)
        return super().convert(value, param, ctx)


def shared(fn: Command) -> Command:
    """Add ``--format`` and ``--project-dir``; the command gets a :class:`Session` in their place."""

    @click.option(
        "--format", "format", type=click.Choice(["text", "json"]), default="text",
        help="For people, or for programs.", show_default=True,
    )  # fmt: skip
    @click.option(
        "--project-dir", type=click.Path(exists=True, file_okay=False, path_type=Path),
        default=".", metavar="DIR",
        help="Look for the project from here upwards, instead of the current folder.",
    )  # fmt: skip
    @click.pass_context
    @wraps(fn)
    def command(ctx: click.Context, /, format: str, project_dir: Path, **rest: Any) -> Any:
        session = ctx.find_object(Session) or Session()
        session.format, session.project_dir = format, project_dir
        return fn(session, **rest)

    return command


def flow_argument(fn: Command) -> Command:
    """Add the optional argument FLOW."""
    return click.argument("flow", default=".", metavar="[FLOW]")(fn)


def parameters(fn: Command) -> Command:
    """Add ``-p name=value``."""
    return click.option(
        "-p", "--param", "parameters", multiple=True, metavar="NAME=VALUE", callback=assignments,
        help="Give a parameter of the flow a value. May be repeated.",
    )(fn)  # fmt: skip


def selection(fn: Command) -> Command:
    """Add ``--select`` and ``--exclude``."""
    for decls, text in (
        (("--exclude",), "Leave these out, in the same words."),
        (
            ("--select", "-s", "--models", "-m"),
            "Only these tasks: names, +name, name+, tag:x, path:models/x, source:x, "
            "changed:REF, wildcards.",
        ),
    ):
        name = "exclude" if "--exclude" in decls else "select"
        fn = click.option(*decls, name, multiple=True, metavar="SELECTOR …", help=text)(fn)
    return fn


def dbt_options(fn: Command) -> Command:
    """Add dbt's own options."""
    path = click.Path()
    for option in (
        click.option("--indirect-selection", type=click.Choice(INDIRECT), help="Which data tests go with what they test: all, or only those whose other tables are selected, too."),
        click.option("--manifest", type=path, metavar="FILE", help="Plan from this manifest.json as it is."),
        click.option("--favor-state", is_flag=True, help="With --defer: prefer --state even to what is built."),
        click.option("--state", type=path, metavar="DIR", help="Folder of an earlier manifest, for state: and --defer."),
        click.option("--defer", is_flag=True, help="Read what is not built here from --state."),
        click.option("--full-refresh", "-f", is_flag=True, help="Build incremental models anew."),
        click.option("--empty", is_flag=True, help="Build with no rows."),
        click.option("--threads", type=click.IntRange(min=1), metavar="N", help="Tasks at the same time."),
        click.option("--profiles-dir", type=path, metavar="DIR", help="Folder of profiles.yml."),
        click.option("--target", "-t", metavar="NAME", help="Target of profiles.yml."),
        click.option("--vars", metavar="YAML", help="dbt vars, as in dbt: '{name: value}'."),
    ):  # fmt: skip
        fn = option(fn)
    return fn


def place(executor: str | None, cluster: str | None) -> str | None:
    """The executor's name for ``--executor`` or ``--cluster``.

    Raises:
        UsageError: Both are given.
    """
    from orchestrator.errors import UsageError
    from orchestrator.presets import PREFIX

    if executor is not None and cluster is not None:
        raise UsageError(
            "--executor and --cluster both say where the run's tasks run",
            fix="leave one of them out",
        )
    return executor if cluster is None else PREFIX + cluster


DBT_NAMES = (
    "vars", "target", "profiles_dir", "threads", "empty", "full_refresh", "defer", "state",
    "favor_state", "manifest", "indirect_selection",
)  # fmt: skip


_PATHS = ("profiles_dir", "state", "manifest")


def run_options(given: dict[str, Any]) -> RunOptions:
    """Take dbt's options out of a command's arguments."""
    from orchestrator.model.planning import RunOptions

    chosen = {name: given.pop(name) for name in DBT_NAMES}
    return RunOptions(**chosen | {name: _seen_from_here(chosen[name]) for name in _PATHS})


def _seen_from_here(path: str | None) -> str | None:
    """Make a path absolute that exists from the current folder; else dbt looks from its project."""
    here = Path(path).expanduser() if path else None
    return str(here.resolve()) if here is not None and here.exists() else path


def summary(fn: Command) -> Command:
    """Add ``--summary FILE``."""
    return click.option(
        "--summary", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
        help="Write how the run ended to this file, as Markdown.",
    )(fn)  # fmt: skip


def assignments(
    ctx: click.Context, param: click.Parameter, values: Sequence[str]
) -> dict[str, str]:
    """Read values of the form ``NAME=VALUE``."""
    found: dict[str, str] = {}
    for value in values:
        name, equals, text = value.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{value!r} is not NAME=VALUE", ctx=ctx, param=param)
        found[name.strip()] = text
    return found
