"""Backfills: runs for the occurrences of days gone by, so many at a time, made once however often asked."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import takewhile
from typing import Any

from orchestrator.errors import UsageError
from orchestrator.schedule import Occurrence, Schedule
from orchestrator.service.scheduler.backfills import standing
from orchestrator.service.scheduler.filled import Filled, key_of, said_of
from orchestrator.service.scheduler.making import run_of
from orchestrator.service.scheduler.stopping import ask_all_to_stop
from orchestrator.service.scheduler.watching import shape_of
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment, schedule_id
from orchestrator.store.occurrences import Settled, SettledAs
from orchestrator.store.records import FlowRun, new_run_id

MOST = 10_000  #: occurrences of one backfill
_AT_ONCE = 500  #: runs a transaction: others write between
_NEVER = datetime.fromtimestamp(0, UTC)  #: a mark that moves nothing
_OFFSET = timedelta(days=2)  #: more than any local time is away from UTC


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backfill is.

    Args:
        id: Its name; asking again with it goes on where it stands.
        total: Occurrences, without those left out.
        made: Runs made by this call.
        runs: Ids of its runs, in the order of their occurrences.
        succeeded: So many runs succeeded.
        failed: So many failed or timed out.
        cancelled: So many were cancelled.
        running: So many are under way.
        waiting: So many wait for an agent, or for others of the backfill.
        left_out: So many occurrences were left out: other backfills made their runs, which
            succeeded or are under way.
        filled_by: The names of these other backfills.
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
    left_out: int = 0
    filled_by: tuple[str, ...] = ()


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
    and nothing has to stay alive for it. What this backfill has made is not made again, unless it
    was cancelled; nor what another one has made, if that succeeded or is under way.

    Args:
        store: The store.
        deployment: Whose runs they are.
        name: Name of the schedule.
        first: The first local day.
        last: The last one; of today only what is past.
        now: The present (aware).
        parallel: So many at a time.
        called: Name of the backfill, which then fills whatever others have filled; if left out,
            made of schedule and days.

    Raises:
        UsageError: There is nothing to run on these days, or too much.
    """
    mine = schedule_id(deployment.project, deployment.flow, name)
    every = occurrences_on(deployment, name, first, last, now)
    label = called or _label(mine, first, last)
    filled = Filled(store, deployment, mine)
    wanted = _wanted(every, filled, label, called)
    there, made = _own(wanted, filled, label), 0
    for start in range(0, len(wanted), _AT_ONCE):
        rows, runs = [], []
        for place in range(start, min(start + _AT_ONCE, len(wanted))):
            one = wanted[place]
            if one.key in there:
                continue
            earlier = there.get(wanted[place - parallel].key) if place >= parallel else None
            # One night has one run at a time, also while an earlier one of it is being stopped.
            before = filled.stopping(one.key) or (earlier.run_id if earlier else None)
            # In their order, and behind everything that is due already.
            due = now - timedelta(microseconds=len(wanted) - place)
            key = key_of(called, filled.times(one.key, called) + 1, one.key)
            row, run = _row_and_run(deployment, mine, label, key, one, now, due, before)
            there[one.key] = row
            rows.append(row)
            runs.append(run)
        made += len(store.occur(mine, rows, runs, _NEVER)) if rows else 0
    # Read anew: somebody else may have asked for the same at the same time, and been first.
    return _told(every, Filled(store, deployment, mine), label, called, made)


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
    filled = Filled(store, deployment, mine)
    rows = filled.rows_of(label)
    if not rows:
        raise UsageError(
            f"there is no backfill of {mine} "
            + (f"called {called!r}" if called else f"from {first} to {last}"),
            fix="give the days it was asked with, or its name: --id ID",
        )
    left = [row.run_id for row in reversed(rows) if row.run_id and filled.is_under_way(row)]
    ask_all_to_stop(store, left, f"{said_of(label)} was cancelled")
    filled = Filled(store, deployment, mine)
    return _progress(filled, label, filled.latest_of(label), 0)


def _wanted(
    every: Sequence[Occurrence], filled: Filled, label: str, called: str | None
) -> list[Occurrence]:
    """Those that are this backfill's own; with a name of its own, all of them."""
    return [one for one in every if called or not filled.is_done_by_others(one.key, label)]


def _own(wanted: Sequence[Occurrence], filled: Filled, label: str) -> dict[str, Settled]:
    """What this backfill has made and nobody has cancelled, by the occurrence."""
    latest = filled.latest_of(label)
    keys = (one.key for one in wanted)
    return {
        key: latest[key] for key in keys if key in latest and not filled.is_cancelled(latest[key])
    }


def _row_and_run(
    deployment: Deployment,
    mine: str,
    label: str,
    key: str,
    one: Occurrence,
    now: datetime,
    due: datetime,
    before: str | None,
) -> tuple[Settled, FlowRun]:
    row = Settled(
        mine, key, one.instant, one.nominal.isoformat(), one.repeat, SettledAs.RUN,
        said_of(label), new_run_id(), one.interval_start, one.interval_end, now,
    )  # fmt: skip
    assert row.run_id is not None
    # A name of its own: the nightly run neither waits for the backfill nor ends it.
    place = f"{mine} {said_of(label)}"
    run = run_of(row.run_id, one, deployment, place, now, before)
    return row, replace(run, due=due)


def _label(mine: str, first: date, last: date) -> str:
    return hashlib.sha256(f"{mine} {first} {last}".encode()).hexdigest()[:8]


def _told(
    every: Sequence[Occurrence], filled: Filled, label: str, called: str | None, made: int
) -> Progress:
    """How far a backfill is, and what it leaves to others."""
    wanted = _wanted(every, filled, label, called)
    mine = {one.key for one in wanted}
    others = [by for one in every if one.key not in mine for by in filled.by(one.key, label)]
    found = _progress(filled, label, _own(wanted, filled, label), made)
    left_out = len(every) - len(wanted)
    return replace(found, left_out=left_out, filled_by=tuple(dict.fromkeys(others)))


def _progress(filled: Filled, label: str, own: Mapping[str, Settled], made: int) -> Progress:
    rows = list(own.values())
    states = (filled.state(row) for row in rows)
    counts: dict[str, Any] = Counter(standing(state) for state in states if state is not None)
    ids = tuple(row.run_id for row in rows if row.run_id is not None)
    return Progress(label, len(rows), made, ids, **counts)
