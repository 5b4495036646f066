"""Runs as JSON: what the commands below ``runs`` print, and what the API answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from orchestrator.model.state import FINISHED, StateType
from orchestrator.shapes.values import Shape, level_name

if TYPE_CHECKING:
    from orchestrator.service.asking import Asked
    from orchestrator.store.records import Ask, FlowRun, LogLine, TaskRun


def run(found: FlowRun) -> Shape:
    """What a run is, where it stands, its instants, and by what it was made and launched."""
    return {
        "run_id": found.id, "flow": found.flow, "project": found.project, "state": found.state,
        "message": found.message, "created": found.created, "started": found.started,
        "finished": found.finished, "parameters": found.parameters, "options": found.options,
        "retry_of": found.retry_of, "pid": found.pid, "host": found.host,
        "deployment_id": found.deployment_id, "version": found.version,
        "schedule_id": found.schedule_id, "scheduled": found.scheduled,
        "interval_start": found.interval_start, "interval_end": found.interval_end,
        "due": found.due, "waits_for": found.waits_for, "agent": found.agent,
    }  # fmt: skip


#: A run that nobody has begun so long after it could begin is late.
_LATE = timedelta(minutes=5)
#: What a list of tasks tells of a task's detail; the long texts come with the task itself.
_BRIEF = ("error_line", "relation", "node")


def seen(found: FlowRun, counts: Mapping[StateType, int], *, now: datetime) -> Shape:
    """A run as lists and pages show it.

    :func:`run` and ``counts`` of its tasks by state, ``seconds`` so far, whether it is ``late``,
    ``progress`` from 0 to 1 (null: not known), and whether it is ``live``: somebody drives it.
    """
    end = found.finished or now
    seconds = (end - found.started).total_seconds() if found.started else None
    total = sum(counts.values())
    ended = sum(number for state, number in counts.items() if state in FINISHED)
    is_over = found.state in FINISHED
    alive = found.lease_expires is not None and found.lease_expires >= now
    return {
        **run(found),
        "counts": dict(counts),
        "seconds": None if seconds is None else max(0.0, seconds),
        "late": _is_late(found, now),
        "progress": 1.0 if is_over else ended / total if total else None,
        "live": not is_over and alive,
    }


def _is_late(found: FlowRun, now: datetime) -> bool:
    waits = found.state is StateType.PENDING and found.lease_expires is None
    return waits and now - (found.due or found.created) > _LATE


def brief_task(found: TaskRun) -> Shape:
    """:func:`task`, of whose ``detail`` only ``error_line``, ``relation`` and ``node`` are told."""
    detail = {name: found.detail[name] for name in _BRIEF if name in found.detail}
    return {**task(found), "detail": detail}


def task(found: TaskRun) -> Shape:
    """``key``, ``name``, ``resource_type``, its state, times, ``rows``, ``failures``, ``detail``."""
    return {
        "key": found.key, "name": found.name, "resource_type": found.resource_type,
        "path": found.path, "state": found.state, "message": found.message, "cause": found.cause,
        "status": found.status, "attempt": found.attempt, "started": found.started,
        "finished": found.finished, "rows": found.rows, "failures": found.failures,
        "detail": found.detail,
    }  # fmt: skip


def runs(found: Iterable[FlowRun]) -> Shape:
    """``{"runs": [...]}``, the newest first."""
    return {"runs": [run(each) for each in found]}


def whole(
    found: FlowRun,
    tasks: Iterable[TaskRun],
    asked: Iterable[Ask] = (),
    *,
    waiting: str | None = None,
) -> Shape:
    """A run with its ``tasks``, its ``requests`` (what people asked), and why it is ``waiting``."""
    return {
        **run(found),
        "waiting": waiting,
        "tasks": [task(each) for each in tasks],
        "requests": [request(each) for each in asked],
    }


def request(found: Ask) -> Shape:
    """``action``, ``key``, ``by``, ``at``, ``data``."""
    return {
        "action": found.action, "key": found.key, "by": found.by, "at": found.at,
        "data": found.data,
    }  # fmt: skip


def asked_of(done: Asked, action: str, state: str | None = None) -> Shape:
    """``run_id``, ``action``, ``tasks``, ``state``, ``now``: whether the run does it at once."""
    return {
        "run_id": done.run.id, "action": action, "tasks": [each.key for each in done.tasks],
        "state": state, "now": done.now,
    }  # fmt: skip


def line(found: LogLine) -> Shape:
    """``seq``, ``at``, ``key``, ``attempt``, ``level``, ``text``."""
    return {
        "seq": found.seq, "at": found.at, "key": found.key, "attempt": found.attempt,
        "level": level_name(found.level), "text": found.text,
    }  # fmt: skip
