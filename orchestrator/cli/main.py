"""The command ``orchestrator``: finds the command asked for, and turns every end into an exit code.

Exit codes: 0 done, 1 the run failed, 2 usage or configuration, 3 infrastructure, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import click

from orchestrator.cli import endings
from orchestrator.cli.lazy import Late, LazyGroup
from orchestrator.cli.session import Session

_HERE = "orchestrator.cli.commands."
COMMANDS = {
    "init": Late(_HERE + "init", "Begin a project from a template, or update it from there."),
    "run": Late(_HERE + "run", "Run a flow."),
    "test": Late(_HERE + "test", "Run dbt unit tests, SQL tests and flow tests together."),
    "plan": Late(_HERE + "plan", "Show what would run, in what order, and why; run nothing."),
    "why": Late(_HERE + "why", "Show what a task waits for and the evidence of each edge."),
    "lineage": Late(_HERE + "lineage", "Show what feeds a table or a column, and what it feeds."),
    "runs": Late(_HERE + "runs", "List, show, follow, retry, cancel and steer runs."),
    "limits": Late(_HERE + "limits", "Show and set how much may run at the same time."),
    "flows": Late(_HERE + "flows", "List the project's flows."),
    "check": Late(_HERE + "check", "Check that flows keep to the project's policy."),
    "deploy": Late(_HERE + "deploy", "Put flows into service at the version of their code."),
    "deployments": Late(
        _HERE + "deployments", "Show, roll back, pause and delete what is deployed."
    ),
    "schedule": Late(_HERE + "schedule", "Show when flows run by themselves."),
    "serve": Late(_HERE + "serve", "Scheduler, agent and HTTP API, all in one process."),
    "scheduler": Late(_HERE + "scheduler", "Make the runs that are due, and nothing else."),
    "agent": Late(_HERE + "agent", "Take runs that are due, and launch them."),
    "api": Late(_HERE + "api", "Answer over HTTP."),
    "tokens": Late(_HERE + "tokens", "Make, list and revoke tokens of the API."),
    "execute": Late(_HERE + "execute", "Run what is written down in the store; agents launch it."),
    "notifications": Late(_HERE + "notifications", "Show what people are told of; send a test."),
    "schema": Late(_HERE + "schema", "Print the JSON Schema of a file, for editors."),
    "doctor": Late(_HERE + "doctor", "Check that everything a run needs is there."),
}


def _version(ctx: click.Context, param: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version("analytics-orchestrator")
        except PackageNotFoundError:
            found = "(not installed)"
        click.echo(f"orchestrator {found}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    late=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--version", is_flag=True, callback=_version, expose_value=False, is_eager=True,
    help="Show the version and exit.",
)  # fmt: skip
def root() -> None:
    """Runs dbt, SQL and Python in one graph that is derived, not declared.

    In a dbt project as it stands, `orchestrator run .` builds it. FLOW may be left out where
    there is only one.
    """


def execute(args: Sequence[str]) -> int:
    """Run one command line.

    Returns:
        The exit code.
    """
    session = Session(format=_format(args))
    try:
        code = root.main(
            args=list(args), prog_name="orchestrator", standalone_mode=False, obj=session
        )
        sys.stdout.flush()
    except BaseException as error:
        return endings.ending(error, session)
    return code if isinstance(code, int) else 0


def _format(args: Sequence[str]) -> str:
    """Which format is asked for, known even where the rest of the line cannot be read."""
    pairs = zip(args, [*args[1:], ""], strict=True)
    return (
        "json"
        if any(a == "--format=json" or (a, b) == ("--format", "json") for a, b in pairs)
        else "text"
    )


def main() -> NoReturn:
    """Run the command line of this process."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character shows a question mark; it does not end the run.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    sys.exit(execute(sys.argv[1:]))


if __name__ == "__main__":
    main()
