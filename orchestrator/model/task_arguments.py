"""How the arguments of a task are read: durations, words, errors, triggers, names of datasets."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import timedelta
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model import building
from orchestrator.model.cache import Cache
from orchestrator.model.code import Column
from orchestrator.model.dataset import Dataset, Namespace
from orchestrator.model.places import place
from orchestrator.model.policy import AfterAll, AnyTrigger, Some, Trigger

#: Formats that results can be stored in.
FORMATS = ("json", "parquet", "pickle")
#: What may be said in ``retry_on=``: a type of exception, or an error code.
RetryOn = type[BaseException] | str
#: Columns of a dataset that a task declares: names, or names with the columns that go into each.
Columns = Iterable[str] | Mapping[str, str | Iterable[str]]


def duration(value: timedelta | float) -> timedelta:
    """A timedelta, of one or of seconds."""
    return value if isinstance(value, timedelta) else timedelta(seconds=value)


def seconds(value: timedelta | float | None) -> float | None:
    """Seconds, of a timedelta or of seconds."""
    return None if value is None else duration(value).total_seconds()


def words(said: Iterable[str]) -> frozenset[str]:
    """A set of words, of one word or of several."""
    return frozenset([said] if isinstance(said, str) else said)


def errors(
    said: RetryOn | Iterable[RetryOn] | None,
) -> tuple[tuple[type[BaseException], ...], tuple[str, ...]]:
    """Exception types and error codes apart."""
    listed = (said,) if isinstance(said, (type, str)) else tuple(said or ())
    types = tuple(item for item in listed if isinstance(item, type))
    return types, tuple(str(item) for item in listed if not isinstance(item, type))


def trigger(said: AnyTrigger | str) -> AnyTrigger:
    """A trigger, of one or of its name."""
    if isinstance(said, (Some, AfterAll)):
        return said
    try:
        return Trigger(said)
    except ValueError:
        raise FlowError(
            f"{said!r} is no trigger",
            fix=f"one of {', '.join(t.value for t in Trigger)}, or some_failed(at_least=…)",
        ) from None


def serializer(said: str | None) -> str | None:
    """The name of a format for results; None leaves it to the value."""
    if said is None or said in FORMATS:
        return said
    raise FlowError(f"there is no serializer {said!r}", fix=f"use {', '.join(FORMATS)}")


def names(said: Iterable[str], argument: str, task_name: str) -> tuple[str, ...]:
    """Names of datasets; none may be empty."""
    listed = (said,) if isinstance(said, str) else tuple(str(name) for name in said)
    for name in listed:
        if not name.strip():
            raise FlowError(f"task {task_name!r} has an empty name in {argument}=")
    return listed


def columns(
    writes: Iterable[str] | Mapping[str, Columns], task_name: str
) -> dict[str, dict[str, tuple[str, ...]]]:
    """Dataset name → column → what goes into it (nothing, where only the names are said)."""
    if not isinstance(writes, Mapping):
        return {}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for dataset, said in writes.items():
        sources = said if isinstance(said, Mapping) else dict.fromkeys(said, ())
        found[dataset] = {
            column: names(into, f"writes={{{dataset!r}: {{{column!r}: …}}}}", task_name)
            for column, into in sources.items()
        }
    return found


def origins(
    columns: Mapping[str, tuple[str, ...]],
    namespace: Namespace,
    task_name: str,
    place: tuple[str, int] | None,
) -> dict[str, tuple[Column, ...] | None]:
    """Column → the columns that go into it; None where they are not said."""
    found: dict[str, tuple[Column, ...] | None] = {}
    for column, sources in columns.items():
        read = []
        for source in sources:
            table, dot, name = source.rpartition(".")
            if not dot or not table.strip() or not name.strip():
                raise FlowError(
                    f"task {task_name!r}: {column} comes from {source!r}, which is no column",
                    where=building.place(place),
                    fix="name it with its table: raw.orders.amount",
                )
            read.append((Dataset.parse(table, namespace), name.strip()))
        found[column] = tuple(read) or None
    return found


def bound_arguments(
    task_name: str,
    signature: inspect.Signature,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    injected: Collection[str],
) -> dict[str, Any]:
    """Name the positional arguments after ``run``'s parameters.

    Args:
        task_name: For messages.
        signature: What they are bound to.
        args: By position.
        kwargs: By name.
        injected: Parameters that need not be given.

    Raises:
        FlowError: They do not fit the signature.
    """
    try:
        bound = signature.bind_partial(*args, **kwargs)
    except TypeError as error:
        raise FlowError(
            f"task {task_name!r} cannot take these arguments: {error}",
            where=building.place(building.caller()),
            fix=f"its arguments: {signature}",
        ) from error
    named = dict(bound.arguments)
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(named.pop(parameter.name, {}))
        elif parameter.kind is parameter.VAR_POSITIONAL:
            if parameter.name in named:
                raise FlowError(f"task {task_name!r}: pass *{parameter.name} as one list argument")
        elif parameter.default is parameter.empty and parameter.name not in {*named, *injected}:
            raise FlowError(
                f"task {task_name!r} lacks its argument {parameter.name!r}",
                where=building.place(building.caller()),
                fix=f"its arguments: {signature}",
            )
    return named


#: Arguments of a task that are kept in its retry policy, as they are kept there.
OF_RETRY: dict[str, Callable[[Any], dict[str, Any]]] = {
    "max_retries": lambda said: {"max_retries": said},
    "retry_delay": lambda said: {"delay": duration(said)},
    "retry_on": lambda said: dict(zip(("on", "codes"), errors(said), strict=True)),
    "retry_backoff": lambda said: {"backoff": said},
    "retry_jitter": lambda said: {"jitter": said},
    "retry_max_delay": lambda said: {"max_delay": None if said is None else duration(said)},
}
#: How those are read that are not kept as they were said.
READ: dict[str, Callable[[Any], Any]] = {
    "tags": words,
    "timeout": seconds,
    "trigger": trigger,
    "state_handlers": tuple,
    "cache": Cache.of,
    "result": place,
    "serializer": serializer,
}
