"""Records to rows and back: text, whole numbers and JSON text, the same for every store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.errors import StoreError
from orchestrator.model.state import StateType
from orchestrator.store.records import (
    Action,
    Ask,
    Attempt,
    Event,
    FlowRun,
    Lease,
    LogLine,
    TaskRun,
)

Row = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def micros(instant: datetime | None) -> int | None:
    """Return whole microseconds since 1970 in UTC: exact, and the same in every database.

    Raises:
        ValueError: The instant has no time zone.

    Example:
        >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
        1000000
    """
    if instant is None:
        return None
    if instant.tzinfo is None:
        raise ValueError(f"the store takes aware instants only, not {instant!r}")
    return (instant - _EPOCH) // _MICROSECOND


def instant_of(value: int | None) -> datetime | None:
    """Return the aware UTC instant of so many microseconds."""
    return None if value is None else _EPOCH + timedelta(microseconds=value)


def clean(text: str) -> str:
    """Return text that every database takes: no NUL, no half characters.

    Example:
        >>> clean("a\\x00b")
        'a\\ufffdb'
    """
    if "\x00" in text:
        text = text.replace("\x00", "\ufffd")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def to_json(value: object, what: str) -> str | None:
    """Return JSON text; None stays None.

    Raises:
        StoreError: The value has no JSON form.
    """
    if value is None:
        return None
    if not value and isinstance(value, dict | list):  # what most runs say
        return "{}" if isinstance(value, dict) else "[]"
    try:
        return _encode(value if not isinstance(value, Mapping) else dict(value))
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(
            f"{what} cannot be kept as JSON: {error}",
            fix="give plain values: text, finite numbers, true, false, null, lists, objects",
        ) from error


def _number(value: int | None) -> int | None:
    # numpy's integers are no ints, and a driver would take them for blobs.
    return None if value is None else int(value)


def object_of(text: str | None) -> dict[str, Any]:
    """Return the object that JSON text says; an empty one for None."""
    return json.loads(text) if text else {}


def maybe_clean(text: str | None) -> str | None:
    """Return :func:`clean` text; None stays None."""
    return None if text is None else clean(text)


def flow_run_row(run: FlowRun) -> Row:
    """Return the row of a run."""
    return {
        "id": clean(run.id),
        "flow": clean(run.flow),
        "project": clean(run.project),
        "state": run.state.value,
        "message": clean(run.message),
        "created": micros(run.created),
        "started": micros(run.started),
        "finished": micros(run.finished),
        "retry_of": run.retry_of,
        "parameters": to_json(run.parameters, "a run's parameters"),
        "options": to_json(run.options, "a run's options"),
        "labels": to_json(list(run.labels), "a run's labels"),
        "pid": run.pid,
        "host": run.host,
        "lease_expires": micros(run.lease_expires),
        "fence": run.fence,
        "idempotency_key": maybe_clean(run.idempotency_key),
        "deployment_id": run.deployment_id,
        "version": run.version,
        "schedule_id": maybe_clean(run.schedule_id),
        "scheduled": micros(run.scheduled),
        "interval_start": micros(run.interval_start),
        "interval_end": micros(run.interval_end),
        "due": micros(run.due),
        "waits_for": run.waits_for,
        "agent": maybe_clean(run.agent),
        "graph": run.graph,
        "turn": micros(run.created if run.due is None else run.due),
    }


def flow_run(row: Mapping[str, Any]) -> FlowRun:
    """Return the run of a row."""
    return FlowRun(
        id=row["id"],
        flow=row["flow"],
        project=row["project"],
        parameters=object_of(row["parameters"]),
        state=StateType(row["state"]),
        message=row["message"],
        created=_EPOCH + timedelta(microseconds=row["created"]),
        started=instant_of(row["started"]),
        finished=instant_of(row["finished"]),
        retry_of=row["retry_of"],
        options=object_of(row["options"]),
        labels=tuple(json.loads(row["labels"])),
        pid=row["pid"],
        host=row["host"],
        lease_expires=instant_of(row["lease_expires"]),
        fence=row["fence"],
        idempotency_key=row["idempotency_key"],
        deployment_id=row["deployment_id"],
        version=row["version"],
        schedule_id=row["schedule_id"],
        scheduled=instant_of(row["scheduled"]),
        interval_start=instant_of(row["interval_start"]),
        interval_end=instant_of(row["interval_end"]),
        due=instant_of(row["due"]),
        waits_for=row["waits_for"],
        agent=row["agent"],
        graph=row["graph"],
    )


def task_run_row(run_id: str, task: TaskRun, position: int) -> Row:
    """Return the row of a task, which takes the run and the place it is put in."""
    return {
        "run_id": run_id,
        "key": clean(task.key),
        "position": position,
        "name": clean(task.name),
        "resource_type": task.resource_type,
        "state": task.state.value,
        "message": clean(task.message),
        "cause": maybe_clean(task.cause),
        "status": maybe_clean(task.status),
        "attempt": task.attempt,
        "token": task.token,
        "started": micros(task.started),
        "finished": micros(task.finished),
        "rows": _number(task.rows),
        "failures": _number(task.failures),
        "path": maybe_clean(task.path),
        "detail": to_json(task.detail, f"the detail of task {task.key!r}") if task.detail else None,
        "result": to_json(task.result, f"the result of task {task.key!r}"),
    }


def task_run(row: Mapping[str, Any]) -> TaskRun:
    """Return the task run of a row."""
    return TaskRun(
        run_id=row["run_id"],
        key=row["key"],
        name=row["name"],
        resource_type=row["resource_type"],
        state=StateType(row["state"]),
        message=row["message"],
        cause=row["cause"],
        status=row["status"],
        attempt=row["attempt"],
        token=row["token"],
        started=instant_of(row["started"]),
        finished=instant_of(row["finished"]),
        rows=row["rows"],
        failures=row["failures"],
        detail=object_of(row["detail"]),
        result=None if row["result"] is None else json.loads(row["result"]),
        path=row["path"],
    )


def attempt(row: Mapping[str, Any]) -> Attempt:
    """Return the attempt of a row."""
    return Attempt(
        run_id=row["run_id"],
        key=row["key"],
        number=row["number"],
        token=row["token"],
        state=StateType(row["state"]),
        message=row["message"],
        started=instant_of(row["started"]),
        finished=instant_of(row["finished"]),
        worker=row["worker"],
        detail=object_of(row["detail"]),
    )


def event_row(run_id: str, key: str | None, at: int, kind: str, data: Mapping[str, Any]) -> Row:
    """Return the row of an event, still without its id."""
    return {"run_id": run_id, "key": key, "at": at, "kind": kind, "data": _encode(dict(data))}


def created_event(run: Row, tasks: int = 0) -> Row:
    """Return the row of the event that a run was made, by the run's row."""
    data = f'{{"tasks":{tasks}}}'
    return {"run_id": run["id"], "key": None, "at": run["created"], "kind": "created", "data": data}


def event(row: Mapping[str, Any]) -> Event:
    """Return the event of a row."""
    return Event(
        id=row["id"],
        run_id=row["run_id"],
        key=row["key"],
        at=_EPOCH + timedelta(microseconds=row["at"]),
        kind=row["kind"],
        data=object_of(row["data"]),
    )


def log_row(run_id: str, line: LogLine) -> Row:
    """Return the row of a log line, still without its number."""
    return {
        "run_id": run_id,
        "key": maybe_clean(line.key),
        "attempt": line.attempt,
        "at": micros(line.at),
        "level": line.level,
        "text": clean(line.text),
    }


def log_line(row: Mapping[str, Any]) -> LogLine:
    """Return the log line of a row."""
    return LogLine(
        text=row["text"],
        key=row["key"],
        attempt=row["attempt"],
        level=row["level"],
        at=_EPOCH + timedelta(microseconds=row["at"]),
        seq=row["seq"],
    )


def ask_row(run_id: str, asked: Ask) -> Row:
    """Return the row of a request, still without its number."""
    return {
        "run_id": run_id,
        "key": maybe_clean(asked.key),
        "action": asked.action.value,
        "data": to_json(asked.data, "what a request says"),
        "asked_by": clean(asked.by),
        "at": micros(asked.at),
    }


def asked_event(row: Row) -> Row:
    """Return the row of the event that a request was made, by the request's row."""
    data = {"action": row["action"], "by": row["asked_by"], **object_of(row["data"])}
    return event_row(row["run_id"], row["key"], row["at"], "asked", data)


def ask(row: Mapping[str, Any]) -> Ask:
    """Return the request of a row."""
    return Ask(
        action=Action(row["action"]),
        key=row["key"],
        data=object_of(row["data"]),
        by=row["asked_by"],
        at=_EPOCH + timedelta(microseconds=row["at"]),
        id=row["id"],
    )


def lease(row: Mapping[str, Any]) -> Lease:
    """Return the lease of a row."""
    expires = _EPOCH + timedelta(microseconds=row["expires"])
    return Lease(row["name"], row["holder"], row["run_id"], expires)
