"""Flows of flows: tasks that start runs of other flows of the project, and wait for them."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from orchestrator import instants
from orchestrator.engine.stopping import is_cancelled
from orchestrator.errors import FlowError, NotFoundError, UsageError
from orchestrator.log import get_logger
from orchestrator.model import context
from orchestrator.model.signals import FAIL
from orchestrator.model.state import FINISHED, State, StateType
from orchestrator.model.task import Task
from orchestrator.process.result import CommandFailed, ProcessResult
from orchestrator.process.run import child_environment, run_process
from orchestrator.service.child import VARIABLE
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from orchestrator.store.records import FlowRun, new_run_id

if TYPE_CHECKING:
    from orchestrator.model.facts import TaskFacts
    from orchestrator.model.planning import Planning

_LOOK = 0.2  #: seconds between two looks into the store
_LOGGER = "orchestrator.task.flow_runs"
_GRACE = 30.0  #: seconds that a run has to end once it was asked to


@dataclass(frozen=True, slots=True)
class FlowRunView:
    """A flow run as a task sees it.

    Args:
        flow_run_id: The run.
        flow_name: Its flow.
        state: Where it stands.
    """

    flow_run_id: str
    flow_name: str
    state: State


class _OfProject(Task):
    """A task that works on the runs of the project it is part of."""

    stops_when_told: ClassVar[bool] = True

    def __init__(self, **task_args: Any) -> None:
        super().__init__(**task_args)
        self.project_root = ""
        self.settings: dict[str, str] = {}

    def facts(self, key: str, planning: Planning) -> TaskFacts:
        """As of any task; takes down which project it is."""
        self.project_root = str(planning.root)
        self.settings = {"state_dir": str(planning.state_dir)} if planning.state_dir else {}
        return super().facts(key, planning)

    def project(self) -> Project:
        """The project that the task's own flow belongs to."""
        return Project.find(Path(self.project_root or "."), self.settings)


class CreateFlowRun(_OfProject):
    """Starts a run of another flow of the project, in a process of its own, and does not wait.

    The run is stopped when the run that started it is cancelled, or when the process that started it
    ends: let :data:`wait_for_flow_run` wait for it. It takes none of the slots of this run.

    Args:
        task_args: As of any task.

    Example:
        >>> from orchestrator import Flow
        >>> with Flow("parent") as flow:
        ...     child = create_flow_run(flow_name="child", parameters={"day": "2013-01-31"})
        ...     ended = wait_for_flow_run(child, raise_final_state=True)
        >>> list(flow.keys())
        ['create_flow_run', 'wait_for_flow_run']
    """

    def run(
        self,
        flow_name: str,
        parameters: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        project_name: str = "",
        run_name: str | None = None,
    ) -> str:
        """Start the run, and return its id.

        Args:
            flow_name: The flow.
            parameters: Values by name.
            project_name: Name of the project, if it is to be checked: flows of others cannot be run.
            run_name: What to call the run in the log of this task.
            idempotency_key: Asked twice with one key, there is one run: the second time its id is
                returned, whatever became of it.

        Raises:
            NotFoundError: There is no such flow.
            UsageError: The project is called otherwise.
            CommandFailed: The run ended before it began.
        """
        project = self.project()
        if project_name not in ("", project.name):
            raise UsageError(
                f"the project is {project.name!r}, not {project_name!r}",
                where=str(project.root),
                fix=f'leave project_name out, or set name = "{project_name}" in orchestrator.toml',
            )
        flow = project.flow(flow_name)
        run_id = new_run_id()
        if idempotency_key is not None:
            run_id = _id_of(project.name, flow.name, idempotency_key)
        called = f", called {run_name!r}" if run_name else ""
        get_logger(_LOGGER).info("run %s of flow %s%s", run_id, flow.name, called)
        with project.store() as store:
            if idempotency_key is not None and _found(store, run_id):
                return run_id
            asked = {
                "project": str(project.root),
                "settings": self.settings,
                "flow": flow_name,
                "parameters": _plain(parameters or {}),
                "run_id": run_id,
                "idempotency_key": idempotency_key and f"{flow.name}:{idempotency_key}",
            }
            return _begun(_Child(asked), store, run_id)


class WaitForFlowRun(_OfProject):
    """Waits until a run has ended, and returns how.

    Args:
        task_args: As of any task; ``timeout`` bounds the wait.

    Example:
        >>> from orchestrator import Flow
        >>> with Flow("parent") as flow:
        ...     ended = wait_for_flow_run(create_flow_run(flow_name="child"))
        >>> list(flow.keys())
        ['create_flow_run', 'wait_for_flow_run']
    """

    def run(
        self,
        flow_run_id: str,
        stream_states: bool = True,
        stream_logs: bool = False,
        raise_final_state: bool = False,
        max_duration: timedelta | float | None = None,
    ) -> FlowRunView:
        """Wait.

        Args:
            flow_run_id: The run.
            stream_states: Whether its changes of state are logged here.
            stream_logs: Whether its log is logged here.
            raise_final_state: Whether this task fails if the run did not succeed.
            max_duration: Seconds (or a timedelta) to wait at most; no limit if left out.

        Raises:
            FAIL: The run did not succeed, and ``raise_final_state`` is set.
            TimeoutError: It took longer than ``max_duration``.
        """
        log = get_logger(_LOGGER)
        with self.project().store() as store:
            following = _Following(store, flow_run_id, log if stream_logs else None)
            run = self._ended(following, max_duration, log if stream_states else None)
        view = FlowRunView(run.id, run.flow, State(run.state, run.message))
        if raise_final_state and not view.state.is_successful():
            raise FAIL(
                f"run {run.id} of flow {run.flow} ended {run.state}: {run.message}",
                detail={"flow_run_id": run.id},
            )
        return view

    def _ended(self, following: _Following, limit: timedelta | float | None, log: Any) -> FlowRun:
        seconds = limit.total_seconds() if isinstance(limit, timedelta) else limit
        deadline = None if seconds is None else time.monotonic() + seconds
        here, before = context.active(), None
        while True:
            run = following.look()
            if log is not None and run.state is not before:
                log.info("run %s of flow %s: %s %s", run.id, run.flow, run.state, run.message)
            before = run.state
            if run.state in FINISHED:
                return run
            if here is not None and here.cancelled.wait(_LOOK):
                _wait_for_child(run.id)
                raise InterruptedError(f"told to stop while run {run.id} goes on")
            if here is None:
                time.sleep(_LOOK)
            if deadline is not None and time.monotonic() > deadline:
                raise TimeoutError(f"run {run.id} of flow {run.flow} is {run.state} still")


class StartFlowRun(_OfProject):
    """Starts a run of another flow of the project, and waits for it if it is told to.

    Args:
        flow_name: The flow; may be given to :meth:`run` instead, as the others.
        project_name: Name of the project, if it is to be checked.
        parameters: Values by name.
        wait: Whether it waits, and fails if the run did not succeed.
        run_name: What to call the run in the log of this task.
        task_args: As any task.

    Example:
        >>> StartFlowRun("publish", wait=True, name="publish").wait
        True
    """

    def __init__(
        self,
        flow_name: str | None = None,
        project_name: str = "",
        parameters: Mapping[str, Any] | None = None,
        wait: bool = False,
        run_name: str | None = None,
        **task_args: Any,
    ) -> None:
        super().__init__(**{"name": f"Flow {flow_name}" if flow_name else None, **task_args})
        self.flow_name, self.project_name = flow_name, project_name
        self.parameters, self.wait, self.called = parameters, wait, run_name

    def run(
        self,
        flow_name: str | None = None,
        project_name: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        run_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> str:
        """Start the run, and return its id; what is left out is the task's own.

        Args:
            flow_name: The flow.
            project_name: Name of the project, if it is to be checked.
            parameters: Values by name.
            run_name: What to call the run in the log of this task.
            idempotency_key: Asked twice with one key, there is one run.

        Raises:
            FlowError: No flow is named.
            NotFoundError: There is no such flow.
            FAIL: It waited, and the run did not succeed.
        """
        name = flow_name or self.flow_name
        if not name:
            raise FlowError(f"task {self.name!r} names no flow", fix="give it flow_name=")
        run_id = self._as(CreateFlowRun).run(
            name, self.parameters if parameters is None else parameters, idempotency_key,
            project_name or self.project_name, run_name or self.called,
        )  # fmt: skip
        if self.wait:
            self._as(WaitForFlowRun).run(run_id, raise_final_state=True)
        return run_id

    def _as(self, kind: Callable[[], Any]) -> Any:
        other = kind()
        other.project_root, other.settings = self.project_root, self.settings
        return other


create_flow_run = CreateFlowRun(name="create_flow_run")
wait_for_flow_run = WaitForFlowRun(name="wait_for_flow_run")


#: Processes of runs that this process started, by the run's id.
_children: dict[str, _Child] = {}


class _Child(threading.Thread):
    """Looks after the process of a run for as long as it lives."""

    def __init__(self, asked: Mapping[str, Any]) -> None:
        # Not a daemon: a process that started runs ends after them.
        super().__init__(name=f"flow-run-{asked['run_id']}")
        self._env = child_environment({VARIABLE: json.dumps(asked)})
        here = context.active()
        self._parent = here.run_id if here is not None else None
        self._cancelled = here.cancelled if here is not None else threading.Event()
        self.result: ProcessResult | None = None
        self.error: BaseException | None = None

    def run(self) -> None:
        command = [sys.executable, "-m", "orchestrator.service.child"]
        try:
            self.result = run_process(
                command,
                env=self._env,
                cancel=self._to_stop,
                grace=_GRACE,
            )
        except Exception as error:
            self.error = error

    def _to_stop(self) -> bool:
        return self._cancelled.is_set() or (self._parent is not None and is_cancelled(self._parent))


def _begun(child: _Child, store: RunStore, run_id: str) -> str:
    """Wait until the run stands in the store."""
    _children[run_id] = child
    child.start()
    while child.is_alive():
        child.join(_LOOK)
        if _found(store, run_id):
            return run_id
    if _found(store, run_id):
        return run_id
    if child.error is not None:
        raise child.error
    error = CommandFailed("the run ended before it began", fix="see the end of its output")
    error.output, error.result = child.result.last_lines if child.result else (), child.result
    raise error


def _wait_for_child(run_id: str) -> None:
    """Wait until a run that was started here, and is told to stop, has stopped."""
    child = _children.get(run_id)
    if child is not None:
        child.join(2 * _GRACE)


class _Following:
    """Looks at a run again and again.

    Args:
        store: Where it is.
        run_id: Its id.
        log: Gets its log lines; None leaves them out.
    """

    def __init__(self, store: RunStore, run_id: str, log: Any) -> None:
        self._store, self._id, self._log, self._seq = store, run_id, log, 0

    def look(self) -> FlowRun:
        """Where the run stands; one whose driver is gone counts as failed."""
        run = self._store.run(self._id)
        if self._log is not None:
            for line in self._store.logs(run.id, after_seq=self._seq):
                self._seq = line.seq
                self._log.log(line.level, "%s | %s", line.key or run.flow, line.text)
        gone = run.lease_expires is not None and run.lease_expires < instants.now()
        if run.state not in FINISHED and gone:
            return replace(run, state=StateType.FAILED, message="its driver is gone")
        return run


def _found(store: RunStore, run_id: str) -> bool:
    with suppress(NotFoundError):
        store.run(run_id)
        return True
    return False


def _id_of(project: str, flow: str, key: str) -> str:
    """The one id of all runs that are asked for with one key."""
    return hashlib.sha256("\0".join((project, flow, key)).encode()).hexdigest()[:16]


def _plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON; dates as text, which parameters read again."""
    try:
        return json.loads(json.dumps(dict(parameters), default=lambda value: value.isoformat()))
    except (TypeError, AttributeError) as error:
        raise FlowError(f"the parameters of a flow run must be JSON: {error}") from error
