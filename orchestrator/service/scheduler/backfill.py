"""Backfills: runs for the occurrences of days gone by, so many at a time, made once however often asked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.model.state import FINISHED, StateType
from orchestrator.schedule import Occurrence, Schedule
from orchestrator.service.scheduler.backfills import standing
from orchestrator.service.scheduler.making import BACKFILL, run_of
from orchestrator.service.scheduler.stopping import ask_all_to_stop
from orchestrator.service.scheduler.watching import shape_of
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment, schedule_id
from orchestrator.store.occurrences import Settled, SettledAs
from orchestrator.store.records import FlowRun, new_run_id

MOST = 10_000  #: occurrences of one backfill
_AT_ONCE = 500  #: runs a transaction: others write between
_ALL = 1_000_000  #: rows that are looked at: all of the schedule
_OFFSET = timedelta(days=2)  #: more than any local time is away from UTC


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill is.

    Args:
        id: Its name; asking again with it goes on where it stands.
        total: Occurrences.
        made: Runs made by this call.
        runs: Ids of its runs, in the order of their occurrences.
        succeeded: So many runs succeeded.
        failed: So many failed or timed out.
        cancelled: So many were cancelled.
        running: So many are under way.
        waiting: So many wait for an agent, or for others of the backfill.
    """

    id: str
    total: int
    made: int
    runs: tuple[str, ...] = ()
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    waiting: int = 0


def backfill(
    store: RunStore,
    deployment: Deployment,
    name: str,
    first: date,
    last: date,
    *,
    now: datetime,
    parallel: int = 1,
    called: str | None = None,
) -> Progress:
    """Make the runs of a schedule's occurrences on past local days, the oldest first.

    Run number ``n`` waits for number ``n - parallel``: so many run at a time, whoever runs them,
    and nothing has to stay alive for it. What is there of the same backfill is not made again.

    Args:
        store: The store.
        deployment: Whose runs they are.
        name: Name of the schedule.
        first: The first local day.
        last: The last one; of today only what is past.
        now: The present (aware).
        parallel: So many at a time.
        called: Name of the backfill; if left out, made of schedule and days.

    Raises:
        UsageError: There is nothing to run on these days, or too much.
    """
    mine = schedule_id(deployment.project, deployment.flow, name)
    wanted = occurrences_on(deployment, name, first, last, now)
    label = called or _label(mine, first, last)
    there = _rows(store, mine, label)
    made = 0
    for start in range(0, len(wanted), _AT_ONCE):
        chunk = range(start, min(start + _AT_ONCE, len(wanted)))
        made += _make(store, deployment, mine, label, wanted, chunk, parallel, there, now)
    rows = [there[_key(label, one)] for one in wanted]
    return _progress(store, deployment, label, rows, made)


def occurrences_on(
    deployment: Deployment, name: str, first: date, last: date, now: datetime
) -> list[Occurrence]:
    """Return a schedule's past occurrences on local days, both included.

    Raises:
        UsageError: There are none, or more than ``MOST``.
    """
    schedule = Schedule.from_dict(shape_of(deployment, name))
    begin = datetime.combine(first, time(), UTC) - _OFFSET
    end = min(datetime.combine(last, time(), UTC) + _OFFSET + timedelta(days=1), now)
    found = []
    for one in takewhile(lambda one: one.instant <= end, schedule.occurrences(begin)):
        if first <= one.nominal.date() <= last:
            found.append(one)
        if len(found) > MOST:
            raise UsageError(
                f"more than {MOST:,} runs lie between {first} and {last}",
                fix="take fewer days at a time",
            )
    if not found:
        raise UsageError(
            f"the schedule {name!r} of {deployment.flow!r} names nothing from {first} to {last}"
            " that is past",
            fix=f"see what it names: orchestrator schedule preview {deployment.flow}"
            f" --around {first}",
        )
    return found


def cancel(
    store: RunStore,
    deployment: Deployment,
    name: str,
    first: date,
    last: date,
    *,
    called: str | None = None,
) -> Progress:
    """Ask every unfinished run of a backfill to stop, the last one first; none is made any more.

    Takes the arguments of :func:`backfill`, and tells the runs that there are.

    Raises:
        UsageError: There is no such backfill.
    """
    mine = schedule_id(deployment.project, deployment.flow, name)
    label = called or _label(mine, first, last)
    rows = list(_rows(store, mine, label).values())
    if not rows:
        raise UsageError(f"there is no backfill of {mine} from {first} to {last}")
    unfinished = {run.id for run in _runs_of(store, deployment, state=_UNFINISHED)}
    left = [row.run_id for row in reversed(rows) if row.run_id in unfinished]
    ask_all_to_stop(store, left, f"backfill {label} was cancelled")
    return _progress(store, deployment, label, rows, 0)


def _make(
    store: RunStore,
    deployment: Deployment,
    mine: str,
    label: str,
    wanted: Sequence[Occurrence],
    chunk: Sequence[int],
    parallel: int,
    there: dict[str, Settled],
    now: datetime,
) -> int:
    """Make what is not there of some occurrences, in one transaction; return how many."""
    rows, runs = [], []
    for place in chunk:
        one, key = wanted[place], _key(label, wanted[place])
        if key in there:
            continue
        before = there.get(_key(label, wanted[place - parallel])) if place >= parallel else None
        # In their order, and behind everything that is due already.
        due = now - timedelta(microseconds=len(wanted) - place)
        row, run = _row_and_run(deployment, mine, label, one, now, due, before)
        there[key] = row
        rows.append(row)
        runs.append(run)
    if not rows:
        return 0
    settled = set(store.occur(mine, rows, runs, datetime.fromtimestamp(0, UTC)))
    if len(settled) < len(rows):  # somebody else asked for the same at the same time
        there.update(_rows(store, mine, label))
    return len(settled)


def _row_and_run(
    deployment: Deployment,
    mine: str,
    label: str,
    one: Occurrence,
    now: datetime,
    due: datetime,
    before: Settled | None,
) -> tuple[Settled, FlowRun]:
    row = Settled(
        mine, _key(label, one), one.instant, one.nominal.isoformat(), one.repeat, SettledAs.RUN,
        f"backfill {label}", new_run_id(), one.interval_start, one.interval_end, now,
    )  # fmt: skip
    assert row.run_id is not None
    # A name of its own: the nightly run neither waits for the backfill nor ends it.
    place = f"{mine} backfill {label}"
    run = run_of(row.run_id, one, deployment, place, now, before.run_id if before else None)
    return row, replace(run, due=due)


def _key(label: str, one: Occurrence) -> str:
    return f"{BACKFILL}{label} {one.key}"


def _label(mine: str, first: date, last: date) -> str:
    return hashlib.sha256(f"{mine} {first} {last}".encode()).hexdigest()[:8]


def _rows(store: RunStore, mine: str, label: str) -> dict[str, Settled]:
    found = store.occurrences(mine, outcome=SettledAs.RUN, limit=_ALL)
    prefix = f"{BACKFILL}{label} "
    return {row.key: row for row in reversed(found) if row.key.startswith(prefix)}


_UNFINISHED = tuple(state for state in StateType if state not in FINISHED)


def _progress(
    store: RunStore, deployment: Deployment, label: str, rows: Sequence[Settled], made: int
) -> Progress:
    ids = [row.run_id for row in rows if row.run_id is not None]
    # A run is made when its row is.
    since = min(row.settled for row in rows)
    states = {run.id: run.state for run in _runs_of(store, deployment, since=since)}
    counts = Counter(standing(states[run_id]) for run_id in ids if run_id in states)
    return Progress(label, len(rows), made, tuple(ids), **counts)


def _runs_of(store: RunStore, deployment: Deployment, **which: Any) -> tuple[FlowRun, ...]:
    return store.runs(project=deployment.project, flow=deployment.flow, limit=_ALL, **which)
