"""Kinds of values that files hold: how each is read, and the same said as JSON Schema, for editors."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Shape = dict[str, Any]  #: a piece of JSON Schema
Parser = Callable[[Any], Any]

_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Args:
        read: Turns what is written into the value, or raises ``ValueError``. It also takes numbers
            and switches as the text that variables of the environment are.
        shape: What is to be written, as JSON Schema.

    Example:
        >>> whole(1)("8"), whole(1).shape
        (8, {'type': 'integer', 'minimum': 1})
    """

    read: Parser
    shape: Shape

    def __call__(self, value: object) -> Any:
        """Read a value."""
        return self.read(value)


@dataclass(frozen=True)
class Key:
    """A key of a file.

    Args:
        kind: What its value may be.
        says: What it sets, in one line of Markdown.
        default: The value where it is not set, in Markdown, if code cannot tell.
        page: The page, and the heading there, that says more.
    """

    kind: Kind
    says: str
    default: str = ""
    page: str = ""


def table_of(keys: Mapping[str, Key], required: Iterable[str] = ()) -> Shape:
    """Return the shape of a table that has these keys and no others.

    Example:
        >>> table_of({"team": Key(TEXT, "who owns it")})["properties"]["team"]["description"]
        'who owns it'
    """
    shape: Shape = {
        "type": "object",
        "properties": {
            name: {**key.kind.shape, "description": key.says.replace("`", "")}
            for name, key in keys.items()
        },
        "additionalProperties": False,
    }
    return {**shape, "required": sorted(required)} if required else shape


def whole(least: int) -> Kind:
    """A whole number of at least so much."""

    def read(value: object) -> int:
        number = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"expected a whole number of at least {least}, got {value!r}")
        return number

    return Kind(read, {"type": "integer", "minimum": least})


def choice(choices: Iterable[str], fold: Callable[[str], str] = str.lower) -> Kind:
    """One of some words, in capitals or not."""
    words = tuple(choices)

    def read(value: object) -> str:
        word = fold(value.strip()) if isinstance(value, str) else value
        if word not in words:
            raise ValueError(f"expected one of {', '.join(words)}, got {value!r}")
        return str(word)

    return Kind(read, {"type": "string", "enum": list(words)})


def tables(kind: str) -> Kind:
    """Tables ``[kind.NAME]``; who uses them checks what stands in one."""

    def read(value: object) -> dict[str, dict[str, Any]]:
        if not isinstance(value, Mapping):
            raise ValueError(f"expected tables [{kind}.NAME], got {value!r}")
        for name, table in value.items():
            if not isinstance(table, Mapping):
                raise ValueError(f"expected a table [{kind}.{name}], got a plain value")
        return {name: dict(table) for name, table in value.items()}

    return Kind(read, {"type": "object", "additionalProperties": {"type": "object"}})


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected text, got {value!r}")
    return value.strip()


def _path(value: object) -> str:
    return _text(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _seconds(value: Any) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"expected a number of seconds, 0 or more, got {value!r}")
    return number


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _TRUE | _FALSE:
        return value.strip().lower() in _TRUE
    raise ValueError(f"expected true or false, got {value!r}")


def matching(pattern: str, what: str) -> Kind:
    """Text of a form, the whole of it."""
    form = re.compile(pattern)

    def read(value: object) -> str:
        if not isinstance(value, str) or not form.fullmatch(value):
            raise ValueError(f"expected {what}, got {value!r}")
        return value

    return Kind(read, {"type": "string", "pattern": f"^(?:{pattern})$"})


TEXT = Kind(_text, {"type": "string", "pattern": r"\S"})
PATH = Kind(_path, {"type": "string", "pattern": r"\S"})
SECONDS = Kind(_seconds, {"type": "number", "minimum": 0})
SWITCH = Kind(_switch, {"type": "boolean"})
