"""Parameters: named, typed inputs of a flow, read from Python values or from text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from typing import Any

from orchestrator.errors import ParameterError
from orchestrator.model.task import Task


class _NoDefault:
    def __repr__(self) -> str:
        return "<no default>"


NO_DEFAULT = _NoDefault()


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in ("true", "yes", "on", "1"):
        return True
    if word in ("false", "no", "off", "0"):
        return False
    raise ValueError("not true or false")


#: How each type is read from text.
_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    str: str,
    int: int,
    float: float,
    bool: _boolean,
    date: date.fromisoformat,
    datetime: datetime.fromisoformat,
    list: json.loads,
    dict: json.loads,
}


class Parameter(Task):
    """A named input of a flow; used in the flow like a task's result.

    Args:
        name: Unique in the flow.
        default: Value where none is given; without one the parameter is required.
        required: Whether a value must be given; follows from ``default`` if left out.
        type: ``str``, ``int``, ``float``, ``bool``, ``date``, ``datetime``, ``list`` or ``dict``
            (the last two as JSON); taken from the default if left out.
        tags: As of any task.

    Example:
        >>> Parameter("day", type=date).parse("2013-01-31")
        datetime.date(2013, 1, 31)
    """

    resource_type = "parameter"

    def __init__(
        self,
        name: str,
        default: Any = NO_DEFAULT,
        required: bool | None = None,
        tags: Iterable[str] = (),
        type: type | None = None,
    ) -> None:
        super().__init__(name=name, tags=tags)
        self.default = default
        self.required = default is NO_DEFAULT if required is None else required
        known = default is not NO_DEFAULT and default is not None
        self.type = type or (default.__class__ if known else None)

    def parse(self, value: Any) -> Any:
        """Read a given value; text is converted to the parameter's type.

        Raises:
            ParameterError: The value does not fit.
        """
        if self.type is None or (
            isinstance(value, self.type) and not _bool_as_int(value, self.type)
        ):
            return value
        try:
            if isinstance(value, str) and self.type in _FROM_TEXT:
                parsed = _FROM_TEXT[self.type](value)
                if isinstance(parsed, self.type):
                    return parsed
            elif self.type is float and isinstance(value, int):
                return float(value)
        except ValueError as error:
            raise self._misfit(value) from error
        raise self._misfit(value)

    def _misfit(self, value: Any) -> ParameterError:
        wanted = self.type.__name__ if self.type else "anything"
        return ParameterError(
            f"parameter {self.name!r} takes {wanted}, not {value!r}",
            fix=f"give it as -p {self.name}={_SAMPLES.get(self.type or str, 'VALUE')}",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Task:
        """Return the parameter itself, added to the current flow (Prefect 1 allows the call)."""
        return self._added()


_SAMPLES: dict[type, str] = {
    int: "7",
    float: "0.5",
    bool: "true",
    date: "2013-01-31",
    datetime: "2013-01-31T06:00:00",
    list: "'[1, 2]'",
    dict: "'{\"key\": 1}'",
}


def _bool_as_int(value: Any, wanted: type) -> bool:
    return isinstance(value, bool) and wanted is int


def bind_parameters(
    parameters: Iterable[Parameter], given: Mapping[str, Any], *, flow: str
) -> dict[str, Any]:
    """Complete and check the values of a run's parameters.

    Args:
        parameters: The flow's parameters.
        given: Values by name, as Python values or text.
        flow: The flow's name, for messages.

    Raises:
        ParameterError: One is missing, unknown or does not fit.
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            choices = ", ".join(sorted(known)) or "none"
            raise ParameterError(
                f"flow {flow!r} has no parameter {name!r}", fix=f"its parameters: {choices}"
            )
    values: dict[str, Any] = {}
    for name, parameter in known.items():
        if name in given:
            values[name] = parameter.parse(given[name])
        elif parameter.required:
            raise ParameterError(
                f"flow {flow!r} needs parameter {name!r}",
                fix=f"give it as -p {name}={_SAMPLES.get(parameter.type or str, 'VALUE')}",
            )
        else:
            values[name] = None if parameter.default is NO_DEFAULT else parameter.default
    return values
