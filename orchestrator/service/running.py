"""Runs a flow of a project, retries a run, and runs what was written down before."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from orchestrator import instants
from orchestrator.engine.results import stored
from orchestrator.engine.telling.recorder import LEASE, Recorder
from orchestrator.engine.telling.teller import Listener
from orchestrator.errors import ConflictError, UsageError
from orchestrator.executors.base import Executor
from orchestrator.model.flow import Flow
from orchestrator.model.planning import RunOptions
from orchestrator.model.state import FINISHED, StateType
from orchestrator.service.asking import apply_marks, marked_failed, marks
from orchestrator.service.driving import RunResult, Taken, drive_flow, settle
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.scheduler.stopping import end
from orchestrator.store.base import RunStore
from orchestrator.store.records import Ask, FlowRun


def run_flow(
    project: Project,
    flow: Flow,
    request: Request | None = None,
    *,
    listeners: Sequence[Listener] = (),
    executor: Executor | None = None,
) -> RunResult:
    """Run a flow to its end and keep its history.

    Args:
        project: The flow's project.
        flow: The flow.
        request: Parameters, options and selection.
        listeners: Told of each event while it runs.
        executor: What it runs on; by the request, the flow or the settings if left out.

    Raises:
        UsageError: It cannot be planned; nothing ran and nothing was written.
    """
    asked = request or Request()
    with project.store() as store:
        return drive_flow(project, store, flow, asked, listeners, executor, {}, None)


def retry_run(
    project: Project,
    run_id: str,
    *,
    listeners: Sequence[Listener] = (),
    executor: str | None = None,
) -> RunResult:
    """Finish a run: run again what failed or never ran, and nothing that succeeded.

    Where another run went on from it already, that one is finished: nothing is done twice.

    Args:
        project: The run's project.
        run_id: Its id, a beginning of it, or ``latest``.
        listeners: Told of each event while it runs.
        executor: As for a new run.

    Raises:
        NotFoundError: There is no such run, or its flow is gone.
        ConflictError: It succeeded, it is still running, or another run finishes it or did so.
    """
    with project.store() as store:
        earlier = _left_last(store, store.run(run_id))
        asked = replace(_asked(earlier, executor), again=left_again(store, earlier))
        flow = _flow(project, earlier)
        return drive_flow(
            project, store, flow, asked, listeners, None, _done(store, earlier), earlier
        )


def execute_run(
    project: Project,
    run_id: str,
    *,
    listeners: Sequence[Listener] = (),
    seen: int | None = None,
) -> RunResult:
    """Run what somebody else has written down: a run that is in the store and has not begun.

    Whatever hinders it, the run does not stay open: one that cannot be planned fails, saying why.

    Args:
        project: The run's project.
        run_id: Its id, a beginning of it, or ``latest``.
        listeners: Told of each event while it runs.
        seen: The fence of who claimed it; the run's present one if left out.

    Raises:
        NotFoundError: There is no such run, or its flow is gone.
        UsageError: It has begun already, or it cannot be planned.
        FencedError: Somebody else has taken it over.
    """
    with project.store() as store:
        run = store.run(run_id)
        if run.state is not StateType.PENDING:
            raise UsageError(
                f"run {run.id} has begun already: it is {run.state}",
                fix=f"orchestrator runs retry {run.id} runs again what did not succeed",
            )
        fence = store.take_over(
            run.id, seen=run.fence if seen is None else seen, pid=os.getpid(),
            host=socket.gethostname(), until=instants.now() + LEASE,
        )  # fmt: skip
        recorder = Recorder(store, run.id, fence)  # from now on, it renews the lease
        try:
            earlier = store.run(run.retry_of) if run.retry_of else None
            done = _done(store, earlier) if earlier else {}
            asked = replace(_asked(run), run_id=run.id, again=run.options.get("again", ()))
            flow = _flow(project, run)
            taken = Taken(recorder, fence, run)
            return drive_flow(project, store, flow, asked, listeners, None, done, earlier, taken)
        except BaseException as error:
            settle(store, run.id, recorder, fence, error)
            raise


def _asked(run: FlowRun, executor: str | None = None) -> Request:
    """What a run in the store was asked for with."""
    options = dict(run.options)
    return Request(
        dict(run.parameters),
        RunOptions(**options.get("run", {})),
        options.get("include", ()),
        options.get("exclude", ()),
        executor or options.get("executor"),
    )


def _flow(project: Project, run: FlowRun) -> Flow:
    return project.flow("." if run.options.get("whole") else run.flow)


def left_again(store: RunStore, run: FlowRun) -> Sequence[str]:
    """The tasks that a run was to do again although they had succeeded, if it never came to it."""
    asked: Sequence[str] = run.options.get("again", ())
    return () if not asked or store.task_runs(run.id) else asked


def _left_last(store: RunStore, run: FlowRun) -> FlowRun:
    """What is to be finished: a run, or the last one of those that went on from it.

    One whose driver is gone ends here, or it would be under way for good.
    """
    marked = marks(store, run)
    refuse_retry(run, marked)
    others = store.retries(run.id)
    last = store.run(others[-1]) if others else None
    if last is not None and not any(_since(ask, last) for ask in marked.values()):
        if last.state is StateType.SUCCESS:
            raise ConflictError(
                f"run {last.id} has finished run {run.id} already: there is nothing to retry",
                fix="start a new run, or mark the tasks that are to run again",
            )
        return _left_last(store, last)
    if run.state not in FINISHED:
        place = f"process {run.pid} on {run.host}" if run.pid else "its process"
        end(store, run, StateType.FAILED, f"its driver is lost: {place} is not heard of any more")
    return store.run(run.id)


def _since(ask: Ask, run: FlowRun) -> bool:
    return run.created is not None and ask.at > run.created


def refuse_retry(run: FlowRun, marked: Mapping[str, Ask], again: Sequence[str] = ()) -> None:
    """Refuse to finish a run that is under way, or that has nothing left to do.

    Args:
        run: The run.
        marked: Its tasks that were given a state by hand.
        again: Tasks that are to run again although they succeeded.

    Raises:
        ConflictError: It is refused.
    """
    if run.state is StateType.SUCCESS and not marked_failed(marked) and not again:
        raise ConflictError(
            f"run {run.id} succeeded: there is nothing to retry",
            fix="name the tasks to run again, or start a new run",
        )
    if run.state is StateType.PENDING and run.lease_expires is None:
        raise ConflictError(
            f"run {run.id} has not begun: there is nothing to finish",
            fix=f"wait for an agent to take it, or cancel it: orchestrator runs cancel {run.id}",
        )
    alive = run.lease_expires is not None and run.lease_expires > instants.now()
    if run.state not in FINISHED and alive:
        raise ConflictError(
            f"run {run.id} is still running (process {run.pid} on {run.host})",
            fix=f"wait for it, or cancel it: orchestrator runs cancel {run.id}",
        )


def _done(store: RunStore, run: FlowRun) -> dict[str, Any]:
    """What succeeded in a run and in those it went on from, with the results that were kept."""
    done: dict[str, Any] = {}
    if run.retry_of is not None:
        done = _done(store, store.run(run.retry_of))
    for task in store.task_runs(run.id):
        if task.resource_type == "operation":
            continue
        if task.state in (StateType.SUCCESS, StateType.CACHED):
            done[task.key] = task.result if task.result is not None else done.get(task.key)
        else:
            done.pop(task.key, None)
    apply_marks(done, marks(store, run))
    return stored.usable(done)
