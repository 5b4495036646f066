"""What became of tasks in the latest runs of a project: when, how long, how many rows."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from orchestrator.model.facts import TaskFacts
from orchestrator.model.state import BROKEN, FINISHED, SUCCEEDED, StateType
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, TaskRun

_RUNS = 60  #: the latest runs that are looked at
_MOST = 50_000  #: task runs that are looked at
_FRESH = 2.0  #: seconds that an answer holds
_DBT = frozenset({"model", "seed", "snapshot", "test", "unit_test"})
#: In runs of a project's tasks, what nothing is to be learnt from.
_NOTHING = frozenset({StateType.PENDING, StateType.SKIPPED, StateType.CANCELLED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """A task in one run.

    Args:
        run_id: The run.
        flow: Its flow.
        key: The task.
        state: Where it stands.
        started: When its last attempt began.
        finished: When it ended.
        rows: Rows written, where known.
        failures: Failing rows of a test, where known.
        status: The tool's own word.
    """

    run_id: str
    flow: str
    key: str
    state: StateType
    started: datetime | None
    finished: datetime | None
    rows: int | None
    failures: int | None
    status: str | None

    @property
    def seconds(self) -> float | None:
        """How long the last attempt took."""
        if self.started is None or self.finished is None:
            return None
        return max(0.0, (self.finished - self.started).total_seconds())

    @property
    def at(self) -> datetime | None:
        """When it ended, or began."""
        return self.finished or self.started

    @property
    def passed(self) -> bool | None:
        """Whether it came out well; None while that is open."""
        if self.state in SUCCEEDED:
            return True
        return False if self.state in BROKEN else None


#: By key of a task, what became of it, the newest run first.
Outcomes = Mapping[str, tuple[Outcome, ...]]


def outcomes_of(outcomes: Outcomes, flow: str, task: TaskFacts) -> list[Outcome]:
    """Return what became of a task of a flow, the newest first.

    A dbt node is the same in every flow; of other tasks, flows may have different ones of a name.
    """
    found = outcomes.get(task.key, ())
    return [one for one in found if one.flow == flow or task.resource_type in _DBT]


class OutcomeReader:
    """Reads what became of tasks; a finished run is read once.

    Args:
        store: The run store.
        project: The project.
        clock: Seconds that only grow.
    """

    def __init__(
        self, store: RunStore, project: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store, self._project, self._clock = store, project, clock
        self._lock = threading.Lock()
        self._runs: dict[str, tuple[Outcome, ...]] = {}
        self._answer: Outcomes = {}
        self._answered = float("-inf")

    def outcomes(self) -> Outcomes:
        """Return what became of each task in the latest runs."""
        with self._lock:
            if self._clock() - self._answered >= _FRESH:
                self._answer = _by_key(self._latest())
                self._answered = self._clock()
            return self._answer

    def _latest(self) -> Iterable[Outcome]:
        runs = self._store.runs(project=self._project, limit=_RUNS)
        known, self._runs, seen = self._runs, {}, 0
        for run in runs:
            found = known.get(run.id)
            if found is None:
                if seen >= _MOST:
                    return
                found = tuple(_outcomes(run, self._store.task_runs(run.id)))
            if run.state in FINISHED:
                self._runs[run.id] = found
            seen += len(found)
            yield from found


def _by_key(found: Iterable[Outcome]) -> Outcomes:
    by_key: dict[str, list[Outcome]] = {}
    for outcome in found:
        by_key.setdefault(outcome.key, []).append(outcome)
    return {key: tuple(outcomes) for key, outcomes in by_key.items()}


def _outcomes(run: FlowRun, tasks: Iterable[TaskRun]) -> Iterable[Outcome]:
    """The tasks of a run that did something; elements of a mapped task are told as one."""
    rows: dict[str, int] = {}
    found = [task for task in tasks if task.state not in _NOTHING]
    for task in found:
        if task.key.endswith("]") and task.rows is not None:
            mapped = task.key[: task.key.rindex("[")]
            rows[mapped] = rows.get(mapped, 0) + task.rows
    for task in found:
        if task.key.endswith("]") and task.key[: task.key.rindex("[")] in rows:
            continue
        yield Outcome(
            run.id, run.flow, task.key, task.state, task.started, task.finished,
            rows.get(task.key) if task.rows is None else task.rows, task.failures, task.status,
        )  # fmt: skip
