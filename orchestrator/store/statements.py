"""The run store's SQL statements, built once so that SQLAlchemy compiles each only once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select, update

from orchestrator.model.state import StateType
from orchestrator.store.moves import KEPT_IF_NONE
from orchestrator.store.rows import Row
from orchestrator.store.tables import attempts, flow_runs, task_runs

_RUNS_LOOKED_AT = 50  #: for durations; a run of a few tasks counts as one as well

LOCK_RUN = (
    select(flow_runs.c.state, flow_runs.c.started, flow_runs.c.fence)
    .where(flow_runs.c.id == bindparam("b_run"))
    .with_for_update()
)

NEXT_POSITION = select(func.coalesce(func.max(task_runs.c.position) + 1, 0)).where(
    task_runs.c.run_id == bindparam("b_run")
)

STANDINGS: Select[tuple[str, str, int, str | None, int | None]] = select(
    task_runs.c.key,
    task_runs.c.state,
    task_runs.c.attempt,
    task_runs.c.token,
    task_runs.c.started,
).where(
    task_runs.c.run_id == bindparam("b_run"),
    task_runs.c.key.in_(bindparam("b_keys", expanding=True)),
)

_REPLACED = (
    "state",
    "message",
    "cause",
    "status",
    "attempt",
    "token",
    "started",
    "finished",
)
MOVE_TASK = (
    update(task_runs)
    .where(task_runs.c.run_id == bindparam("b_run"), task_runs.c.key == bindparam("b_key"))
    .values(
        {
            **{name: bindparam(f"b_{name}", type_=task_runs.c[name].type) for name in _REPLACED},
            **{
                name: func.coalesce(
                    bindparam(f"b_{name}", type_=task_runs.c[name].type), task_runs.c[name]
                )
                for name in KEPT_IF_NONE
            },
        }
    )
)

CLOSE_ATTEMPT = (
    update(attempts)
    .where(
        attempts.c.run_id == bindparam("b_run"),
        attempts.c.key == bindparam("b_key"),
        attempts.c.number == bindparam("b_number"),
    )
    .values(
        state=bindparam("b_state"),
        message=bindparam("b_message"),
        finished=bindparam("b_finished"),
        detail=bindparam("b_detail"),
        worker=func.coalesce(
            bindparam("b_worker", type_=attempts.c.worker.type), attempts.c.worker
        ),
    )
)

HEARTBEAT = (
    update(flow_runs)
    .where(
        flow_runs.c.id == bindparam("b_run"),
        flow_runs.c.fence == bindparam("b_fence"),
        flow_runs.c.finished.is_(None),
    )
    .values(lease_expires=bindparam("b_until"))
)

PRUNE = delete(flow_runs).where(
    flow_runs.c.id.in_(
        select(flow_runs.c.id)
        .where(flow_runs.c.finished < bindparam("b_before"))
        .limit(bindparam("b_most"))
    )
)


def bound(row: Row) -> Row:
    """Return the row under the names of the statements' parameters."""
    return {f"b_{name}": value for name, value in row.items()}


def expired(now: int | None) -> Select[Any]:
    """Return the query of unfinished runs whose driver is believed dead."""
    run = flow_runs.c
    lost = run.lease_expires.is_(None) & (run.state != StateType.PENDING.value)
    return (
        select(flow_runs)
        .where(run.finished.is_(None), (run.lease_expires < now) | lost)
        .order_by(run.created, run.id)
    )


def durations(
    flow: str | None, project: str | None, last: int, keys: int
) -> Select[tuple[str, int]]:
    """Return the query of (key, microseconds) of successes in the newest runs, newest first."""
    run = flow_runs.c
    recent = select(run.id, run.created).order_by(run.created.desc()).limit(_RUNS_LOOKED_AT)
    if flow is not None:
        recent = recent.where(run.flow == flow)
    if project is not None:
        recent = recent.where(run.project == project)
    newest = recent.subquery()
    task = task_runs.c
    return (
        select(task.key, (task.finished - task.started).label("elapsed"))
        .join(newest, newest.c.id == task.run_id)
        .where(task.state == StateType.SUCCESS.value, task.started.is_not(None))
        .order_by(newest.c.created.desc())
        .limit(last * keys)
    )
