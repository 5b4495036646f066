"""The JSON Schema of ``orchestrator.toml``: the settings, and what stands in the tables of each kind."""

from __future__ import annotations

import dataclasses
from typing import Any

from orchestrator.kinds import Shape, table_of
from orchestrator.service.notify.rules import KEYS as NOTIFICATIONS
from orchestrator.settings import KEYS, Settings

_PLAIN = (str, int, float, bool)


def settings_schema(warehouse: Shape) -> Shape:
    """Return the shape of ``orchestrator.toml``.

    Args:
        warehouse: The shape of one ``[warehouses.NAME]``, which the library of tasks knows.
    """
    shape = table_of(KEYS)
    properties: dict[str, Any] = shape["properties"]
    for name, default in defaults().items():
        properties[name]["default"] = default
    for name, table in _tables(warehouse).items():
        properties[name] = {**properties[name], "additionalProperties": table}
    return {"title": "orchestrator.toml", **shape}


def defaults() -> dict[str, Any]:
    """The plain values that settings have where nothing sets them."""
    return {
        field.name: field.default
        for field in dataclasses.fields(Settings)
        if isinstance(field.default, _PLAIN)
    }


def _tables(warehouse: Shape) -> dict[str, Shape]:
    notification = {
        "type": "object",
        "properties": NOTIFICATIONS,
        "additionalProperties": False,
        "required": ["url"],
    }
    return {"warehouses": warehouse, "notifications": notification}
