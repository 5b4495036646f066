"""The run store's SQL statements, built once so that SQLAlchemy compiles each only once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, bindparam, func, literal_column, select, update

from orchestrator.model.state import StateType
from orchestrator.store.lookup import RUNS_LOOKED_AT
from orchestrator.store.moves import KEPT_IF_NONE
from orchestrator.store.rows import Row
from orchestrator.store.tables import attempts, flow_runs, task_runs

LOCK_RUN = (
    select(flow_runs.c.state, flow_runs.c.started, flow_runs.c.fence)
    .where(flow_runs.c.id == bindparam("b_run"))
    .with_for_update()
)

NEXT_POSITION = select(func.coalesce(func.max(task_runs.c.position) + 1, 0)).where(
    task_runs.c.run_id == bindparam("b_run")
)

STANDINGS: Select[Any] = select(
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

FINISHED_BEFORE = select(flow_runs.c.id).where(flow_runs.c.finished < bindparam("b_before"))

_AGE = (
    select(
        flow_runs.c.id,
        func.row_number()
        .over(
            partition_by=(flow_runs.c.project, flow_runs.c.flow),
            order_by=(flow_runs.c.created.desc(), flow_runs.c.id.desc()),
        )
        .label("place"),
    )
    .where(flow_runs.c.finished.is_not(None))
    .subquery()
)
BEYOND = select(_AGE.c.id).where(_AGE.c.place > bindparam("b_kept"))


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


def recent_runs(flow: str | None, project: str | None) -> Select[Any]:
    """Return the query of the ids of the newest runs."""
    run = flow_runs.c
    query = select(run.id).order_by(run.created.desc(), run.id.desc()).limit(RUNS_LOOKED_AT)
    if flow is not None:
        query = query.where(run.flow == flow)
    if project is not None:
        query = query.where(run.project == project)
    return query


def elapsed(run_ids: Sequence[str], keys: Sequence[str] | None) -> Select[Any]:
    """Return the query of run, key and microseconds of each success in these runs.

    Args:
        run_ids: The runs.
        keys: Only these tasks; None for all.
    """
    task = task_runs.c
    query = select(task.run_id, task.key, (task.finished - task.started).label("elapsed")).where(
        task.run_id.in_(run_ids),
        # As text, not as a bound value: only then can the partial index be used.
        task.state == literal_column("'Success'"),
        task.started.is_not(None),
    )
    return query if keys is None else query.where(task.key.in_(keys))
