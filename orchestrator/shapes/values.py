"""What ``--format json`` prints; names here are a contract with other people's programs.

Instants are ISO 8601 in UTC, durations are seconds, states are the words of
:class:`~orchestrator.model.state.StateType`. ``run``, ``runs retry`` and ``runs watch`` print one
object a line, told apart by ``event``; every other command prints one object. Whatever goes wrong
is ``{"error": {"kind", "what", "where", "fix", "exit_code"}}``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import asdict, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from typing import Any

from orchestrator.errors import OrchestratorError
from orchestrator.model.dataset import Access, Dataset
from orchestrator.model.events import (
    Event,
    LogEmitted,
    RunFinished,
    RunStarted,
    TaskChanged,
    TasksAdded,
)
from orchestrator.model.evidence import Evidence
from orchestrator.model.facts import Edge, TaskFacts
from orchestrator.model.state import State

Shape = dict[str, Any]


def dumps(value: object, *, indent: int | None = None) -> str:
    """Return JSON text (ASCII, so that every terminal and pipe takes it).

    Example:
        >>> dumps({"a": float("nan"), "b": {1}})
        '{"a": null, "b": [1]}'
    """
    return json.dumps(_json(value), indent=indent, allow_nan=False)


def error(problem: OrchestratorError) -> Shape:
    """``{"error": {kind, what, where, fix, exit_code}}``."""
    return {
        "error": {
            "kind": type(problem).__name__,
            "what": problem.what,
            "where": problem.where,
            "fix": problem.fix,
            "exit_code": problem.exit_code,
        }
    }


def event(happened: Event) -> Shape:
    """One line of a run.

    ``run_started`` (run_id, flow, executor, slots, tasks, expected), ``tasks_added`` (tasks),
    ``task`` (key, name, state, message, cause, status, attempt, seconds, rows, failures, detail),
    ``log`` (key, level, text), ``run_finished`` (run_id, state, message, seconds, counts);
    each with ``event`` and ``at``.
    """
    if isinstance(happened, TaskChanged):
        return _task_changed(happened)
    if isinstance(happened, RunStarted):
        return {
            "event": "run_started", "at": happened.at, "run_id": happened.run_id,
            "flow": happened.flow, "executor": happened.executor, "slots": happened.slots,
            "tasks": _tasks(happened.tasks), "expected": happened.expected,
        }  # fmt: skip
    if isinstance(happened, TasksAdded):
        return {"event": "tasks_added", "at": happened.at, "tasks": _tasks(happened.tasks)}
    if isinstance(happened, LogEmitted):
        return {
            "event": "log", "at": happened.at, "key": happened.key, "level": happened.level,
            "text": happened.text,
        }  # fmt: skip
    assert isinstance(happened, RunFinished)
    return {
        "event": "run_finished", "at": happened.at, "run_id": happened.run_id,
        "state": happened.state.type, "message": happened.state.message,
        "seconds": happened.seconds, "counts": happened.counts,
    }  # fmt: skip


def _task_changed(happened: TaskChanged) -> Shape:
    return {
        "event": "task", "at": happened.at, "key": happened.key, "name": happened.name,
        **state(happened.state), "attempt": happened.attempt, "seconds": happened.seconds,
        "rows": happened.rows, "failures": happened.failures, "detail": happened.detail,
    }  # fmt: skip


def state(value: State) -> Shape:
    """``state``, ``message``, ``cause`` and ``status``; results never leave the run this way."""
    return {
        "state": value.type,
        "message": value.message,
        "cause": value.cause,
        "status": value.status,
    }


def evidence(found: Evidence) -> Shape:
    """``source``, ``text``, ``file``, ``line``, ``node``."""
    return asdict(found)


def edge(found: Edge) -> Shape:
    """``upstream``, ``downstream``, ``dataset``, ``evidence``."""
    return {
        "upstream": found.upstream,
        "downstream": found.downstream,
        "dataset": found.dataset,
        "evidence": [evidence(piece) for piece in found.evidence],
    }


def facts(task: TaskFacts) -> Shape:
    """``key``, ``name``, ``resource_type``, ``path``, ``tags``, ``reads``, ``writes``, ``drops``."""
    return {
        "key": task.key, "name": task.name, "resource_type": task.resource_type,
        "path": task.path, "tags": task.tags, "reads": _datasets(task.reads),
        "writes": _datasets(task.writes), "drops": _datasets(task.drops),
        "lineage_unknown": task.lineage_unknown,
    }  # fmt: skip


def _datasets(accesses: Iterable[Access]) -> list[str]:
    return list(dict.fromkeys(str(access.dataset) for access in accesses))


def _tasks(tasks: Iterable[tuple[str, str, str]]) -> list[Shape]:
    return [{"key": key, "name": name, "resource_type": kind} for key, name, kind in tasks]


def _json(value: Any) -> Any:
    """Reduce a value to what JSON has; what it has no word for becomes text."""
    if isinstance(value, Enum):
        return _json(value.value)
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(_json(key)): _json(item) for key, item in value.items()}
    if isinstance(value, Dataset):
        return str(value)
    if is_dataclass(value) and not isinstance(value, type):
        return _json(asdict(value))
    if isinstance(value, Set):
        return sorted((_json(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_json(item) for item in value]
    return str(value)


def level_name(number: int) -> str:
    """The word for a logging level.

    Example:
        >>> level_name(30), level_name(45)
        ('WARNING', 'ERROR')
    """
    for least, name in ((50, "CRITICAL"), (40, "ERROR"), (30, "WARNING"), (20, "INFO")):
        if number >= least:
            return name
    return "DEBUG"
