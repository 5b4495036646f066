"""What a message says: flow, run, state, the task that failed and its first line, local time."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator import instants
from orchestrator.model.state import BROKEN, StateType
from orchestrator.schedule.zone_data import load_zone
from orchestrator.secrets import masker
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, TaskRun

STATE, RECOVERED, LATE, LONG, TEST = "state", "recovered", "not_started", "long", "test"
_LINE = 300  #: characters of an error's first line
_ERROR_CLASS = re.compile(r"^(\w+\.)*\w*(Error|Exception|Warning|Interrupt)\b")


def key_of(*parts: object) -> str:
    """Return the stable name of a message: the same things give the same name, for ever.

    Example:
        >>> key_of("team", "a1", "Failed") == key_of("team", "a1", "Failed")
        True
    """
    text = "\0".join(str(part) for part in parts)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def about_run(
    store: RunStore, run: FlowRun, state: StateType, message: str, at: datetime, zone: str
) -> dict[str, Any]:
    """Return the payload that says that a run entered a state.

    Args:
        store: Where the run is kept.
        run: The run.
        state: The state it entered.
        message: That state's message.
        at: When.
        zone: Whose local time to show.
    """
    broken = failed_tasks(store, run.id) if state in BROKEN else ()
    payload = _payload(run, STATE, f"{run.flow}: {state}", at, zone)
    payload |= {"state": state.value, "message": message}
    if broken:
        payload |= {
            "task": broken[0].name,
            "error": first_line(broken[0]),
            "failed_tasks": len(broken),
        }
    return masked(payload)


def about_task(
    run: FlowRun, task: TaskRun, state: StateType, message: str, at: datetime, zone: str
) -> dict[str, Any]:
    """Return the payload that says that a task run entered a state; arguments as for a run."""
    payload = _payload(run, STATE, f"{run.flow}, {task.name}: {state}", at, zone)
    payload |= {"state": state.value, "task": task.name, "message": message}
    if state in BROKEN or state is StateType.RETRYING:
        payload["error"] = first_line(task) or _short(message)
    return masked(payload)


def about(
    run: FlowRun | None, kind: str, title: str, message: str, at: datetime, zone: str, **more: Any
) -> dict[str, Any]:
    """Return the payload of a message of another kind.

    Args:
        run: The run, if it is about one.
        kind: What kind.
        title: The message in a few words.
        message: One line more.
        at: When.
        zone: Whose local time to show.
        more: What else the payload holds.
    """
    payload = _payload(run, kind, title, at, zone) | {"message": message} | more
    return masked(payload)


def _payload(run: FlowRun | None, kind: str, title: str, at: datetime, zone: str) -> dict[str, Any]:
    local = at.astimezone(load_zone(zone))
    base = {
        "kind": kind,
        "title": title,
        "at": at.isoformat(),
        "local_time": f"{local:%Y-%m-%d %H:%M:%S} {local:%z} {zone}",
    }
    if run is not None:
        base |= {"project": run.project, "flow": run.flow, "run_id": run.id}
    return base


def failed_tasks(store: RunStore, run_id: str) -> Sequence[TaskRun]:
    """Return a run's failed tasks, the one that failed first in front."""
    found = [row for row in store.task_runs(run_id) if row.state in BROKEN]
    return sorted(found, key=lambda row: row.finished or instants.now())


def first_line(task: TaskRun) -> str:
    """Return the first line of a task's error that says something.

    Of a traceback it is the line that names the error.
    """
    for text in (task.message, str(task.detail.get("error") or "")):
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines and lines[0].startswith("Traceback"):
            lines = [line for line in lines if _ERROR_CLASS.match(line)] or lines
        if lines:
            return _short(lines[0])
    return ""


def _short(text: str) -> str:
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return line if len(line) <= _LINE else line[: _LINE - 1] + "…"


def masked(value: Any) -> Any:
    """Return a payload with ``***`` in the place of every secret that is known here."""
    if isinstance(value, str):
        return masker().mask(value)
    if isinstance(value, Mapping):
        return {key: masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [masked(item) for item in value]
    return value


def text_of(payload: Mapping[str, Any]) -> str:
    """Return a payload as lines for people, without its title.

    Example:
        >>> print(text_of({"message": "1 task failed", "task": "load", "error": "no such table",
        ...                "run_id": "a1", "project": "shop", "local_time": "2026-03-01 05:00:00"}))
        1 task failed
        load: no such table
        run a1 of project shop, 2026-03-01 05:00:00
        >>> print(text_of({"message": "no run of nightly has started", "project": "shop"}))
        no run of nightly has started
        project shop
    """
    error = ": ".join(filter(None, (payload.get("task"), payload.get("error"))))
    run = f"run {payload['run_id']} of " if "run_id" in payload else ""
    project = f"{run}project {payload['project']}" if "project" in payload else ""
    place = ", ".join(filter(None, (project, payload.get("local_time"))))
    lines = [payload.get("message"), error if payload.get("error") else "", place]
    return "\n".join(line for line in dict.fromkeys(lines) if line)
