"""JSON Schemas of the files that people write, made of the same structures that read them."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import metadata
from typing import Any

from orchestrator.errors import ConfigurationError
from orchestrator.kinds import Shape
from orchestrator.schemas.policy import policy_schema
from orchestrator.schemas.settings import settings_schema

__all__ = ["NAMES", "schema", "snippets", "text_of"]

DRAFT = "http://json-schema.org/draft-07/schema#"  #: what editors know best
_LIBRARY = "orchestrator.schemas"


def _settings() -> Shape:
    return settings_schema(_of_library("warehouse"))


def _front_matter() -> Shape:
    return {
        "title": "The `-- orchestrator:` lines of a SQL file",
        "description": "Each value is the text that stands in the file.",
        **_of_library("front-matter"),
    }


def _of_library(name: str) -> Shape:
    """What the library of tasks says of its own tables."""
    for point in metadata.entry_points(group=_LIBRARY, name=name):
        shape: Shape = point.load()()
        return shape
    raise ConfigurationError(
        "the library of tasks is not registered", fix="install the package again, as it is now"
    )


_MAKERS: dict[str, Callable[[], Shape]] = {
    "settings": _settings,
    "policy": policy_schema,
    "front-matter": _front_matter,
}
NAMES = tuple(_MAKERS)


def schema(name: str) -> dict[str, Any]:
    """Return a JSON Schema.

    Args:
        name: ``settings`` (``orchestrator.toml``), ``policy`` (``policy.toml``) or ``front-matter``
            (the ``-- orchestrator:`` lines of a SQL file, as keys and texts).

    Raises:
        KeyError: There is none of that name.

    Example:
        >>> schema("settings")["properties"]["threads"]["minimum"]
        1
    """
    return {"$schema": DRAFT, **_MAKERS[name]()}


def text_of(name: str) -> str:
    """Return a JSON Schema as the text of a file."""
    return _json(schema(name))


def snippets() -> str:
    """Return the snippets by which VS Code completes the front matter of SQL files."""
    found = {
        f"orchestrator {key}": {
            "scope": "sql",
            "prefix": ["orchestrator", f"orchestrator {key}"],
            "body": f"-- orchestrator: {key}={_place(shape)}",
            "description": shape["description"],
        }
        for key, shape in schema("front-matter")["properties"].items()
    }
    return _json(found)


def _place(shape: Shape) -> str:
    """What is to be filled in: one of some words, or anything."""
    return f"${{1|{','.join(shape['enum'])}|}}" if "enum" in shape else "$1"


def _json(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
