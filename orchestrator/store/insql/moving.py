"""Moves of runs and tasks in a SQL database: where they stand is read, what was decided is written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, insert, literal_column, select, update

from orchestrator.model.state import StateType
from orchestrator.store import statements
from orchestrator.store.insql.shared import chunks
from orchestrator.store.moves import Outcome, Standing, decide, ending
from orchestrator.store.rows import Row
from orchestrator.store.tables import attempts, events, flow_runs, task_runs

KEYS_AT_ONCE = 5000  #: keys a statement: databases limit bound values (SQLite 32,766)

#: Whether nobody has begun a run, and no agent has taken it.
UNCLAIMED = and_(
    # As text, not as a bound value: only then can the partial index be used.
    flow_runs.c.state == literal_column("'Pending'"),
    flow_runs.c.lease_expires.is_(None),
)
# By id, so that no two callers wait for each other in a circle.
_LOCK_UNCLAIMED: Select[Any] = (
    select(flow_runs.c.id, flow_runs.c.started, flow_runs.c.fence)
    .where(flow_runs.c.id.in_(bindparam("b_ids", expanding=True)), UNCLAIMED)
    .order_by(flow_runs.c.id)
    .with_for_update()
)
_OPEN_TASKS: Select[Any] = (
    select(
        task_runs.c.run_id,
        task_runs.c.key,
        task_runs.c.state,
        task_runs.c.attempt,
        task_runs.c.token,
        task_runs.c.started,
    )
    .where(
        task_runs.c.run_id.in_(bindparam("b_ids", expanding=True)), task_runs.c.finished.is_(None)
    )
    .order_by(task_runs.c.run_id, task_runs.c.position)
)
_MOVE_RUN = update(flow_runs).where(flow_runs.c.id == bindparam("b_run"))


def standings(connection: Connection, run_id: str, keys: Sequence[str]) -> dict[str, Standing]:
    """Return where tasks of a run stand; those that are not there are left out."""
    found: dict[str, Standing] = {}
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = {"b_run": run_id, "b_keys": keys[start : start + KEYS_AT_ONCE]}
        found_rows: Iterable[Any] = connection.execute(statements.STANDINGS, some)
        for key, state, number, token, started in found_rows:
            found[key] = Standing(StateType(state), number, token, started)
    return found


def call_off(connection: Connection, run_ids: Sequence[str], why: str) -> Collection[str]:
    """Cancel those of some runs that nobody has begun; return which.

    Args:
        connection: The transaction's.
        run_ids: The runs, sorted.
        why: Said to people.
    """
    outcomes: dict[str, Outcome] = {}
    for some in chunks(run_ids):
        locked: Iterable[Any] = connection.execute(_LOCK_UNCLAIMED, {"b_ids": some})
        runs = {run_id: (started, fence) for run_id, started, fence in locked}
        tasks = _open_tasks(connection, list(runs))
        for run_id, (started, fence) in runs.items():
            standing = Standing(StateType.PENDING, started=started)
            left = tasks.get(run_id, {})
            changes = ending(
                {key: each.state for key, each in left.items()}, StateType.CANCELLED, why
            )
            outcomes[run_id] = decide(
                run_id, standing, left, changes, fence=fence, given_fence=None
            )
    write_outcomes(connection, outcomes)
    return outcomes.keys()


def _open_tasks(connection: Connection, run_ids: Sequence[str]) -> dict[str, dict[str, Standing]]:
    found: dict[str, dict[str, Standing]] = {}
    rows: Iterable[Any] = connection.execute(_OPEN_TASKS, {"b_ids": run_ids})
    for run_id, key, state, number, token, started in rows:
        found.setdefault(run_id, {})[key] = Standing(StateType(state), number, token, started)
    return found


def write_outcomes(connection: Connection, outcomes: Mapping[str, Outcome]) -> None:
    """Write what was decided of runs, by their ids."""
    _move_runs(connection, outcomes)
    tasks = [
        {"b_run": run_id, "b_key": key, **statements.bound(row)}
        for run_id, outcome in outcomes.items()
        for key, row in outcome.tasks.items()
    ]
    if tasks:
        connection.execute(statements.MOVE_TASK, tasks)
    if opened := [row for outcome in outcomes.values() for row in outcome.opened.values()]:
        connection.execute(insert(attempts), opened)
    closed = [
        {"b_run": run_id, "b_key": key, "b_number": number, **statements.bound(row)}
        for run_id, outcome in outcomes.items()
        for (key, number), row in outcome.closed.items()
    ]
    if closed:
        connection.execute(statements.CLOSE_ATTEMPT, closed)
    if happened := [event for outcome in outcomes.values() for event in outcome.events]:
        connection.execute(insert(events), happened)


def _move_runs(connection: Connection, outcomes: Mapping[str, Outcome]) -> None:
    """Write the runs that move, those whose rows name the same columns in one go."""
    alike: dict[tuple[str, ...], list[Row]] = {}
    for run_id, outcome in outcomes.items():
        if outcome.run is not None:
            alike.setdefault(tuple(outcome.run), []).append({"b_run": run_id, **outcome.run})
    for moved in alike.values():
        connection.execute(_MOVE_RUN, moved)
