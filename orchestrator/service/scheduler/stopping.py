"""Ends runs that somebody else drives, or nobody any more."""

from __future__ import annotations

from orchestrator.model.state import FINISHED, StateType
from orchestrator.store.base import FencedError, RunStore
from orchestrator.store.records import Action, Ask, Change, FlowRun

WHO = "scheduler"


def ask_to_stop(store: RunStore, run_id: str, why: str) -> None:
    """Ask a run to stop, once; one that no agent has taken yet is cancelled at once.

    Args:
        store: The store.
        run_id: The whole id.
        why: Said to people.
    """
    run = store.run(run_id)
    if run.state in FINISHED:
        return
    if run.state is StateType.PENDING and run.lease_expires is None:
        end(store, run, StateType.CANCELLED, why)
    elif not any(one.action is Action.CANCEL for one in store.asked(run_id)):
        store.ask(run_id, Ask(Action.CANCEL, data={"reason": why}, by=WHO))


def end(store: RunStore, run: FlowRun, to: StateType, why: str) -> bool:
    """End a run whatever its driver does: from now on the driver is refused.

    What its tasks were doing ends as the run does; what never began is skipped.

    Args:
        store: The store.
        run: The run as it was seen; if somebody has taken it over since, nothing is done.
        to: The final state.
        why: Said to people.

    Returns:
        Whether it was ended here.
    """
    try:
        fence = store.take_over(run.id, seen=run.fence)
    except FencedError:
        return False
    open_tasks = [task for task in store.task_runs(run.id) if task.state not in FINISHED]
    changes = [
        Change(task.key, StateType.SKIPPED, message=f"never began: {why}")
        if task.state is StateType.PENDING
        else Change(task.key, to, message=why)
        for task in open_tasks
    ]
    store.transition(run.id, [*changes, Change(None, to, message=why)], fence=fence)
    store.leave(run.id)
    return True
