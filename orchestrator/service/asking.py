"""Asks something of a run: to stop, to let a task go on, to take a task for done."""

from __future__ import annotations

import getpass
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any

from orchestrator import instants
from orchestrator.engine.driving.requests import MARKS
from orchestrator.errors import ConflictError, NotFoundError, UsageError
from orchestrator.model.state import FINISHED, StateType
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.records import Action, Ask, Change, FlowRun, TaskRun

_AT_WORK = (StateType.SUBMITTED, StateType.RUNNING)


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked, of which tasks, and whether the run's driver will do it now.

    Args:
        run: The run as it stood.
        tasks: The tasks it concerns.
        now: Whether the run is under way and does it; otherwise a retry of the run goes by it.
    """

    run: FlowRun
    tasks: tuple[TaskRun, ...] = ()
    now: bool = True


def request_cancel(project: Project, run_id: str) -> FlowRun:
    """Ask the driver of a run to stop it, as :func:`cancel_run` does."""
    with project.store() as store:
        return cancel_run(store, run_id, by=who())


def cancel_run(store: RunStore, run_id: str, *, by: str, reason: str = "") -> FlowRun:
    """Ask the driver of a run to stop it; the driver sees it within a second.

    A run that nobody drives is cancelled at once.

    Args:
        store: The run store.
        run_id: Its id, a beginning of it, or ``latest``.
        by: Who asks.
        reason: Why, one line for people.

    Returns:
        The run as it stood.

    Raises:
        ConflictError: The run has ended already.
        NotFoundError: There is no such run.
    """
    run = store.run(run_id)
    if run.state in FINISHED:
        raise ConflictError(f"run {run.id} has ended already: {run.state}")
    store.ask(run.id, Ask(Action.CANCEL, data={"reason": reason} if reason else {}, by=by))
    if not driven(run):
        begun = run.lease_expires is not None
        message = "cancelled; its driver is gone" if begun else "cancelled before it began"
        message = f"{message}: {reason}" if reason else message
        store.transition(run.id, [Change(None, StateType.CANCELLED, message=message)])
        store.leave(run.id)
    return run


def let_go_on(project: Project, run_id: str, key: str | None, action: Action) -> Asked:
    """Let tasks go on that wait for somebody's word, as :func:`let_tasks_go_on` does."""
    with project.store() as store:
        return let_tasks_go_on(store, run_id, key, action, by=who())


def let_tasks_go_on(
    store: RunStore, run_id: str, key: str | None, action: Action, *, by: str
) -> Asked:
    """Let tasks go on that wait for somebody's word.

    Args:
        store: The run store.
        run_id: Its id, a beginning of it, or ``latest``.
        key: The task; None for all that wait.
        action: ``APPROVE`` or ``RESUME``, which the run's history keeps.
        by: Who says so.

    Raises:
        ConflictError: The run is not under way, or the task waits for nobody.
        NotFoundError: There is no such run or task.
    """
    run = store.run(run_id)
    if run.state in FINISHED or not driven(run):
        ended = f"has ended: {run.state}" if run.state in FINISHED else "has lost its driver"
        raise ConflictError(
            f"run {run.id} {ended}",
            fix=f"orchestrator runs retry {run.id} runs again what did not succeed",
        )
    waiting = [t for t in store.task_runs(run.id) if t.state is StateType.PAUSED]
    chosen = waiting if key is None else [t for t in waiting if t.key == key]
    if not chosen:
        raise _waits_for_nobody(store, run, key, waiting)
    for task in chosen:
        store.ask(run.id, Ask(action, task.key, by=by))
    return Asked(run, tuple(chosen))


def _waits_for_nobody(
    store: RunStore, run: FlowRun, key: str | None, waiting: list[TaskRun]
) -> UsageError:
    names = ", ".join(task.key for task in waiting)
    fix = f"waiting: {names}" if names else f"orchestrator runs show {run.id} shows its tasks"
    if key is None:
        return ConflictError(f"no task of run {run.id} waits for anybody", fix=fix)
    found = store.task_runs(run.id, key)
    if not found:
        return NotFoundError(f"run {run.id} has no task {key!r}", fix=fix)
    return ConflictError(f"task {key!r} waits for nobody: it is {found[0].state}", fix=fix)


def mark(
    project: Project, run_id: str, key: str, state: str, *, reason: str, result: Any = None
) -> Asked:
    """Give a task a finished state by hand, as :func:`mark_task` does."""
    with project.store() as store:
        return mark_task(store, run_id, key, state, reason=reason, result=result, by=who())


def mark_task(
    store: RunStore,
    run_id: str,
    key: str,
    state: str,
    *,
    reason: str,
    result: Any = None,
    by: str,
) -> Asked:
    """Give a task a finished state by hand.

    A task that waits or is paused gets it now. For one that has ended, or whose run has ended, it
    is what a retry of the run goes by: ``success`` is not run again, ``failed`` is, with all that
    depends on it, and ``skipped`` is left out with what depends on it.

    Args:
        store: The run store.
        run_id: Its id, a beginning of it, or ``latest``.
        key: The task.
        state: ``success``, ``failed`` or ``skipped``.
        reason: Why; kept with the run.
        result: With ``success``, what the tasks that take its result get; JSON.
        by: Who marks it.

    Raises:
        UsageError: There is no such state.
        ConflictError: The task is at work.
        NotFoundError: There is no such run or task.
    """
    if state not in MARKS:
        raise UsageError(f"a task cannot be marked {state!r}", fix="use " + ", ".join(MARKS))
    if result is not None and state != "success":
        raise UsageError(f"a task that is marked {state} has no result")
    run = store.run(run_id)
    found = store.task_runs(run.id, key)
    if not found:
        raise NotFoundError(
            f"run {run.id} has no task {key!r}",
            fix=f"orchestrator runs show {run.id} --all shows its tasks",
        )
    alive = run.state not in FINISHED and driven(run)
    if alive and found[0].state in _AT_WORK:
        raise ConflictError(
            f"task {key!r} is {found[0].state}",
            fix=f"wait for it, or stop the run: orchestrator runs cancel {run.id}",
        )
    data = {"state": state, "reason": reason} | ({} if result is None else {"result": result})
    store.ask(run.id, Ask(Action.MARK, key, data, by=by))
    return Asked(run, found, now=alive and found[0].state not in FINISHED)


def driven(run: FlowRun) -> bool:
    """Whether the run's driver is believed alive."""
    return run.lease_expires is not None and run.lease_expires >= instants.now()


def who() -> str:
    """The name of whoever asks, as the machine knows it."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


# -- what a retry goes by --------------------------------------------------------------------------


def marks(store: RunStore, run: FlowRun) -> dict[str, Ask]:
    """The last mark of each task of a run."""
    asked = store.asked(run.id)
    return {each.key: each for each in asked if each.action is Action.MARK and each.key is not None}


def apply_marks(done: MutableMapping[str, Any], marked: Mapping[str, Ask]) -> None:
    """Change what counts as done by what was marked.

    Args:
        done: By key, the result of what succeeded, as ``{"value": …}``, or None if it was not kept.
        marked: By key, the mark.

    Example:
        >>> done = {"load": None}
        >>> apply_marks(done, {"load": Ask(Action.MARK, "load", {"state": "success", "result": 3})})
        >>> done
        {'load': {'value': 3}}
    """
    for key, asked in marked.items():
        if asked.data["state"] != "success":
            done.pop(key, None)
        elif "result" in asked.data or done.get(key) is None:
            done[key] = {"value": asked.data.get("result")}


def marked_failed(marked: Mapping[str, Ask]) -> frozenset[str]:
    """The tasks that must run again although they succeeded, with all that depends on them."""
    return frozenset(key for key, asked in marked.items() if asked.data["state"] == "failed")


def carry_over(store: RunStore, run_id: str, marked: Mapping[str, Ask]) -> None:
    """Let the run that goes on leave out what was marked as skipped."""
    skipped = {key: asked for key, asked in marked.items() if asked.data["state"] == "skipped"}
    if skipped:
        for task in store.task_runs(run_id, keys=list(skipped)):
            store.ask(run_id, skipped[task.key])
