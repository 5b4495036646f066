"""Ends a run in the store whose process is gone, so that nothing of it stays open."""

from __future__ import annotations

from orchestrator.model.state import FINISHED, StateType
from orchestrator.store.base import FencedError, RunStore
from orchestrator.store.records import Change, FlowRun, TaskRun


def settle_run(store: RunStore, run: FlowRun, to: StateType, message: str) -> bool:
    """Give a run whose process has ended its final state, and its tasks theirs.

    What was at work gets the run's own state, what had not begun is cancelled; a retry of the run
    runs both again. Whoever still believes to drive the run is refused from now on.

    Args:
        store: The store.
        run: The run as it was seen.
        to: The final state.
        message: The cause, one line for people.

    Returns:
        False if the run ended, or somebody took it over, meanwhile; then nothing is changed.

    Example:
        >>> from orchestrator.store.memory import MemoryStore
        >>> store = MemoryStore()
        >>> run_id = store.create_run(FlowRun("a1", "nightly"), [TaskRun("a1", "load", "load")])
        >>> settle_run(store, store.run("a1"), StateType.FAILED, "its process was killed")
        True
        >>> print(store.run("a1").message)
        its process was killed
    """
    try:
        fence = store.take_over(run.id, seen=run.fence)
    except FencedError:
        return False
    changes = [
        Change(task.key, _last_state(task, to), message=message)
        for task in store.task_runs(run.id)
        if task.state not in FINISHED
    ]
    refused = store.transition(run.id, [*changes, Change(None, to, message=message)], fence=fence)
    store.leave(run.id)
    return not any(one.change.key is None for one in refused)


def _last_state(task: TaskRun, to: StateType) -> StateType:
    return StateType.CANCELLED if task.state is StateType.PENDING else to
