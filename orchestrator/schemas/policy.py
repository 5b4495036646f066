"""The JSON Schema of ``policy.toml``, made of the table of its keys."""

from __future__ import annotations

import dataclasses
from typing import Any

from orchestrator.kinds import Shape, table_of
from orchestrator.service.policy.keys import BELONGS, TABLES, Form, Table


def policy_schema() -> Shape:
    """Return the shape of ``policy.toml``."""
    return {
        "title": "policy.toml",
        "type": "object",
        "properties": {name: _shape(name, table) for name, table in TABLES.items()},
        "additionalProperties": False,
    }


def defaults(table: Table) -> dict[str, Any]:
    """What holds where a key of a table is left out, for the keys that have such a value."""
    found = {}
    for field in dataclasses.fields(table.rule):
        make = field.default_factory
        default = field.default if make is dataclasses.MISSING else make()
        if field.name in table.keys and default not in (None, dataclasses.MISSING):
            found[field.name] = list(default) if isinstance(default, tuple) else default
    return found


def _shape(name: str, table: Table) -> Shape:
    one = table_of(table.keys)
    for key, default in defaults(table).items():
        one["properties"][key]["default"] = default
    if name == "teams":
        one["anyOf"] = [
            {"required": [key], "properties": {key: {"minItems": 1}}} for key in BELONGS
        ]
    described = {"description": table.says}
    if table.form is Form.NAMED:
        return {"type": "object", "additionalProperties": one, **described}
    if table.form is Form.LIST:
        return {"type": "array", "items": one, **described}
    return {**one, **described}
