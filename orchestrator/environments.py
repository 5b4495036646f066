"""Environments: the ``[environments.NAME]`` tables of ``orchestrator.toml``, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.kinds import TEXT, TEXTS, Key, Kind, tables_of


@dataclass(frozen=True)
class Environment:
    """Where flows are put into service: dev, ci, prod.

    Args:
        name: As in ``[environments.NAME]``.
        target: dbt's target of its runs; None leaves it to settings and ``profiles.yml``.
        labels: Which agents may take its runs.
        parameters: Defaults by name, for the flows that have such a parameter.
        executor: Where tasks run; None leaves it to flow and settings.

    Example:
        >>> ENVIRONMENTS({"prod": {"target": "snowflake"}})["prod"].target
        'snowflake'
    """

    name: str
    target: str | None = None
    labels: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    executor: str | None = None


def _parameters(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f'expected a table as in {{day = "2026-01-01"}}, got {value!r}')
    # TOML has dates, which the run store keeps as text; parameters read them again.
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in value.items()}


#: Every key of an ``[environments.NAME]`` table.
ENVIRONMENT_KEYS: dict[str, Key] = {
    "target": Key(TEXT, "dbt's target of its runs", "as the settings say"),
    "labels": Key(TEXTS, "only agents with these labels take its runs", "none"),
    "parameters": Key(
        Kind(_parameters, {"type": "object"}),
        "other defaults for the flows that have such parameters",
        "none",
    ),
    "executor": Key(TEXT, "where tasks run", "as the flow and the settings say"),
}

#: The ``[environments.NAME]`` tables as a kind of value.
ENVIRONMENTS = tables_of("environments", ENVIRONMENT_KEYS, Environment)
