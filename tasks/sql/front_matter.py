"""The ``-- orchestrator: name=…, tags=a b`` lines of a SQL file: what they may say, and reading them."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.model.task import Task
from tasks.sql.script import Materialized, Severity, Transaction

_LINE = re.compile(r"^[ \t]*--[ \t]*orchestrator[ \t]*:(.*)$", re.MULTILINE)
#: A setting: up to the next comma that stands in no double quotes.
_SETTING = re.compile(r'(?:"[^"]*"|[^,"]|")+')
#: What only a task that makes a table can be told, and what only a check can.
OF_TABLE = ("materialized", "table", "unique_key")
OF_CHECK = ("check", "severity")


def read_front_matter(text: str, file: str) -> dict[str, Any]:
    """Return what a file says of its task; empty if it says nothing.

    Settings are ``key=value``, separated by commas; lists are separated by spaces, and a value with
    a comma in it stands in double quotes. Keys: ``name``, ``tags``, ``retries``, ``retry_delay`` and
    ``timeout`` in seconds, ``retry_on`` (codes), ``reads``, ``writes``, ``warehouse``,
    ``transaction`` (``on`` or ``off``), ``description``, ``owner``; of a bare SELECT
    ``materialized`` (``table``, ``view``, ``incremental``), ``table``, ``unique_key``; of a check
    ``check`` (``no_rows``, ``rows``, ``rows>=1``, ``rows<=9``) and ``severity`` (``error``, ``warn``).

    Args:
        text: The file's text.
        file: Its path, for messages.

    Raises:
        FlowError: A key is unknown or said twice, or its value does not fit.

    Example:
        >>> read_front_matter("-- orchestrator: name=daily, tags=core nightly", "daily.sql")
        {'name': 'daily', 'tags': ('core', 'nightly')}
    """
    found: dict[str, Any] = {}
    if "orchestrator" not in text:
        return found
    for match in _LINE.finditer(text):
        place = f"{file}:{text.count(chr(10), 0, match.start()) + 1}"
        for part in filter(None, (part.strip() for part in _SETTING.findall(match[1]))):
            key, value = _setting(part, place)
            if key in found:
                raise FlowError(f"{key} is said twice", where=place, fix="keep one of them")
            found[key] = value
    return found


def line_of(text: str, key: str) -> int:
    """The line of a file that sets a key; 1 where none does."""
    for match in _LINE.finditer(text):
        if re.search(rf"(?:^|,)\s*{key}\s*=", match[1]):
            return text.count("\n", 0, match.start()) + 1
    return 1


def apply_front_matter(task: Task, said: Mapping[str, Any]) -> None:
    """Change a task as its file says; tags, reads and writes are added to the task's own."""
    if not said:
        return
    task.name = said.get("name", task.name)
    task.tags |= frozenset(said.get("tags", ()))
    task.warehouse = said.get("warehouse", task.warehouse)
    task.timeout = said.get("timeout", task.timeout)
    task.retry = replace(
        task.retry,
        max_retries=said.get("retries", task.retry.max_retries),
        delay=said.get("retry_delay", task.retry.delay),
        codes=said.get("retry_on", task.retry.codes),
    )
    for attribute in ("reads", "writes"):
        names = [*getattr(task, attribute), *said.get(attribute, ())]
        setattr(task, attribute, tuple(dict.fromkeys(names)))


def _setting(part: str, place: str) -> tuple[str, Any]:
    key, equals, value = (piece.strip() for piece in part.partition("="))
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if key not in _KEYS:
        near = difflib.get_close_matches(key, _KEYS, n=1)
        raise FlowError(
            f"a SQL file cannot set {key!r}",
            where=place,
            fix=f"did you mean {near[0]!r}?" if near else "it can set " + ", ".join(_KEYS),
        )
    try:
        return key, _KEYS[key](value)
    except ValueError as error:
        raise FlowError(
            f"{key} {equals} {value}: {error}".replace("  ", " "),
            where=place,
            fix="write -- orchestrator: key=value, key=value; lists with spaces",
        ) from None


def _text(value: str) -> str:
    if not value:
        raise ValueError("expected a value")
    return value


def _list(value: str) -> tuple[str, ...]:
    return tuple(_text(value).split())


def _count(value: str) -> int:
    if not value.isdecimal():
        raise ValueError("expected a whole number, 0 or more")
    return int(value)


def _seconds(value: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", value):
        raise ValueError("expected a number of seconds")
    return float(value)


def _delay(value: str) -> timedelta:
    return timedelta(seconds=_seconds(value))


def _one_of(words: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(value: str) -> StrEnum:
        known = [str(word) for word in words]
        if value not in known:
            near = difflib.get_close_matches(value, known, n=1)
            listed = f"{', '.join(known[:-1])} or {known[-1]}"
            raise ValueError(f"expected {listed}" + (f"; did you mean {near[0]}?" if near else ""))
        return words(value)

    return read


def _check(value: str) -> tuple[int | None, int | None] | None:
    """The bounds of the number of rows that a check's query may give; None for no row at all."""
    if value == "no_rows":
        return None
    bound = re.fullmatch(r"rows(?:\s*(>=|<=|=)\s*(\d+))?", value)
    if bound is None:
        raise ValueError("expected no_rows, rows, rows>=1, rows<=100 or rows=5")
    count = int(bound[2] or 1)
    return (None if bound[1] == "<=" else count, count if bound[1] in ("<=", "=") else None)


_KEYS: dict[str, Callable[[str], Any]] = {
    "name": _text,
    "tags": _list,
    "retries": _count,
    "retry_delay": _delay,
    "retry_on": _list,
    "timeout": _seconds,
    "reads": _list,
    "writes": _list,
    "warehouse": _text,
    "transaction": _one_of(Transaction),
    "description": _text,
    "owner": _text,
    "materialized": _one_of(Materialized),
    "table": _text,
    "unique_key": _list,
    "check": _check,
    "severity": _one_of(Severity),
}
