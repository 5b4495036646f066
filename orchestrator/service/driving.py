"""One run: planned, written down or taken over, driven, and settled whatever happens."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial, wraps
from typing import Any, ParamSpec

from orchestrator import instants
from orchestrator.engine.attempts import checking
from orchestrator.engine.driving.interrupts import EndedHard
from orchestrator.engine.driving.limits import Limiter, limit_names
from orchestrator.engine.driving.requests import Requests
from orchestrator.engine.plan import Plan, make_plan
from orchestrator.engine.run import Drive, drive
from orchestrator.engine.stopping import Stopped
from orchestrator.engine.telling.failure_logs import write_failure_logs
from orchestrator.engine.telling.recorder import LEASE, Recorder
from orchestrator.engine.telling.teller import Listener
from orchestrator.errors import OrchestratorError, StoreError, UsageError
from orchestrator.executors.base import Completed, Executor, Kept
from orchestrator.model import context
from orchestrator.model.flow import Flow
from orchestrator.model.group import TaskGroup
from orchestrator.model.planning import Planning
from orchestrator.model.state import State, StateType
from orchestrator.model.warehouse import Warehouse
from orchestrator.service.asking import carry_over, marked_failed, marks
from orchestrator.service.clusters import cluster_of, executor_for, on_clusters
from orchestrator.service.limits import keep_limits
from orchestrator.service.notify.announcing import know_run
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.retention import keep_house
from orchestrator.store.base import RunStore
from orchestrator.store.moves import ending
from orchestrator.store.records import FlowRun, LogLine, TaskRun, new_run_id

_P = ParamSpec("_P")


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    run_id: str
    state: State


@dataclass(frozen=True, slots=True)
class Taken:
    """A run that was in the store before.

    Args:
        recorder: Writes of it.
        fence: The driver's number.
        run: What the store has of it.
    """

    recorder: Recorder
    fence: int
    run: FlowRun


def _told_of_hard_ends(drive: Callable[_P, RunResult]) -> Callable[_P, RunResult]:
    """Let a run that was ended hard, and is settled, be a result; a signal is for the process."""

    @wraps(drive)
    def told(*args: _P.args, **kwargs: _P.kwargs) -> RunResult:
        try:
            return drive(*args, **kwargs)
        except EndedHard as left:  # here, where the executor knows that it need not wait
            if left.asked:  # as Python itself raises it, or a script would not die of the signal
                raise KeyboardInterrupt from None
            return RunResult(left.run_id, left.state)

    return told


@_told_of_hard_ends
def drive_flow(
    project: Project,
    store: RunStore,
    flow: Flow,
    asked: Request,
    listeners: Sequence[Listener],
    executor: Executor | None,
    done: Mapping[str, Any],
    earlier: FlowRun | None,
    taken: Taken | None = None,
) -> RunResult:
    """Plan a run and drive it to its end.

    Raises:
        UsageError: It cannot be planned.
        KeyboardInterrupt: Somebody wants the process to end, and not to wait for the run.
    """
    run_id = asked.run_id or new_run_id()
    due = taken.run if taken else earlier  # a run that is finished later is still of its own night
    marked = marks(store, earlier) if earlier else {}
    planning = project.planning(asked.options_in(project), run_id)
    own = None if executor else cluster_of(project, flow, asked.executor)
    place = executor or executor_for(project, flow, asked.executor, asked.options.threads, planning)
    with project.secrets(), place.start(), _groups(flow, planning, place) as prepared:
        plan = make_plan(
            flow, planning, parameters=asked.parameters, include=asked.include,
            exclude=asked.exclude, prepared=prepared, done=done,
            again=marked_failed(marked) | set(asked.again),
        )  # fmt: skip
        plan = on_clusters(project, plan, place.clusters, own)
        planning.save_cache()
        know_run(store, run_id, {key: node.facts.tags for key, node in plan.tasks.items()})
        keep_limits(project, store)
        limiter = Limiter(store, run_id, limit_names(plan, planning))
        open_files = partial(_wait_for_files, plan, planning, place)
        waits = limiter.limits_flow(flow.name)
        if not waits:
            open_files()
        if taken is None:
            _created(project, store, plan, asked, run_id, earlier, flow)
        else:
            store.add_tasks(run_id, _task_runs(run_id, plan), fence=taken.fence)
        carry_over(store, run_id, marked)
        recorder = taken.recorder if taken else Recorder(store, run_id)
        setting = Drive(
            run_id, plan, place, recorder, planning.find_warehouse, listeners,
            store.durations(flow.name, list(plan.tasks), project=project.name), done,
            scheduled_time=due.scheduled if due else None,
            data_interval=due.data_interval if due else None, state_dir=project.settings.state_dir,
            requests=Requests(store, run_id), limiter=limiter,
            prepare=open_files if waits else _nothing,
            lineage_check=project.settings.lineage_check, root=project.root, flow=flow, timeout=flow.timeout,
        )  # fmt: skip
        state = _driven(project, store, setting, taken.fence if taken else 1)
        place.broadcast(checking.keep)
    keep_house(project.settings, store)
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
        for warehouse in planned.task.connections(planning):
            if warehouse.affinity is not None:
                owned[warehouse.affinity] = warehouse, planned.cluster
    for affinity, (warehouse, cluster) in owned.items():
        _done_there(executor.within(cluster), partial(_opened, warehouse), affinity)


def _nothing() -> None:
    pass


def _opened(warehouse: Warehouse) -> None:
    with warehouse.connect():
        pass


def _driven(project: Project, store: RunStore, setting: Drive, fence: int) -> State:
    """Drive the run; whatever happens to the driver, the run does not stay open in the store."""

    def end(error: BaseException) -> None:
        message = f"the driver ended: {type(error).__name__}"
        settle(store, setting.run_id, setting.recorder, fence, error, message)

    here = context.active()
    _under_way[setting.run_id] = (here.run_id if here is not None else None, end)
    try:
        state = drive(setting)
        setting.recorder.close()
        return state
    except BaseException as error:
        end(error)
        if isinstance(error, EndedHard):
            _end_within(setting.run_id)
        raise
    finally:
        del _under_way[setting.run_id]
        with suppress(StoreError):
            setting.limiter.close()
        with suppress(StoreError):
            write_failure_logs(store, setting.run_id, project.settings.state_dir)


#: The runs that this process drives: the run whose task drives each, and what ends it.
_under_way: dict[str, tuple[str | None, Callable[[BaseException], None]]] = {}


def _end_within(run_id: str) -> None:
    """End the runs that tasks of a run drive here: nobody waits until they have ended themselves."""
    for inner, (outer, end) in list(_under_way.items()):
        if outer == run_id:
            end(Stopped())
            _end_within(inner)


def settle(
    store: RunStore,
    run_id: str,
    recorder: Recorder,
    fence: int,
    error: BaseException,
    message: str | None = None,
) -> None:
    """End a run in the store that an error ended; nothing changes if it has ended already."""
    stopped = isinstance(error, (KeyboardInterrupt, Stopped))
    to = StateType.CANCELLED if stopped else StateType.FAILED
    if isinstance(error, EndedHard):
        to, message = error.state.type, error.state.message
    elif stopped:
        message = "stopped at once"
    elif message is None:
        what = error.what if isinstance(error, OrchestratorError) else type(error).__name__
        message = f"it could not begin: {what}"
        with suppress(StoreError):
            recorder.put(LogLine(str(error), level=logging.ERROR))
    with suppress(StoreError):
        recorder.close()
    with suppress(StoreError):
        tasks = {task.key: task.state for task in store.task_runs(run_id)}
        store.transition(run_id, ending(tasks, to, message), fence=fence)


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
        scheduled=earlier.scheduled if earlier else None,
        interval_start=earlier.interval_start if earlier else None,
        interval_end=earlier.interval_end if earlier else None,
    )  # fmt: skip
    kept = store.create_run(run, _task_runs(run_id, plan))
    if kept != run_id:
        raise UsageError(f"there is a run with the key {asked.idempotency_key!r} already: {kept}")


def _task_runs(run_id: str, plan: Plan) -> list[TaskRun]:
    facts = ((key, plan.tasks[key].facts) for key in plan.order())
    return [TaskRun(run_id, k, f.name, f.resource_type, path=f.path) for k, f in facts]


@contextmanager
def _groups(flow: Flow, planning: Planning, executor: Executor) -> Iterator[dict[str, Any]]:
    """Prepare each group where its tasks will run; leave nothing open afterwards."""
    groups = {flow.key(task): task for task in flow if isinstance(task, TaskGroup)}
    prepared: dict[str, Any] = {}
    try:
        for key, group in reversed(groups.items()):  # what the first keeps open is opened last
            work = group.prepare(key, planning)
            if work is not None:
                place = executor.within(group.cluster)
                _begun_everywhere(place, group.ahead(key, planning))
                prepared[key] = _done_there(place, work, group.affinity(planning))
                _begun_everywhere(place, group.warm(key, planning, prepared[key]))
        yield prepared
    finally:
        for key, group in groups.items():
            undo = group.release(key, planning) if key in prepared else None
            if undo is not None:
                executor.broadcast(undo)
        for warehouse in getattr(planning.find_warehouse, "made", {}).values():
            executor.broadcast(warehouse.release, planning.run_id)


def _begun_everywhere(executor: Executor, work: Callable[[], Any] | None) -> None:
    if work is not None and not executor.runs_in_driver:
        executor.broadcast(work)


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


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON can keep them; dates as text, which parameters read again."""
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
    }
