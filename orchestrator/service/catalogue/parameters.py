"""Parameters of flows as JSON: what each takes, and a JSON Schema for all of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from orchestrator.model.parameter import JSON, NO_DEFAULT, Parameter

#: The word for each type, and what JSON Schema says of it.
_TYPES: Mapping[type, tuple[str, Mapping[str, Any]]] = {
    str: ("str", {"type": "string"}),
    int: ("int", {"type": "integer"}),
    float: ("float", {"type": "number"}),
    bool: ("bool", {"type": "boolean"}),
    date: ("date", {"type": "string", "format": "date"}),
    datetime: ("datetime", {"type": "string", "format": "date-time"}),
    list: ("list", {"type": "array"}),
    dict: ("json", {"type": "object"}),
    JSON: ("json", {}),
}
#: Values to plan with where one must be given and is not.
_STAND_INS: Mapping[type, Any] = {
    str: "", int: 0, float: 0.0, bool: False, date: date(2000, 1, 1),
    datetime: datetime(2000, 1, 1), list: [], dict: {}, JSON: None,
}  # fmt: skip


def parameter_shapes(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    """``name``, ``type``, ``default``, ``required``, ``description``, and ``choices`` where it has some.

    Example:
        >>> parameter_shapes([Parameter("days", default=7)])
        [{'name': 'days', 'type': 'int', 'default': 7, 'required': False, 'description': ''}]
    """
    return [_shape(parameter) for parameter in parameters]


def parameter_schema(parameters: Iterable[Parameter]) -> dict[str, Any]:
    """Return a JSON Schema of the object that a run takes as its parameters.

    Example:
        >>> parameter_schema([Parameter("day", type=date)])["properties"]["day"]
        {'type': 'string', 'format': 'date', 'title': 'day'}
    """
    known = list(parameters)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {parameter.name: _property(parameter) for parameter in known},
        "required": [parameter.name for parameter in known if parameter.required],
        "additionalProperties": False,
    }


def stand_in(parameter: Parameter) -> Any:
    """Return a value that a required parameter takes, to plan with where nobody gives one."""
    if parameter.choices:
        return parameter.choices[0]
    return _STAND_INS.get(parameter.type or str)


def plain(value: Any) -> Any:
    """Return a value as JSON has it; what it has no word for becomes text."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value.isoformat() if isinstance(value, date) else str(value)


def _shape(parameter: Parameter) -> dict[str, Any]:
    word, _ = _TYPES.get(parameter.type or str, ("json", {}))
    choices = {} if parameter.choices is None else {"choices": plain(parameter.choices)}
    return {
        "name": parameter.name, "type": word, "default": _default(parameter),
        "required": parameter.required, "description": parameter.description, **choices,
    }  # fmt: skip


def _property(parameter: Parameter) -> dict[str, Any]:
    _, said = _TYPES.get(parameter.type, ("json", {})) if parameter.type else ("str", {})
    found: dict[str, Any] = {**said, "title": parameter.name}
    if parameter.description:
        found["description"] = parameter.description
    if parameter.choices is not None:
        found["enum"] = plain(parameter.choices)
    if not parameter.required:
        found["default"] = _default(parameter)
    return found


def _default(parameter: Parameter) -> Any:
    return None if parameter.default is NO_DEFAULT else plain(parameter.default)
