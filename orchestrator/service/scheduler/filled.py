"""What backfills have made of a schedule's occurrences, and what became of it."""

from __future__ import annotations

from collections import defaultdict

from orchestrator.model.state import FINISHED, SUCCEEDED, StateType
from orchestrator.service.scheduler.making import BACKFILL
from orchestrator.service.scheduler.waiting import is_waiting
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.occurrences import Settled, SettledAs
from orchestrator.store.records import Action, FlowRun

_ALL = 1_000_000  #: rows that are looked at: all of the schedule


def key_of(called: str | None, time: int, occurrence: str) -> str:
    """Return the key under which a backfill settles an occurrence for the first, second … time.

    Backfills without a name of their own share their keys: of two that ask for the same night at
    the same time, the store lets one make its run.

    Args:
        called: The name that people gave the backfill.
        time: 1 for the first.
        occurrence: Its key.

    Example:
        >>> key_of(None, 1, "UTC 2026-03-01T02:30:00 0")
        'backfill #1 UTC 2026-03-01T02:30:00 0'
    """
    return f"{_numbered(called)}{time} {occurrence}"


def said_of(label: str) -> str:
    """Return what the rows and runs of a backfill say of it.

    Example:
        >>> said_of("after-fix")
        'backfill after-fix'
    """
    return f"{BACKFILL}{label}"


class Filled:
    """The rows that backfills have settled of a schedule, and their runs, as they are now.

    Args:
        store: The store.
        deployment: The flow's current deployment.
        schedule_id: The schedule.
    """

    def __init__(self, store: RunStore, deployment: Deployment, schedule_id: str) -> None:
        rows = store.occurrences(schedule_id, outcome=SettledAs.RUN, limit=_ALL)
        # Those due first come first.
        self._rows = [row for row in reversed(rows) if row.key.startswith(BACKFILL)]
        self._store = store
        self._asked: dict[str, bool] = {}
        self._nights: dict[str, list[Settled]] = defaultdict(list)
        for row in self._rows:
            self._nights[_occurrence(row)].append(row)
        self._runs: dict[str, FlowRun] = {}
        self._retries: dict[str, list[str]] = defaultdict(list)
        if not self._rows:
            return
        # A run is made when its row is.
        since = min(row.settled for row in self._rows)
        for run in store.runs(
            project=deployment.project, flow=deployment.flow, since=since, limit=_ALL
        ):
            self._runs[run.id] = run
            if run.retry_of is not None:
                self._retries[run.retry_of].append(run.id)

    def rows_of(self, label: str) -> list[Settled]:
        """Return all rows of a backfill, those due first first."""
        return [row for row in self._rows if row.reason == said_of(label)]

    def latest_of(self, label: str) -> dict[str, Settled]:
        """Return, by the occurrence, the row of a backfill that counts: the one made last."""
        found = ((key, self._last(key, label)) for key in self._nights)
        return {key: row for key, row in found if row is not None}

    def times(self, occurrence: str, called: str | None) -> int:
        """Return how often backfills of a name, or those without one, have made a run of it."""
        begin = _numbered(called)
        return sum(row.key.startswith(begin) for row in self._nights.get(occurrence, ()))

    def by(self, occurrence: str, label: str) -> list[str]:
        """Return the names of the other backfills whose runs of it succeeded or are under way."""
        names = (row.reason.removeprefix(BACKFILL) for row in self._nights.get(occurrence, ()))
        found = ((name, self._last(occurrence, name)) for name in dict.fromkeys(names))
        return [
            name
            for name, row in found
            if name != label and row is not None and row.run_id and self._is_done(row.run_id)
        ]

    def is_done_by_others(self, occurrence: str, label: str) -> bool:
        """Whether only other backfills make it, so that this one leaves it out."""
        own = self._last(occurrence, label)
        return (own is None or self.is_cancelled(own)) and bool(self.by(occurrence, label))

    def is_cancelled(self, row: Settled) -> bool:
        """Whether the run of a row was cancelled, or is being, and nothing finishes or finished it."""
        run = self._runs.get(row.run_id or "")
        if run is None or self._is_done(run.id):
            return False
        return run.state is StateType.CANCELLED or self._is_stopping(run)

    def stopping(self, occurrence: str) -> str | None:
        """Return the run of it that was asked to stop and has not ended yet, if there is one."""
        rows = self._nights.get(occurrence, ())
        found = (self._runs.get(row.run_id or "") for row in rows)
        return next((run.id for run in found if run is not None and self._is_stopping(run)), None)

    def is_under_way(self, row: Settled) -> bool:
        """Whether the run of a row is not finished."""
        state = self.state(row)
        return state is not None and state not in FINISHED

    def state(self, row: Settled) -> StateType | None:
        """Return the state of the run of a row; None if the run is not kept any more."""
        run = self._runs.get(row.run_id or "")
        return run.state if run is not None else None

    def _last(self, occurrence: str, label: str) -> Settled | None:
        """The row that a backfill made last: a later one is made only if those before came to nothing."""
        mine = [row for row in self._nights.get(occurrence, ()) if row.reason == said_of(label)]
        return sorted(mine, key=lambda row: row.settled)[-1] if mine else None

    def _is_done(self, run_id: str) -> bool:
        """Whether a run, or one that finishes it, succeeded or is under way."""
        run = self._runs.get(run_id)
        if run is None:  # not kept any more: it ended long ago
            return True
        if run.state in SUCCEEDED or not (run.state in FINISHED or self._is_stopping(run)):
            return True
        return any(self._is_done(each) for each in self._retries.get(run_id, ()))

    def _is_stopping(self, run: FlowRun) -> bool:
        """Whether a run is under way and was asked to stop; what nobody has begun stops at once."""
        if run.state in FINISHED or is_waiting(run):
            return False
        if run.id not in self._asked:
            asked = self._store.asked(run.id)
            self._asked[run.id] = any(one.action is Action.CANCEL for one in asked)
        return self._asked[run.id]


def _numbered(called: str | None) -> str:
    return f"{BACKFILL}{called or ''}#"


def _occurrence(row: Settled) -> str:
    """The key of the occurrence itself, which the key of a backfill's row ends with."""
    before, at, after = row.key.rpartition(f" {row.nominal} {row.repeat}")
    return f"{before.rpartition(' ')[2]}{at}{after}"
