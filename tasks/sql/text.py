"""Reads the text of a SQL task: from its file, its front matter apart, its Jinja rendered."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import ConfigurationError, ProjectError, SqlError
from orchestrator.model.planning import Planning
from tasks.sql.front_matter import read_front_matter
from tasks.sql.script import Script, Transaction

_JINJA = re.compile(r"\{\{|\{%|\{#")

#: Gives what stands in the SQL for ``("ref", "model")`` or ``("source", "name", "table")``.
ResolveRef = Callable[[tuple[str, ...]], str]


@dataclass(frozen=True)
class SqlText:
    """A text and what its file says of the task.

    Args:
        script: The text to run.
        said: The front matter.
    """

    script: Script
    said: Mapping[str, Any]


def read_sql_file(path: str, shown: str) -> SqlText:
    """Read a file.

    Args:
        path: The file.
        shown: Its path in messages, relative to the project.

    Raises:
        ProjectError: It is missing or no UTF-8 text.
        FlowError: Its front matter is wrong.
    """
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ProjectError(
            f"the SQL file {shown} cannot be read: {reason}",
            where=str(path),
            fix="paths are relative to the project's folder",
        ) from None
    said = read_front_matter(text, shown)
    transaction = said.get("transaction", Transaction.ON)
    return SqlText(Script(text, shown, transaction=transaction), said)


def rendered(
    script: Script,
    planning: Planning,
    *,
    params: Mapping[str, Any] | None = None,
    resolve_ref: ResolveRef | None = None,
) -> Script:
    """Render the Jinja of a script; one without any comes back as it is.

    Args:
        script: What was read.
        planning: The run's ``vars``, and where dbt's manifest is.
        params: What ``{{ params.name }}`` gives.
        resolve_ref: What ``ref()`` and ``source()`` give; looked up in dbt's manifest if left out.

    Raises:
        SqlError: A name in it is not known, or it is no Jinja.
    """
    if not _JINJA.search(script.text):
        return script
    from orchestrator.lineage.sql.jinja import render

    resolve = resolve_ref or _manifest_resolver(planning)
    made = render(
        script.text,
        ref=lambda *names, **_: resolve(("ref", *names)),
        source=lambda name, table: resolve(("source", name, table)),
        var=_variables(planning.options.vars),
        env_var=os.environ,
        params=params or {},
    )
    if made.problems:
        problem = made.problems[0]
        raise SqlError(
            f"the Jinja in {script.file or 'the SQL'} cannot be rendered: {problem.message}",
            where=script.at(problem.line),
            fix="known are ref, source, var, env_var and params",
        )
    return replace(script, text=made.sql, lines=made.lines)


def _variables(text: str | None) -> Mapping[str, Any]:
    try:
        read = yaml.safe_load(text) if text else {}
    except yaml.YAMLError:
        read = None
    if isinstance(read, dict):
        return read
    raise ConfigurationError(
        "the vars are no YAML mapping", where=text, fix="write --vars '{name: value}'"
    )


def _manifest_resolver(planning: Planning) -> ResolveRef:
    def resolve(call: tuple[str, ...]) -> str:
        from tasks.dbt.relations import relation_of

        return relation_of(call, manifest_path(planning))

    return resolve


def manifest_path(planning: Planning) -> Path:
    """Where dbt's manifest of the project is, or would be."""
    if planning.options.manifest:
        return planning.root / planning.options.manifest
    usual = planning.root / "target" / "manifest.json"
    if usual.is_file():
        return usual
    below = sorted(planning.root.glob("*/target/manifest.json"))
    return below[0] if len(below) == 1 else usual
