"""Reads the text of a SQL task: its file, its front matter apart, what its Jinja may name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from orchestrator.errors import ConfigurationError, ProjectError
from orchestrator.model.planning import Planning
from tasks.sql.front_matter import front_matter_of
from tasks.sql.script import Script, Transaction
from tasks.sql.templates import ResolveRef, Template


@dataclass(frozen=True)
class SqlText:
    """A text and what it says of its task.

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
    return text_of(Script(text, shown))


def text_of(script: Script) -> SqlText:
    """Read what a text says of its task.

    Raises:
        FlowError: Its front matter is wrong.
    """
    said = front_matter_of(script)
    return SqlText(replace(script, transaction=said.get("transaction", Transaction.ON)), said)


def template_of(
    script: Script,
    planning: Planning,
    *,
    dialect: str,
    params: Mapping[str, Any] | None = None,
    this: str | None = None,
    incremental: bool | None = None,
) -> Template:
    """Put together a text and what its Jinja may name.

    Args:
        script: What was read.
        planning: The run's ``vars``.
        dialect: Of the SQL.
        params: What ``{{ params.name }}`` gives.
        this: The table that the SELECT is made into, if it is.
        incremental: What ``is_incremental()`` gives, if it is there.

    Raises:
        ConfigurationError: The run's ``vars`` are no YAML mapping.
    """
    variables = _variables(planning.options.vars)
    return Template(script, dialect, dict(params or {}), variables, this, incremental)


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


def manifest_resolver(planning: Planning) -> ResolveRef:
    """What ``ref`` and ``source`` stand for by dbt's manifest of the project."""

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
