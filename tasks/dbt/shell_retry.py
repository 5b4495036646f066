"""The command of a later attempt: ``dbt retry`` where an earlier one left results to go on from."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.model import context
from tasks.dbt.shell_places import places_of, target_folder, words_of
from tasks.dbt.shell_said import BROKEN

#: Variables of this beginning are written by dbt into the results: so a file tells whose it is.
_PREFIX = "DBT_ENV_CUSTOM_ENV_"
_MARK = "ORCHESTRATOR_ATTEMPTS_OF"
#: The commands that ``dbt retry`` can go on with.
_RETRIED = frozenset(
    {"build", "clone", "compile", "run", "run-operation", "seed", "snapshot", "test"}
)
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
    words = words_of(command)
    if running is None or running.attempt < 2 or not words:
        return None
    places = places_of(words)
    if places is None or not _RETRIED & set(words):
        return None
    results = _read(target_folder(places, folder, env) / "run_results.json")
    left = [r for r in results.get("results", []) if str(r.get("status")).lower() in _LEFT_OVER]
    told = (results.get("metadata") or {}).get("env") or {}
    if not left or told.get(_MARK) != marked()[_PREFIX + _MARK]:
        return None
    kept = [word for name, value in places.items() for word in (name, value)]
    return Again(shlex.join(["dbt", "retry", *kept]), len(left))


def _read(file: Path) -> dict[str, Any]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
