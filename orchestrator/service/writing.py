"""Writes runs down for an agent to take: a new one, or one that finishes another."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from orchestrator.errors import (
    ConflictError,
    NotFoundError,
    OrchestratorError,
    ParameterError,
    ProjectError,
)
from orchestrator.model.flow import Flow
from orchestrator.model.parameter import bind_parameters
from orchestrator.model.state import FINISHED
from orchestrator.service.asking import marks
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import left_again, refuse_retry
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import FlowRun, new_run_id


@dataclass(frozen=True, slots=True)
class Written:
    """A run that was written down, and whether this call made it."""

    run: FlowRun
    is_new: bool


def write_run(
    project: Project,
    store: RunStore,
    flow: str,
    request: Request,
    *,
    labels: Sequence[str] = (),
    by: str = "",
) -> Written:
    """Write a run down as pending; an agent that has its labels takes and executes it.

    A flow that is deployed runs at its current deployment's version; any other as it lies in the
    project's folder.

    Args:
        project: The project.
        store: Its run store.
        flow: Name of the flow; ``"."`` for the project's dbt project.
        request: Parameters, selection and options; with an ``idempotency_key`` that has made a run
            before, that run is returned.
        labels: What the agent must have, besides what the deployment says.
        by: Who asks.

    Raises:
        NotFoundError: There is no such flow.
        ParameterError: A parameter is missing, unknown or does not fit.
        ConflictError: The key has made another run: of another flow, or with other parameters,
            another selection, or, at the same deployment, other options or labels.
    """
    deployment = _current(store, project.name, flow)
    found = _flow(project, flow, deployment)
    name = found.name if found is not None else flow
    given = dict(deployment.parameters if deployment else {}) | dict(request.parameters or {})
    bound = _bound(found, given) if found is not None else given
    target = deployment.environment.get("target") if deployment else None
    asked = {name: value for name, value in asdict(request.options).items() if value}
    options: dict[str, Any] = {
        "run": ({"target": target} if target else {}) | asked,
        "include": list(request.include),
        "exclude": list(request.exclude),
        "executor": request.executor or (deployment.executor if deployment else None),
        "whole": found is not None and found is project.whole,
        "by": by,
    }
    run = FlowRun(
        new_run_id(), name, project.name, given if deployment else bound, options=options,
        labels=_once(deployment.labels if deployment else (), labels),
        idempotency_key=request.idempotency_key,
        deployment_id=deployment.id if deployment else None,
        version=deployment.version if deployment else None,
    )  # fmt: skip
    made = _kept(store, run)
    if not made.is_new:
        _refuse_others(store, found, made.run, run, request.parameters or {})
    return made


def write_retry(
    store: RunStore, run_id: str, tasks: Sequence[str] = (), *, by: str = ""
) -> Written:
    """Write down a run that finishes another: what failed or never ran, and nothing that succeeded.

    It runs at the version that is deployed now, so that a mended flow is finished as mended.

    Args:
        store: The run store.
        run_id: The earlier run: its id, a beginning of it, or ``latest``.
        tasks: Keys of tasks that run again although they succeeded, with all that depends on them.
        by: Who asks.

    Returns:
        The run; of several calls at the same time, one makes it and the others get the same.

    Raises:
        NotFoundError: There is no such run or task.
        ConflictError: The run is under way or has nothing left to do, or it is being finished.
    """
    earlier = store.run(run_id)
    again = list(dict.fromkeys(tasks)) or list(left_again(store, earlier))
    refuse_retry(earlier, marks(store, earlier), again)
    _refuse_unknown(store, earlier, tasks)
    before = store.retries(earlier.id)
    _refuse_second(store, earlier, before)
    deployment = _current(store, earlier.project, earlier.flow) if earlier.deployment_id else None
    options = {name: value for name, value in earlier.options.items() if name != "again"}
    run = FlowRun(
        new_run_id(), earlier.flow, earlier.project, earlier.parameters, retry_of=earlier.id,
        options={**options, "by": by} | ({"again": again} if again else {}),
        labels=earlier.labels, scheduled=earlier.scheduled, interval_start=earlier.interval_start,
        interval_end=earlier.interval_end,
        deployment_id=deployment.id if deployment else earlier.deployment_id,
        version=deployment.version if deployment else earlier.version,
        # A second click finds the same: the key names how many there were.
        idempotency_key=f"retry of {earlier.id} after {before[-1] if before else 'none'}",
    )  # fmt: skip
    return _kept(store, run)


def _kept(store: RunStore, run: FlowRun) -> Written:
    kept = store.create_run(run)
    if kept == run.id:
        return Written(run, True)
    there = store.run(kept)
    if (there.flow, there.project) != (run.flow, run.project):
        raise ConflictError(
            f"the idempotency key {run.idempotency_key!r} has made a run of {there.flow!r} before",
            where=f"run {there.id}",
            fix="use another key for each run that is wanted",
        )
    return Written(there, False)


def _refuse_others(
    store: RunStore, flow: Flow | None, there: FlowRun, asked: FlowRun, given: Mapping[str, Any]
) -> None:
    """Refuse what would not have made the run that is there.

    What is not given counts as it did then, by the run's own deployment: that of now may give
    other values.
    """
    defaults = store.deployment(there.deployment_id).parameters if there.deployment_id else {}
    wanted, had = dict(defaults) | dict(given), dict(there.parameters)
    if flow is not None:  # then text and value that mean the same are the same
        wanted, had = _as_bound(flow, wanted), _as_bound(flow, had)
    names = sorted(name for name in wanted.keys() | had if wanted.get(name) != had.get(name))
    others = ["parameters " + ", ".join(names)] if names else []
    others += [
        name for name in ("include", "exclude") if _option(asked, name) != _option(there, name)
    ]
    if asked.deployment_id == there.deployment_id:
        others += ["options"] if _option(asked, "run") != _option(there, "run") else []
        others += ["labels"] if asked.labels != there.labels else []
    if others:
        raise ConflictError(
            f"the idempotency key {there.idempotency_key!r} has made a run with other"
            f" {' and '.join(others)} before",
            where=f"run {there.id}",
            fix="use another key for each run that is wanted",
        )


def _option(run: FlowRun, name: str) -> Any:
    return json.loads(json.dumps(run.options.get(name), default=str))  # as it is kept


def _as_bound(flow: Flow, kept: dict[str, Any]) -> dict[str, Any]:
    try:
        return _bound(flow, kept)
    except ParameterError:  # the flow took others then
        return kept


def _current(store: RunStore, project: str, flow: str) -> Deployment | None:
    try:
        return store.current(project, flow)
    except NotFoundError:
        return None


def _flow(project: Project, name: str, deployment: Deployment | None) -> Flow | None:
    """The flow as the project's folder has it; None if only its deployment is known."""
    try:
        whole = project.whole
        if whole is not None and name == whole.name and name not in project.modules.flows:
            return whole
        return project.flow(name)
    except (NotFoundError, ProjectError):
        # What is deployed runs from its own copy, whatever lies in the folder.
        if deployment is None:
            raise
        return None


def _bound(flow: Flow, given: Mapping[str, Any]) -> dict[str, Any]:
    values = _checked(lambda: bind_parameters(flow.parameters(), given, flow=flow.name), flow)
    return {
        name: value.isoformat() if hasattr(value, "isoformat") else value
        for name, value in values.items()
    }


def _checked(bind: Callable[[], dict[str, Any]], flow: Flow) -> dict[str, Any]:
    try:
        return bind()
    except OrchestratorError:
        raise
    except Exception as error:  # a flow's own check of a value can raise whatever it likes
        raise ParameterError(
            f"a parameter of flow {flow.name!r} cannot be checked: {type(error).__name__}: {error}"
        ) from error


def _refuse_unknown(store: RunStore, run: FlowRun, tasks: Sequence[str]) -> None:
    if not tasks:
        return
    known = {task.key for task in store.task_runs(run.id)}
    for key in tasks:
        if key not in known and not _succeeded_before(store, run, key):
            raise NotFoundError(
                f"run {run.id} has no task {key!r}",
                fix=f"orchestrator runs show {run.id} --all shows its tasks",
            )


def _succeeded_before(store: RunStore, run: FlowRun, key: str) -> bool:
    """Whether a run that this one finishes had the task."""
    while run.retry_of is not None:
        run = store.run(run.retry_of)
        if store.task_runs(run.id, key):
            return True
    return False


def _refuse_second(store: RunStore, earlier: FlowRun, retries: Sequence[str]) -> None:
    last = store.run(retries[-1]) if retries else None
    if last is not None and last.state not in FINISHED:
        raise ConflictError(
            f"run {earlier.id} is being finished already",
            where=f"run {last.id}",
            fix=f"wait for run {last.id}, or cancel it",
        )


def _once(*labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(label for some in labels for label in some))
