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


class JSON:
    """Type of a parameter that takes any JSON value: ``Parameter("options", type=JSON)``."""


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
    JSON: json.loads,
}


class Parameter(Task):
    """A named input of a flow; used in the flow like a task's result.

    Args:
        name: Unique in the flow.
        default: Value where none is given; without one the parameter is required.
        required: Whether a value must be given; follows from ``default`` if left out.
        type: ``str``, ``int``, ``float``, ``bool``, ``date``, ``datetime``, ``list`` or ``dict``
            (the last two as JSON), or ``JSON``; taken from the default if left out.
        tags: As of any task.
        choices: The only values it takes.
        validate: Called with a value; what it raises as ``ValueError``, or that it returns False,
            refuses the value.
        description: What it means, for whoever gives it: shown beside it by the page and the
            command line.

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
        choices: Iterable[Any] | None = None,
        validate: Callable[[Any], object] | None = None,
        description: str = "",
    ) -> None:
        super().__init__(name=name, tags=tags)
        self.description = " ".join(description.split())
        self.default = default
        self.required = default is NO_DEFAULT if required is None else required
        known = default is not NO_DEFAULT and default is not None
        self.type = type or (default.__class__ if known else None)
        self.choices = None if choices is None else tuple(choices)
        self.validate = validate
        if known:
            self.default = self.parse(default)

    def parse(self, value: Any) -> Any:
        """Read a given value; text is converted to the parameter's type.

        Raises:
            ParameterError: The value does not fit.
        """
        parsed = self._converted(value)
        if self.choices is not None and parsed not in self.choices:
            choices = ", ".join(map(repr, self.choices))
            raise ParameterError(
                f"parameter {self.name!r} does not take {value!r}", fix=f"one of {choices}"
            )
        try:
            refused = self.validate is not None and self.validate(parsed) is False
        except ValueError as error:
            raise ParameterError(
                f"parameter {self.name!r} does not take {value!r}: {error}"
            ) from error
        if refused:
            raise ParameterError(f"parameter {self.name!r} does not take {value!r}")
        return parsed

    def _converted(self, value: Any) -> Any:
        if self.type is None or _fits(value, self.type):
            return value
        try:
            if isinstance(value, str) and self.type in _FROM_TEXT:
                parsed = _FROM_TEXT[self.type](value)
                if self.type is JSON or _fits(parsed, self.type):
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
            fix=_advice(self),
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Task:
        """Return the parameter itself, added to the current flow (Prefect 1 allows the call)."""
        return self._added()


class DateTimeParameter(Parameter):
    """A parameter that takes an instant, as a datetime or as ISO text.

    Args:
        name: Unique in the flow.
        default: Value where none is given.
        required: Whether a value must be given; follows from ``default`` if left out.
        tags: As of any task.
        description: What it means.

    Example:
        >>> DateTimeParameter("since").parse("2013-01-31T06:00:00+00:00").hour
        6
    """

    def __init__(
        self,
        name: str,
        default: Any = NO_DEFAULT,
        required: bool | None = None,
        tags: Iterable[str] = (),
        description: str = "",
    ) -> None:
        super().__init__(name, default, required, tags, datetime, description=description)


_SAMPLES: dict[type, str] = {
    int: "7",
    float: "0.5",
    bool: "true",
    date: "2013-01-31",
    datetime: "2013-01-31T06:00:00",
    list: "'[1, 2]'",
    dict: "'{\"key\": 1}'",
    JSON: "'{\"key\": 1}'",
}


def _advice(parameter: Parameter) -> str:
    """Say how a parameter is given, in words that suit a command, a request and a call."""
    given = f"{parameter.name}={_SAMPLES.get(parameter.type or str, 'VALUE')}"
    return f"give it a value, such as {given}; on the command line: -p {given}"


def _fits(value: Any, wanted: type) -> bool:
    """Whether a value is of a type, and not only of one that Python derives from it."""
    if wanted is JSON:
        return not isinstance(value, str)
    stranger = {int: bool, date: datetime}.get(wanted)
    return isinstance(value, wanted) and not (stranger and isinstance(value, stranger))


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
                fix=_advice(parameter),
            )
        else:
            values[name] = None if parameter.default is NO_DEFAULT else parameter.default
    return values
