"""The command of a later attempt: ``dbt retry`` where an earlier one left results to go on from."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.model import context
from tasks.dbt.shell_said import BROKEN

#: Variables of this beginning are written by dbt into the results: so a file tells whose it is.
_PREFIX = "DBT_ENV_CUSTOM_ENV_"
_MARK = "ORCHESTRATOR_ATTEMPTS_OF"
#: The commands that ``dbt retry`` can go on with.
_RETRIED = frozenset(
    {"build", "clone", "compile", "run", "run-operation", "seed", "snapshot", "test"}
)
#: What ``dbt retry`` does not take from the earlier command: where things are.
_PLACES = ("--project-dir", "--profiles-dir", "--target-path", "--log-path")
_LEFT_OVER = BROKEN | {"skipped"}


@dataclass(frozen=True, slots=True)
class Again:
    """What a later attempt runs.

    Args:
        command: ``dbt retry`` with the options that say where things are.
        nodes: How many nodes failed or were skipped before.
    """

    command: str
    nodes: int


def marked() -> dict[str, str]:
    """Return the variable by which the results of this task run are known later."""
    running = context.active()
    return {_PREFIX + _MARK: f"{running.run_id}/{running.task}"} if running else {}


def again(command: str, folder: Path, env: Mapping[str, Any]) -> Again | None:
    """Return what this attempt runs in the place of a command, or None for the command itself.

    ``dbt retry`` stands in for one plain dbt command if an earlier attempt of the same task run
    wrote ``run_results.json``, nobody wrote it since, and a node is left to do.

    Args:
        command: The text of the command.
        folder: Where it runs.
        env: Variables given to it.
    """
    running = context.active()
    words = _words(command)
    if running is None or running.attempt < 2 or not words:
        return None
    places = _places(words)
    if places is None or not _RETRIED & set(words):
        return None
    results = _read(_results(places, folder, env))
    left = [r for r in results.get("results", []) if str(r.get("status")).lower() in _LEFT_OVER]
    told = (results.get("metadata") or {}).get("env") or {}
    if not left or told.get(_MARK) != marked()[_PREFIX + _MARK]:
        return None
    kept = [word for name, value in places.items() for word in (name, value)]
    return Again(shlex.join(["dbt", "retry", *kept]), len(left))


def _words(command: str) -> Sequence[str]:
    """The words of a text that is one dbt command and nothing else; else none."""
    lexer = shlex.shlex(command.replace("\\\n", " ").strip(), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    try:
        words = list(lexer)
    except ValueError:
        return ()
    several = any(word and set(word) <= set("();<>|&") for word in words)
    if several or "\n" in command.replace("\\\n", " ").strip() or words[:1] != ["dbt"]:
        return ()
    return words


def _places(words: Sequence[str]) -> dict[str, str] | None:
    """The options that say where things are; None if the shell has a say in one of them."""
    found: dict[str, str] = {}
    for position, word in enumerate(words):
        name, given, value = word.partition("=")
        if name in _PLACES:
            value = value if given else "".join(words[position + 1 : position + 2])
            if not value or any(sign in value for sign in "$`~*?[{"):
                return None
            found[name] = value
    return found


def _results(places: Mapping[str, str], folder: Path, env: Mapping[str, Any]) -> Path:
    def place(option: str, variable: str) -> str | None:
        named = env.get(variable, os.environ.get(variable))
        return places.get(option) or (str(named) if named else None)

    project = folder / (place("--project-dir", "DBT_PROJECT_DIR") or ".")
    target = place("--target-path", "DBT_TARGET_PATH") or _target_path(project)
    return project / target / "run_results.json"


def _target_path(project: Path) -> str:
    from orchestrator.errors import OrchestratorError
    from tasks.dbt.profiles import read_project

    try:
        return str(read_project(str(project)).get("target-path") or "target")
    except OrchestratorError:
        return "target"  # dbt will say what is wrong with the project


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
