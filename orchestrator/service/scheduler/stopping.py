"""Ends runs that somebody else drives, or nobody any more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from orchestrator.model.state import FINISHED, StateType
from orchestrator.store.base import FencedError, RunStore
from orchestrator.store.moves import ending
from orchestrator.store.records import Action, Ask, FlowRun

WHO = "scheduler"
_AT_ONCE = 500  #: runs a transaction: others write between


def ask_to_stop(
    store: RunStore,
    run_id: str,
    why: str,
    *,
    by: str = WHO,
    before: Callable[[FlowRun], str] | None = None,
) -> None:
    """Ask a run to stop, once; one that no agent has taken yet is cancelled at once.

    Args:
        store: The store.
        run_id: The whole id.
        why: Said to people.
        by: Who asks.
        before: Does what must be done before an unfinished run is asked; what it returns is
            added to ``why``.
    """
    run = store.run(run_id)
    if run.state in FINISHED:
        return
    why += before(run) if before is not None else ""
    if store.call_off([run_id], why):
        return
    if not any(one.action is Action.CANCEL for one in store.asked(run_id)):
        store.ask(run_id, Ask(Action.CANCEL, data={"reason": why}, by=by))


def ask_all_to_stop(store: RunStore, run_ids: Sequence[str], why: str) -> None:
    """Ask many runs to stop as :func:`ask_to_stop` does; they are cancelled many at a time."""
    for start in range(0, len(run_ids), _AT_ONCE):
        some = run_ids[start : start + _AT_ONCE]
        ended = set(store.call_off(some, why))
        for run_id in some:
            if run_id not in ended:
                ask_to_stop(store, run_id, why)


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
    tasks = {task.key: task.state for task in store.task_runs(run.id)}
    store.transition(run.id, ending(tasks, to, why), fence=fence)
    store.leave(run.id)
    return True
