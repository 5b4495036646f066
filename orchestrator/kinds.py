"""Kinds of values that files hold: how each is read, and the same said as JSON Schema, for editors."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.nearest import hint, nearest

Shape = dict[str, Any]  #: a piece of JSON Schema
Parser = Callable[[Any], Any]

_NUMBER = re.compile(r"\d+(\.\d+)?")
#: How lengths of time are written: days, then hours, minutes and seconds, each in one of its words.
_UNITS = {
    "[dD](?:ays?)?": 86_400,
    "[hH](?:ours?)?": 3_600,
    "[mM](?:in(?:ute)?s?)?": 60,
    "[sS](?:ec(?:ond)?s?)?": 1,
}
_DAYS, *_TIMES = (rf"(?:([0-9]+(?:\.[0-9]+)?)\s*{unit}\s*)?" for unit in _UNITS)
_LENGTH = rf"\s*[Pp]?\s*{_DAYS}[Tt]?\s*{''.join(_TIMES)}"
_TRUE, _FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


class MisfitError(ValueError):
    """A value in a table does not fit.

    Args:
        what: What is wrong with it.
        place: Its keys, from the table inwards.
    """

    def __init__(self, what: str, *place: str) -> None:
        super().__init__(what)
        self.place = place


@dataclass(frozen=True)
class Kind:
    """A kind of value.

    Args:
        read: Turns what is written into the value, or raises ``ValueError``.
        shape: What is to be written, as JSON Schema.

    Example:
        >>> whole(1)(8), whole(1).shape
        (8, {'type': 'integer', 'minimum': 1})
    """

    read: Parser
    shape: Shape

    def __call__(self, value: object) -> Any:
        """Read a value."""
        return self.read(value)

    def of_text(self, text: str) -> Any:
        """Return what a text stands for where all is text, as in variables of the environment.

        It is what a file would hold, or the text itself where that cannot be told; it is not
        checked yet.

        Example:
            >>> whole(1).of_text("8"), SWITCH.of_text("on"), SWITCH.of_text("maybe")
            (8, True, 'maybe')
        """
        word = text.strip()
        kind = self.shape.get("type")
        if kind == "integer" and word.isdecimal():
            return int(word)
        if kind == "number" and _NUMBER.fullmatch(word):
            return float(word)
        if kind == "boolean" and word.lower() in _TRUE | _FALSE:
            return word.lower() in _TRUE
        return text


@dataclass(frozen=True)
class Key:
    """A key of a file.

    Args:
        kind: What its value may be.
        says: What it sets, in one line of Markdown.
        default: The value where it is not set, in Markdown, if code cannot tell.
        page: The page, and the heading there, that says more.
        required: Whether its table needs it.
    """

    kind: Kind
    says: str
    default: str = ""
    page: str = ""
    required: bool = False


def table_of(keys: Mapping[str, Key]) -> Shape:
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
    required = sorted(name for name, key in keys.items() if key.required)
    return {**shape, "required": required} if required else shape


def whole(least: int) -> Kind:
    """A whole number of at least so much."""

    def read(number: object) -> int:
        if isinstance(number, bool) or not isinstance(number, int) or number < least:
            raise ValueError(f"expected a whole number of at least {least}, got {number!r}")
        return number

    return Kind(read, {"type": "integer", "minimum": least})


def choice(choices: Iterable[str]) -> Kind:
    """One of some words, in capitals or not."""
    words = tuple(choices)

    def read(value: object) -> str:
        said = "off" if value is False else value  # so it is soon written in TOML, without quotes
        word = said.strip().lower() if isinstance(said, str) else ""
        if word not in words:
            listed = ", ".join(words)
            raise ValueError(f"expected one of {listed}, got {value!r}{hint(value, words)}")
        return word

    return Kind(read, {"type": "string", "enum": list(words)})


def several(kind: Kind, example: str) -> Kind:
    """A list of values of a kind; read as a tuple.

    Args:
        kind: Of each.
        example: What may be written, for whoever wrote something else.
    """

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError(f"expected a list, as in {example}, got {value!r}")
        return tuple(kind(each) for each in value)

    return Kind(read, {"type": "array", "items": kind.shape})


def tables(kind: str) -> Kind:
    """Tables ``[kind.NAME]``; who uses them checks what stands in one."""

    def read(value: object) -> dict[str, dict[str, Any]]:
        if not isinstance(value, Mapping):
            raise ValueError(f"expected tables [{kind}.NAME], got {value!r}")
        for name, table in value.items():
            if not isinstance(table, Mapping):
                raise ValueError(f"expected a table [{kind}.{name}], got a plain value")
        return {str(name): dict(table) for name, table in value.items()}

    return Kind(read, {"type": "object", "additionalProperties": {"type": "object"}})


def tables_of(kind: str, keys: Mapping[str, Key], make: Callable[..., Any]) -> Kind:
    """Tables ``[kind.NAME]`` that hold certain keys.

    Args:
        kind: As in the brackets.
        keys: What one of them may hold.
        make: Called with a table's name, and with the values of its keys by name.
    """
    named = tables(kind)

    def one(name: str, key: str, value: object) -> Any:
        if key not in keys:
            what = f"unknown key {key!r} in [{kind}.{name}]; {nearest(key, keys)}"
            raise MisfitError(what, name, key)
        try:
            return keys[key].kind(value)
        except ValueError as error:
            raise MisfitError(f"{key} in [{kind}.{name}]: {error}", name, key) from None

    def whole_table(name: str, table: Mapping[str, object]) -> Any:
        values = {key: one(name, key, said) for key, said in table.items()}
        try:
            return make(name, **values)
        except ValueError as error:
            raise MisfitError(str(error), name) from None

    def read(value: object) -> dict[str, Any]:
        return {name: whole_table(name, table) for name, table in named(value).items()}

    return Kind(read, {"type": "object", "additionalProperties": table_of(keys)})


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"expected text, got {value!r}")
    return value.strip()


def _path(value: object) -> str:
    return _text(os.fspath(value) if isinstance(value, os.PathLike) else value)


def _seconds(value: object) -> float:
    number = value if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"expected a number of seconds, 0 or more, got {value!r}")
    return float(number)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value!r}")
    return value


def _length(value: object) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value < math.inf:
        return float(value)
    match = re.fullmatch(_LENGTH, value, re.IGNORECASE) if isinstance(value, str) else None
    numbers = [float(number or 0) for number in match.groups()] if match else []
    seconds = sum(number * each for number, each in zip(numbers, _UNITS.values(), strict=False))
    if not seconds:
        raise ValueError(
            f'expected a length of time, as in "2h", "20 minutes" or "1h 30m", got {value!r}'
        )
    return seconds


TEXT = Kind(_text, {"type": "string", "pattern": r"\S"})
PATH = Kind(_path, {"type": "string", "pattern": r"\S"})
SECONDS = Kind(_seconds, {"type": "number", "minimum": 0})
SWITCH = Kind(_switch, {"type": "boolean"})
#: ``"2h"``, ``"20 minutes"``, ``"1h 30m"``, ``"PT2H"``, or a number of seconds; read as seconds.
LENGTH = Kind(
    _length,
    {
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0},
            {"type": "string", "pattern": f"^(?=.*[1-9]){_LENGTH}$"},
        ]
    },
)
#: Read as a tuple.
TEXTS = several(TEXT, '["one", "other"]')
