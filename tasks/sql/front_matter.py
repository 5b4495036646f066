"""The ``-- orchestrator: name=…, tags=a b`` lines of a SQL text: what they may say, and reading them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from orchestrator.errors import FlowError
from orchestrator.kinds import Key, Kind, table_of
from orchestrator.model.task import Task
from orchestrator.nearest import hint, nearest
from tasks.sql.script import Materialized, Script, Severity, Transaction

_LINE = re.compile(r"^[ \t]*--[ \t]*orchestrator[ \t]*:(.*)$", re.MULTILINE)
#: A setting: up to the next comma that stands in no double quotes.
_SETTING = re.compile(r'(?:"[^"]*"|[^,"]|")+')
_WHOLE = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_ROWS = re.compile(r"rows(?:\s*(>=|<=|=)\s*([0-9]+))?")
_CHECK = re.compile(f"no_rows|{_ROWS.pattern}")
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
    return front_matter_of(Script(text, file))


def front_matter_of(script: Script) -> dict[str, Any]:
    """As :func:`read_front_matter`, of a text that may stand in a flow's module, too."""
    found: dict[str, Any] = {}
    for key, value, line in settings_of(script.text):
        place = script.at(line)
        read = _read(key, value, place)
        if key in found:
            raise FlowError(f"{key} is said twice", where=place, fix="keep one of them")
        found[key] = read
    return found


def settings_of(text: str) -> Iterator[tuple[str, str, int]]:
    """Yield what a text sets as it stands there, known or not: key, value and line."""
    if "orchestrator" not in text:
        return
    for match in _LINE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        for part in filter(None, (part.strip() for part in _SETTING.findall(match[1]))):
            key, _, value = (piece.strip() for piece in part.partition("="))
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            yield key, value[1:-1] if quoted else value, line


def line_of(text: str, key: str) -> int:
    """The line of a text that sets a key; 1 where none does."""
    for match in _LINE.finditer(text):
        if re.search(rf"(?:^|,)\s*{key}\s*=", match[1]):
            return text.count("\n", 0, match.start()) + 1
    return 1


def apply_front_matter(task: Task, said: Mapping[str, Any]) -> None:
    """Change a task as its SQL says; tags, reads and writes are added to the task's own."""
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


def _read(key: str, value: str, place: str) -> Any:
    if key not in KEYS:
        raise FlowError(
            f"a SQL file cannot set {key!r}",
            where=place,
            fix=nearest(key, KEYS, "it can set "),
        )
    try:
        return KEYS[key].kind(value)
    except ValueError as error:
        raise FlowError(
            f"{key} = {value}: {error}".replace("= :", "=:"),
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
    if not _WHOLE.fullmatch(value):
        raise ValueError("expected a whole number, 0 or more")
    return int(value)


def _seconds(value: str) -> float:
    if not _NUMBER.fullmatch(value):
        raise ValueError("expected a number of seconds")
    return float(value)


def _delay(value: str) -> timedelta:
    try:
        return timedelta(seconds=_seconds(value))
    except OverflowError:
        raise ValueError("expected fewer seconds") from None


def _one_of(words: type[StrEnum]) -> Kind:
    def read(value: str) -> StrEnum:
        known = [str(word) for word in words]
        if value not in known:
            listed = f"{', '.join(known[:-1])} or {known[-1]}"
            raise ValueError(f"expected {listed}{hint(value, known)}")
        return words(value)

    return Kind(read, {"type": "string", "enum": [str(word) for word in words]})


def _check(value: str) -> tuple[int | None, int | None] | None:
    """The bounds of the number of rows that a check's query may give; None for no row at all."""
    if value == "no_rows":
        return None
    bound = _ROWS.fullmatch(value)
    if bound is None:
        raise ValueError("expected no_rows, rows, rows>=1, rows<=100 or rows=5")
    count = int(bound[2] or 1)
    return (None if bound[1] == "<=" else count, count if bound[1] in ("<=", "=") else None)


def _written(pattern: re.Pattern[str], read: Callable[[str], Any]) -> Kind:
    return Kind(read, {"type": "string", "pattern": f"^(?:{pattern.pattern})$"})


_TEXT = Kind(_text, {"type": "string", "minLength": 1})
_LIST = Kind(_list, {"type": "string", "minLength": 1})
#: What a file may set.
KEYS: dict[str, Key] = {
    "name": Key(_TEXT, "the task's name", "the file's"),
    "tags": Key(_LIST, "tags to choose it by, separated by spaces"),
    "retries": Key(_written(_WHOLE, _count), "attempts after the first"),
    "retry_delay": Key(_written(_NUMBER, _delay), "seconds between attempts"),
    "retry_on": Key(_LIST, "try again only after these codes of the database"),
    "timeout": Key(_written(_NUMBER, _seconds), "seconds that an attempt may take"),
    "reads": Key(_LIST, "tables that it reads besides those found in its statements"),
    "writes": Key(_LIST, "tables that it writes besides those found in its statements"),
    "warehouse": Key(_TEXT, "name of the connection it runs on"),
    "transaction": Key(_one_of(Transaction), "whether the script is one transaction"),
    "description": Key(_TEXT, "what it is for"),
    "owner": Key(_TEXT, "who answers for it"),
    "materialized": Key(_one_of(Materialized), "what a bare SELECT is made into"),
    "table": Key(_TEXT, "the table that a bare SELECT is made into", "the file's name"),
    "unique_key": Key(_LIST, "columns by which an incremental table replaces rows"),
    "check": Key(_written(_CHECK, _check), "makes it a check: the rows that its query may give"),
    "severity": Key(_one_of(Severity), "whether a check that does not hold fails the run"),
}
#: The same as JSON Schema: the settings of one file, each as the text that stands in it.
SHAPE = table_of(KEYS)
