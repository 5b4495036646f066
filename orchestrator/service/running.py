"""Runs, retries and cancels flows of a project."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from orchestrator import instants
from orchestrator.engine import checking, files, results
from orchestrator.engine.failure_logs import write_failure_logs
from orchestrator.engine.limits import Limiter, limit_names
from orchestrator.engine.plan import Plan, make_plan
from orchestrator.engine.recorder import LEASE, Recorder
from orchestrator.engine.requests import Requests
from orchestrator.engine.run import Drive, drive
from orchestrator.engine.telling import Listener
from orchestrator.errors import StoreError, UsageError
from orchestrator.executors.base import Completed, Executor, Kept
from orchestrator.model.flow import Flow
from orchestrator.model.group import TaskGroup
from orchestrator.model.planning import Planning, RunOptions
from orchestrator.model.state import FINISHED, State, StateType
from orchestrator.model.warehouse import Warehouse
from orchestrator.service.asking import apply_marks, carry_over, marked_failed, marks
from orchestrator.service.limits import keep_limits
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.records import Ask, Change, FlowRun, TaskRun, new_run_id


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    run_id: str
    state: State


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
        return _run(project, store, flow, asked, listeners, executor, {}, None)


def retry_run(
    project: Project,
    run_id: str,
    *,
    listeners: Sequence[Listener] = (),
    executor: str | None = None,
) -> RunResult:
    """Finish a run: run again what failed or never ran, and nothing that succeeded.

    Args:
        project: The run's project.
        run_id: Its id, a beginning of it, or ``latest``.
        listeners: Told of each event while it runs.
        executor: As for a new run.

    Raises:
        NotFoundError: There is no such run, or its flow is gone.
        UsageError: It succeeded, or it is still running.
    """
    with project.store() as store:
        earlier = store.run(run_id)
        _refuse_retry(earlier, marks(store, earlier))
        options = dict(earlier.options)
        asked = Request(
            dict(earlier.parameters),
            RunOptions(**options.get("run", {})),
            options.get("include", ()),
            options.get("exclude", ()),
            executor or options.get("executor"),
        )
        flow = project.flow("." if options.get("whole") else earlier.flow)
        return _run(project, store, flow, asked, listeners, None, _done(store, earlier), earlier)


# -- one run -------------------------------------------------------------------------------


def _run(
    project: Project,
    store: RunStore,
    flow: Flow,
    asked: Request,
    listeners: Sequence[Listener],
    executor: Executor | None,
    done: Mapping[str, Any],
    earlier: FlowRun | None,
) -> RunResult:
    run_id = asked.run_id or new_run_id()
    marked = marks(store, earlier) if earlier else {}
    planning = project.planning(asked.options_in(project), run_id)
    place = executor or _executor(project, flow, asked, planning)
    with project.secrets(), place.start(), _groups(flow, planning, place) as prepared:
        plan = make_plan(
            flow, planning, parameters=asked.parameters, include=asked.include,
            exclude=asked.exclude, prepared=prepared, done=done, again=marked_failed(marked),
        )  # fmt: skip
        planning.save_cache()
        keep_limits(project, store)
        limiter = Limiter(store, run_id, limit_names(plan, planning))
        open_files = partial(_wait_for_files, plan, planning, place)
        waits = limiter.limits_flow(flow.name)
        if not waits:
            open_files()
        _created(project, store, plan, asked, run_id, earlier, flow)
        carry_over(store, run_id, marked)
        setting = Drive(
            run_id, plan, place, Recorder(store, run_id), planning.find_warehouse, listeners,
            store.durations(flow.name, list(plan.tasks), project=project.name), done,
            state_dir=project.settings.state_dir,
            requests=Requests(store, run_id), limiter=limiter,
            prepare=open_files if waits else _nothing,
            lineage_check=project.settings.lineage_check, root=project.root, flow=flow, timeout=flow.timeout,
        )  # fmt: skip
        state = _driven(project, store, setting)
        place.broadcast(checking.keep)
    _keep_house(project, store)
    return RunResult(run_id, state)


def _wait_for_files(plan: Plan, planning: Planning, executor: Executor) -> None:
    """Open each database file once where it will be used, before the run begins.

    A file that another process holds is waited for here, so that a run that cannot begin leaves
    nothing behind. Where a limit lets only so many runs of the flow begin, the others may hold
    just that file: then the run is written down first and waits for its turn.

    Raises:
        WarehouseBusyError: It is held for longer than the time set.
    """
    owned = {}
    for planned in plan.tasks.values():
        warehouse = planned.task.holds(planning)
        if warehouse is not None and warehouse.affinity is not None:
            owned[warehouse.affinity] = warehouse
    for affinity, warehouse in owned.items():
        _done_there(executor, partial(_opened, warehouse), affinity)


def _nothing() -> None:
    pass


def _opened(warehouse: Warehouse) -> None:
    with warehouse.connect():
        pass


def _driven(project: Project, store: RunStore, setting: Drive) -> State:
    """Drive the run; whatever happens to the driver, the run does not stay open in the store."""
    try:
        state = drive(setting)
        setting.recorder.close()
        return state
    except BaseException as error:
        with suppress(StoreError):
            setting.recorder.close()
        stopped = isinstance(error, KeyboardInterrupt)
        to = StateType.CANCELLED if stopped else StateType.FAILED
        message = "stopped at once" if stopped else f"the driver ended: {type(error).__name__}"
        with suppress(StoreError):
            store.transition(setting.run_id, [Change(None, to, message=message)], fence=1)
        raise
    finally:
        with suppress(StoreError):
            setting.limiter.close()
        with suppress(StoreError):
            write_failure_logs(store, setting.run_id, project.settings.state_dir)


def _created(
    project: Project,
    store: RunStore,
    plan: Plan,
    asked: Request,
    run_id: str,
    earlier: FlowRun | None,
    flow: Flow,
) -> None:
    """Write the run and its tasks down before the first one runs."""
    options = {
        "run": {k: v for k, v in asdict(asked.options).items() if v},
        "include": list(asked.include),
        "exclude": list(asked.exclude),
        "executor": asked.executor,
        "whole": flow is project.whole,
    }
    now = instants.now()
    run = FlowRun(
        run_id, plan.flow, project.name, _plain(plan.parameters), created=now, started=now,
        retry_of=earlier.id if earlier else None, options=options, pid=os.getpid(),
        host=socket.gethostname(), lease_expires=now + LEASE,
        idempotency_key=asked.idempotency_key,
    )  # fmt: skip
    facts = ((key, plan.tasks[key].facts) for key in plan.order())
    kept = store.create_run(
        run, [TaskRun(run_id, k, f.name, f.resource_type, path=f.path) for k, f in facts]
    )
    if kept != run_id:
        raise UsageError(f"there is a run with the key {asked.idempotency_key!r} already: {kept}")


@contextmanager
def _groups(flow: Flow, planning: Planning, executor: Executor) -> Iterator[dict[str, Any]]:
    """Prepare each group where its tasks will run; leave nothing open afterwards."""
    groups = {flow.key(task): task for task in flow if isinstance(task, TaskGroup)}
    prepared: dict[str, Any] = {}
    try:
        for key, group in reversed(groups.items()):  # what the first keeps open is opened last
            work = group.prepare(key, planning)
            if work is not None:
                prepared[key] = _done_there(executor, work, group.affinity(planning))
        yield prepared
    finally:
        for key, group in groups.items():
            undo = group.release(key, planning) if key in prepared else None
            if undo is not None:
                executor.broadcast(undo)
        for warehouse in getattr(planning.find_warehouse, "made", {}).values():
            executor.broadcast(warehouse.release, planning.run_id)


def _done_there(executor: Executor, work: Callable[[], Any], affinity: str | None) -> Any:
    """Do a piece of work on the executor and wait for what it returns."""
    handle = executor.submit(_kept, work, affinity=affinity)
    while True:
        for item in executor.wait(None):
            if isinstance(item, Completed) and item.handle is handle:
                if item.error is not None:
                    raise item.error
                return item.report


def _kept(work: Callable[[], Any]) -> Kept:
    return Kept(work())


def _executor(project: Project, flow: Flow, asked: Request, planning: Planning) -> Executor:
    if asked.executor is None and isinstance(flow.executor, Executor):
        return flow.executor
    threads = asked.options.threads or project.settings.threads
    if threads is None:
        said = (task.slots(planning) for task in flow if isinstance(task, TaskGroup))
        threads = max((slots for slots in said if slots), default=None)
    return make_executor(asked.executor or project.settings.executor, threads)


def make_executor(name: str, threads: int | None = None) -> Executor:
    """Make an executor by its name.

    Args:
        name: ``threads``, ``inline`` or ``dask``.
        threads: Tasks at the same time in one process.
    """
    if name == "inline":
        from orchestrator.executors.inline import InlineExecutor

        return InlineExecutor()
    if name == "threads":
        from orchestrator.executors.threads import ThreadsExecutor

        return ThreadsExecutor(threads)
    if name == "dask":
        from orchestrator.executors.dask import DaskExecutor

        return DaskExecutor(cluster_kwargs={"threads_per_worker": threads} if threads else None)
    raise UsageError(f"there is no executor {name!r}", fix="use threads, inline or dask")


def _refuse_retry(run: FlowRun, marked: Mapping[str, Ask]) -> None:
    if run.state is StateType.SUCCESS and not marked_failed(marked):
        raise UsageError(f"run {run.id} succeeded: there is nothing to retry")
    alive = run.lease_expires is not None and run.lease_expires > instants.now()
    if run.state not in FINISHED and alive:
        raise UsageError(
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
    return results.usable(done)


def _keep_house(project: Project, store: RunStore) -> None:
    days = project.settings.history_days
    if days is not None:
        before = instants.now() - timedelta(days=days)
        store.prune(before)
        for folder in ("results", "cache/results"):
            files.sweep(project.settings.state_dir / folder, before)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON can keep them; dates as text, which parameters read again."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
    }
