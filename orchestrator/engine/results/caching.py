"""Earlier results that stand in for a run: looked up by what they depend on, and why none was found."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FunctionType
from typing import Any
from uuid import uuid4

from orchestrator import instants
from orchestrator.engine.messages import Attempt
from orchestrator.engine.outcome import Outcome, safe_text
from orchestrator.engine.results import files, formats, stored
from orchestrator.engine.results.digests import UncacheableError, code_digest, digest
from orchestrator.errors import FlowError
from orchestrator.model.cache import Cache
from orchestrator.model.state import State, StateType
from orchestrator.model.task import FunctionTask, Task

_PERIODS = {"hour": "%Y-%m-%dT%H", "day": "%Y-%m-%d", "week": "%G-W%V", "month": "%Y-%m"}
_LOG = logging.getLogger("orchestrator.cache")


@dataclass(frozen=True, slots=True)
class Lookup:
    """What was looked for, and what came of it.

    Args:
        folder: Where the task's entries are.
        last: Where the last entry of this task run is.
        key: Of the entry.
        parts: What the key is made of, by name.
        why: Why no result was found, or which one was.
        hit: The value and its outcome.
    """

    folder: str
    last: str
    key: str
    parts: Mapping[str, str]
    why: str = ""
    hit: tuple[Any, Outcome] | None = None


def look(attempt: Attempt, arguments: Mapping[str, Any]) -> Lookup | None:
    """Look for a result that may stand in for this attempt.

    Args:
        attempt: What would run.
        arguments: Of ``run``, as they are.

    Returns:
        None where the task has no ``cache``; a lookup without a key where it cannot be cached.
    """
    rule: Cache | None = attempt.task.cache
    if rule is None:
        return None
    try:
        parts = _parts(rule, attempt, arguments)
    except UncacheableError as error:
        return Lookup("", "", "", {}, why=f"not cached: {error.what}")
    folder = _folder(rule, attempt)
    last = f"{folder}/last-{stored.safe_name(attempt.key)}.json"
    found = Lookup(folder, last, digest(dict(parts)), parts)
    entry = _read(_entry(found))
    if entry is None:
        return replace(found, why=_changed(parts, _read(last)))
    return _judged(found, rule, entry)


def keep(looked: Lookup, attempt: Attempt, value: Any, found: Outcome) -> tuple[str, str | None]:
    """Keep a fresh result; returns what is to be told of the cache, and where the entry is.

    A result that cannot be kept is still a result: nothing is raised.
    """
    if not looked.key:
        return looked.why, None
    try:
        before = _read(_entry(looked))
        data, form = formats.dump(value)
        place = f"{looked.folder}/{looked.key}-{uuid4().hex[:12]}.{formats.SUFFIX[form]}"
        entry = {
            "parts": dict(looked.parts), "made": instants.now().isoformat(),
            "run_id": attempt.run_id, "status": found.state.status,
            "result": stored.put(place, data, form, value).described(),
        }  # fmt: skip
        text = json.dumps(entry).encode()
        files.write(_entry(looked), text)
        files.write(looked.last, text)
        if before is not None:
            files.remove(before["result"]["location"])
    except (FlowError, OSError) as error:
        _LOG.warning("the result is not kept for later runs: %s", error)
        return f"{looked.why}; not kept: {getattr(error, 'what', error)}", None
    return looked.why, _entry(looked)


def forget(location: str) -> None:
    """Take an entry out again; one that is gone already is no error.

    Args:
        location: Where ``keep`` said that the entry is.
    """
    entry = _read(location)
    try:
        files.remove(location)
        if entry is not None:
            files.remove(entry["result"]["location"])
    except (FlowError, OSError) as error:
        _LOG.warning("a result that is not to be used again cannot be removed: %s", error)


# -- what a result depends on ----------------------------------------------------------------


def _parts(rule: Cache, attempt: Attempt, arguments: Mapping[str, Any]) -> dict[str, str]:
    parts: dict[str, str] = {}
    if rule.key is not None:
        parts["key"] = str(rule.key(**arguments) if callable(rule.key) else rule.key)
    if "inputs" in rule.by:
        parts |= {f"input {name}": digest(value) for name, value in arguments.items()}
        if attempt.warehouse is not None:
            parts["warehouse"] = attempt.warehouse.name
    if "parameters" in rule.by:
        parts |= {f"parameter {name}": digest(v) for name, v in attempt.parameters.items()}
    if "code" in rule.by:
        parts["code"] = _code(attempt.task)
    at = (attempt.scheduled_time or instants.now()).astimezone(UTC)
    parts |= {word: f"{at:{_PERIODS[word]}}" for word in rule.by if word in _PERIODS}
    return parts


def _code(task: Task) -> str:
    """The digest of a task's function; of a class, of all its methods and its own attributes."""
    if isinstance(task, FunctionTask):
        return code_digest(task.fn)
    classes = type(task).__mro__[: type(task).__mro__.index(Task)]
    methods = [
        code_digest(member)
        for cls in classes
        for _, member in sorted(vars(cls).items())
        if isinstance(member, FunctionType)
    ]
    of_every_task = vars(Task())
    own = {name: value for name, value in vars(task).items() if name not in of_every_task}
    return digest([methods, own])


def _folder(rule: Cache, attempt: Attempt) -> str:
    root = rule.location
    if root is None:
        root = str(Path(attempt.state_dir or ".orchestrator").absolute() / "cache" / "results")
    names = (stored.safe_name(attempt.flow), stored.safe_name(attempt.task.name))
    return "/".join((root.rstrip("/"), *names))


# -- what was found --------------------------------------------------------------------------


def _entry(looked: Lookup) -> str:
    return f"{looked.folder}/{looked.key}.json"


def _read(location: str) -> dict[str, Any] | None:
    """An entry; one that cannot be read counts as none."""
    try:
        found = json.loads(files.read(location))
        datetime.fromisoformat(found["made"])
        stored.given(found["result"])
        return dict(found) if isinstance(found["parts"], dict) else None
    except (files.ResultError, OSError, ValueError, KeyError, TypeError):
        return None


def _judged(found: Lookup, rule: Cache, entry: Mapping[str, Any]) -> Lookup:
    made = datetime.fromisoformat(entry["made"])
    age = instants.now() - made
    if rule.expires is not None and age >= rule.expires:
        return replace(found, why=f"expired {_told(age - rule.expires)} ago")
    try:
        value = stored.given(entry["result"]).load()
    except files.ResultError as error:
        return replace(found, why=error.what)
    except Exception as error:  # a pickle may raise anything
        return replace(found, why=f"its stored result cannot be read: {safe_text(error)}")
    why = f"result of run {entry['run_id']}, {_told(age)} old"
    state = State(StateType.CACHED, why, status=entry.get("status"))
    return replace(found, why=why, hit=(value, Outcome(state, detail={"cache": why})))


def _changed(parts: Mapping[str, str], last: Mapping[str, Any] | None) -> str:
    """Say what differs from the task's last result."""
    if last is None:
        return "no earlier result"
    before = last["parts"]
    names = [name for name in {**before, **parts} if before.get(name) != parts.get(name)]
    told = [
        f"{name} is {parts[name]}, was {before[name]}"
        if name in _PERIODS and name in before and name in parts
        else f"{name} changed"
        for name in names
    ]
    return ", ".join(told) or "the entry of its earlier result is gone"


def _told(span: timedelta) -> str:
    """A span of time in its largest unit.

    Example:
        >>> _told(timedelta(minutes=150))
        '2 h'
    """
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
