"""Environments: the ``[environments.NAME]`` tables of ``orchestrator.toml``, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.kinds import TEXT, Key, Kind, table_of
from orchestrator.presets import nearest


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
        >>> read_environments({"prod": {"target": "snowflake"}})["prod"].target
        'snowflake'
    """

    name: str
    target: str | None = None
    labels: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    executor: str | None = None


def read_environments(value: object) -> dict[str, Environment]:
    """Read the ``[environments.NAME]`` tables.

    Raises:
        ValueError: One of them cannot be read; it names the table and the key.
    """
    if not isinstance(value, Mapping):
        raise ValueError(f"expected tables [environments.NAME], got {value!r}")
    return {str(name): _environment(str(name), table) for name, table in value.items()}


def _environment(name: str, table: object) -> Environment:
    if not isinstance(table, Mapping):
        raise ValueError(f"expected a table [environments.{name}], got a plain value")
    return Environment(name, **{key: _value(name, key, value) for key, value in table.items()})


def _value(name: str, key: str, value: object) -> Any:
    if key not in ENVIRONMENT_KEYS:
        hint = nearest(key, ENVIRONMENT_KEYS)
        raise ValueError(f"unknown key {key!r} in [environments.{name}]; {hint}")
    try:
        return ENVIRONMENT_KEYS[key].kind(value)
    except ValueError as error:
        raise ValueError(f"{key} in [environments.{name}]: {error}") from None


def _labels(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f'expected words as in labels = ["warehouse"], got {value!r}')
    return tuple(value)


def _parameters(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ValueError(f'expected a table as in {{day = "2026-01-01"}}, got {value!r}')
    # TOML has dates, which the run store keeps as text; parameters read them again.
    return {k: v.isoformat() if hasattr(v, "isoformat") else v for k, v in value.items()}


#: Every key of an ``[environments.NAME]`` table.
ENVIRONMENT_KEYS: dict[str, Key] = {
    "target": Key(TEXT, "dbt's target of its runs", "as the settings say"),
    "labels": Key(
        Kind(_labels, {"type": "array", "items": {"type": "string", "minLength": 1}}),
        "only agents with these labels take its runs",
        "none",
    ),
    "parameters": Key(
        Kind(_parameters, {"type": "object"}),
        "other defaults for the flows that have such parameters",
        "none",
    ),
    "executor": Key(TEXT, "where tasks run", "as the flow and the settings say"),
}

#: The ``[environments.NAME]`` tables as a kind of value.
ENVIRONMENTS = Kind(
    read_environments, {"type": "object", "additionalProperties": table_of(ENVIRONMENT_KEYS)}
)
