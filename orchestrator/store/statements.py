"""The run store's SQL statements, built once so that SQLAlchemy compiles each only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CompoundSelect,
    Select,
    bindparam,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
    update,
)

from orchestrator.model.state import StateType
from orchestrator.store.lookup import RUNS_LOOKED_AT
from orchestrator.store.moves import KEPT_IF_NONE
from orchestrator.store.rows import Row
from orchestrator.store.tables import attempts, flow_runs, log_lines, task_runs

LOCK_RUN = (
    select(flow_runs.c.state, flow_runs.c.started, flow_runs.c.fence)
    .where(flow_runs.c.id == bindparam("b_run"))
    .with_for_update()
)

NEXT_POSITION = select(func.coalesce(func.max(task_runs.c.position) + 1, 0)).where(
    task_runs.c.run_id == bindparam("b_run")
)

LAST_LINE = select(func.coalesce(func.max(log_lines.c.seq), 0)).where(
    log_lines.c.run_id == bindparam("b_run")
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


@dataclass(frozen=True)
class Within:
    """Which runs, whatever their state.

    Args:
        project: Only of this project.
        flow: Only of this flow.
        since: Only those created at this instant or later.
        until: Only those created before this instant.
        before: Only those that come after this one in a list: when it was created, and its id.
    """

    project: str | None
    flow: str | None
    since: int | None
    until: int | None
    before: tuple[int | None, str] | None

    def of(self, query: Select[Any]) -> Select[Any]:
        """The query with these conditions."""
        run = flow_runs.c
        for column, wanted in ((run.project, self.project), (run.flow, self.flow)):
            query = query if wanted is None else query.where(column == wanted)
        if self.since is not None:
            query = query.where(run.created >= self.since)
        if self.until is not None:
            query = query.where(run.created < self.until)
        if self.before is not None:
            # As one comparison: only then does a page far down begin where the one before ended.
            query = query.where(tuple_(run.created, run.id) < tuple_(*self.before))
        return query


def list_of_runs(
    within: Within, states: Sequence[str] | None, limit: int
) -> Select[Any] | CompoundSelect[Any]:
    """Return the query of runs, the newest first.

    Of several states the newest of each are found in an index, and the newest of these are taken:
    a database would else look through all runs, or sort all that stand so.
    """
    newest = flow_runs.c.created.desc(), flow_runs.c.id.desc()
    query = within.of(select(flow_runs)).order_by(*newest).limit(limit)
    if states is None:
        return query
    if within.project is None or within.flow is not None or not states:
        return query.where(flow_runs.c.state.in_(states))
    each = [select(query.where(flow_runs.c.state == state).subquery()) for state in states]
    if len(each) == 1:
        return query.where(flow_runs.c.state == states[0])
    found = union_all(*each)
    columns = found.selected_columns
    return found.order_by(columns.created.desc(), columns.id.desc()).limit(limit)


def counts(run_ids: Sequence[str]) -> Select[Any]:
    """Return the query of run, state and number of tasks."""
    task = task_runs.c
    query = select(task.run_id, task.state, func.count().label("tasks"))
    return query.where(task.run_id.in_(run_ids)).group_by(task.run_id, task.state)


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
