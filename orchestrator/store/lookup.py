"""What the stores answer alike: errors about runs, and the sums done outside the database."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from statistics import median

from orchestrator.errors import NotFoundError, StoreError
from orchestrator.model.state import StateType
from orchestrator.store.base import FencedError
from orchestrator.store.records import TaskRun

RUNS_LOOKED_AT = 50  #: for durations: the newest ones; one of a few tasks counts as one as well

_LIST = "`orchestrator runs list` shows the runs that are kept"


def no_such_run(run_id: str, where: str) -> NotFoundError:
    """Return the error for a run that is not kept."""
    return NotFoundError(f"no run {run_id!r}", where=where, fix=_LIST)


def no_such_task(run_id: str, key: str, where: str) -> NotFoundError:
    """Return the error for a task that a run does not have."""
    fix = f"`orchestrator runs show {run_id} --all` shows its tasks"
    return NotFoundError(f"run {run_id} has no task {key!r}", where=where, fix=fix)


def not_one_run(run_id: str, candidates: Sequence[str], where: str) -> NotFoundError:
    """Return the error for a beginning that no run has, or several have."""
    if not candidates:
        return no_such_run(run_id, where)
    return NotFoundError(
        f"several runs begin with {run_id!r}",
        where=where,
        fix="give more of the id: " + ", ".join(candidates),
    )


def fenced(reason: str) -> FencedError:
    """Return the error for a driver that is no longer the run's."""
    return FencedError(reason, fix="stop: what this process still reports is not kept")


def reject_twice(tasks: Sequence[TaskRun]) -> None:
    """Check that no two tasks have one key.

    Raises:
        StoreError: Two have.
    """
    seen: set[str] = set()
    for task in tasks:
        if task.key in seen:
            raise StoreError(
                f"task {task.key!r} comes twice in one run",
                where=f"run {task.run_id}",
                fix="give each task a key of its own",
            )
        seen.add(task.key)


def states_of(state: StateType | Collection[StateType]) -> list[str]:
    """Return the words of one state or several."""
    # A state is itself text, and text is a collection: ask for it first.
    return [state.value] if isinstance(state, StateType) else sorted(one.value for one in state)


def medians(samples: Mapping[str, Sequence[int]], last: int) -> dict[str, float]:
    """Return each key's median seconds of its first ``last`` samples in microseconds.

    Example:
        >>> medians({"a": [1_000_000, 3_000_000, 99], "b": []}, last=2)
        {'a': 2.0}
    """
    # A clock may be set back: no duration is less than nothing.
    return {
        key: max(0.0, median(values[:last]) / 1_000_000)
        for key, values in samples.items()
        if values
    }
