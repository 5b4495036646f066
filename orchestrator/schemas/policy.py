"""The JSON Schema of ``policy.toml``, made of the table of its keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.kinds import Shape
from orchestrator.service.policy.keys import BELONGS, TABLES, Key, Kind, Table
from orchestrator.service.policy.keys import Shape as Form
from orchestrator.settings import KEYS

_TEXT: Shape = {"type": "string", "pattern": r"\S"}
_LENGTH = (
    r"^(?=.*[1-9])P?(\s*[0-9]+\s*[dD])?T?(\s*[0-9]+\s*[hH])?(\s*[0-9]+\s*[mM])?(\s*[0-9]+\s*[sS])?$"
)
_SHAPES: dict[Kind, Callable[[Key], Shape]] = {
    Kind.TEXT: lambda key: _TEXT,
    Kind.TEXTS: lambda key: {"type": "array", "items": _TEXT},
    Kind.WORD: lambda key: {"enum": list(key.choices)},
    Kind.WORDS: lambda key: {"type": "array", "items": {"enum": list(key.choices)}},
    Kind.WHOLE: lambda key: {"type": "integer", "minimum": key.minimum},
    Kind.SWITCH: lambda key: {"type": "boolean"},
    Kind.LENGTH: lambda key: {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": _LENGTH},
        ]
    },
    Kind.DATE: lambda key: {"type": "string", "format": "date"},
    Kind.SLOTS: lambda key: {
        **KEYS["limits"].kind.shape,
        "additionalProperties": {"type": "integer", "minimum": key.minimum},
    },
}


def policy_schema() -> Shape:
    """Return the shape of ``policy.toml``."""
    return {
        "title": "policy.toml",
        "type": "object",
        "properties": {table.name: _shape(table) for table in TABLES},
        "additionalProperties": False,
    }


def _shape(table: Table) -> Shape:
    one: dict[str, Any] = {
        "type": "object",
        "properties": {key.name: _key(key) for key in table.keys},
        "additionalProperties": False,
    }
    if required := [key.name for key in table.keys if key.required]:
        one["required"] = required
    if table.name == "teams":
        one["anyOf"] = [
            {"required": [key], "properties": {key: {"minItems": 1}}} for key in BELONGS
        ]
    described = {"description": table.description}
    if table.shape is Form.NAMED:
        return {"type": "object", "additionalProperties": one, **described}
    if table.shape is Form.LIST:
        return {"type": "array", "items": one, **described}
    return {**one, **described}


def _key(key: Key) -> Shape:
    default = list(key.default) if isinstance(key.default, tuple) else key.default
    said = {"description": key.description}
    return {**_SHAPES[key.kind](key), **said, **({} if default is None else {"default": default})}
