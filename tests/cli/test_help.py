"""Help starts at once: no command's help imports what only a run needs."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = [
    "dbt",
    "sqlalchemy",
    "distributed",
    "dask",
    "duckdb",
    "sqlglot",
    "pandas",
    "alembic",
    "jinja2",
]
PROGRAM = """
import json, sys
from orchestrator.cli.main import execute
code = execute(json.loads(sys.argv[1]))
heavy = [name for name in json.loads(sys.argv[2]) if name in sys.modules]
print(json.dumps([code, heavy]))
"""
COMMANDS = [
    "init", "run", "test", "plan", "why", "lineage", "runs", "limits", "flows", "check", "deploy",
    "deployments", "schedule", "serve", "scheduler", "agent", "api", "tokens", "execute",
    "notifications", "schema", "doctor",
]  # fmt: skip
BELOW = {
    "runs": ["list", "show", "logs", "retry", "cancel", "approve", "resume", "mark", "watch"],
    "limits": ["list", "set"],
    "tokens": ["create", "list", "revoke"],
    "deployments": ["list", "show", "drift", "rollback", "pause", "resume", "delete"],
    "notifications": ["list", "retry", "deliver", "test"],
    "schedule": ["preview", "list", "pause", "resume", "backfill"],
}


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["--version"],
        *([c, "--help"] for c in COMMANDS),
        *([group, c, "-h"] for group, below in BELOW.items() for c in below),
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(args: list[str]) -> None:
    command = [sys.executable, "-c", PROGRAM, json.dumps(args), json.dumps(HEAVY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == [0, []]
    assert len(done.stdout.splitlines()) > 1


def test_every_command_has_a_format_for_programs() -> None:
    import click

    from orchestrator.cli.main import root

    def leaves(command: click.Command) -> list[click.Command]:
        if not isinstance(command, click.Group):
            return [command]
        context = click.Context(command)
        found = [command.get_command(context, name) for name in command.list_commands(context)]
        return [leaf for each in found if each is not None for leaf in leaves(each)]

    assert len(leaves(root)) == len(COMMANDS) - len(BELOW) + sum(map(len, BELOW.values()))
    for leaf in leaves(root):
        assert "format" in {param.name for param in leaf.params}, leaf.name
