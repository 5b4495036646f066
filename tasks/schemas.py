"""What the library adds to the JSON Schemas: the tables of warehouses, the front matter of SQL files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from orchestrator.kinds import Shape

_REFERENCE: Shape = {"type": "string", "pattern": "^(env|secret):"}
_SHAPES: dict[type, Shape] = {
    str: {"type": "string", "minLength": 1},
    int: {"type": "integer", "minimum": 0},
    float: {"type": "number", "minimum": 0},
    bool: {"type": "boolean"},
    dict: {"type": "object"},
    list: {"type": "array"},
}
_ATTACHED: Shape = {
    "anyOf": [
        _SHAPES[str],
        {"type": "object", "properties": {"path": _SHAPES[str]}, "required": ["path"]},
    ]
}
_FILE: Shape = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "properties": {
                "path": {"type": "string"},
                "format": {"type": "string"},
                "options": {"type": "object"},
            },
            "required": ["path"],
            "additionalProperties": False,
        },
    ]
}


def front_matter() -> Shape:
    """Return the shape of what one SQL file sets."""
    from tasks.sql.front_matter import SHAPE

    return SHAPE


def warehouse() -> Shape:
    """Return the shape of one ``[warehouses.NAME]`` table: one for each type."""
    from tasks.postgres.config import KEYS as POSTGRES
    from tasks.snowflake.config import KEYS as SNOWFLAKE
    from tasks.snowflake.config import WANTED
    from tasks.warehouses import DBT_KEYS, DUCKDB_KEYS

    duckdb = _table("duckdb", _plain(DUCKDB_KEYS), ("path",))
    duckdb["properties"]["attach"]["items"] = _ATTACHED
    duckdb["properties"]["files"]["additionalProperties"] = _FILE
    return {
        "type": "object",
        "required": ["type"],
        "oneOf": [
            duckdb,
            _table("dbt", _plain(DBT_KEYS)),
            _table("postgres", _referred(POSTGRES)),
            _table("snowflake", _referred(SNOWFLAKE), WANTED),
        ],
    }


def _table(kind: str, properties: Mapping[str, Shape], required: tuple[str, ...] = ()) -> Shape:
    return {
        "title": kind,
        "type": "object",
        "properties": {"type": {"const": kind}, **properties},
        "required": ["type", *required],
        "additionalProperties": False,
    }


def _plain(keys: Mapping[str, type]) -> dict[str, Any]:
    return {key: dict(_SHAPES[kind]) for key, kind in keys.items()}


def _referred(keys: Mapping[str, type]) -> dict[str, Any]:
    """A reference to a secret or a variable stands for a value of any kind."""
    return {
        key: shape if shape["type"] == "string" else {"anyOf": [shape, _REFERENCE]}
        for key, shape in _plain(keys).items()
    }
