"""Writes runs down for an agent to take: a new one, or one that finishes another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from orchestrator.errors import ConflictError, NotFoundError, ProjectError
from orchestrator.model.flow import Flow
from orchestrator.model.state import FINISHED
from orchestrator.service.asking import marks
from orchestrator.service.binding import bound
from orchestrator.service.made_once import Written, make_once, refuse_others
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import left_again, refuse_retry
from orchestrator.store.base import RunStore
from orchestrator.store.deployments import Deployment
from orchestrator.store.records import FlowRun, new_run_id


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
    values = bound(found, given) if found is not None else given
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
    if request.idempotency_key is not None and deployment is None:
        options["asked"] = sorted(request.parameters or {})
    run = FlowRun(
        new_run_id(), name, project.name, given if deployment else values, options=options,
        labels=_once(deployment.labels if deployment else (), labels),
        idempotency_key=request.idempotency_key,
        deployment_id=deployment.id if deployment else None,
        version=deployment.version if deployment else None,
    )  # fmt: skip
    made = make_once(store, run)
    if not made.is_new:
        refuse_others(store, found, made.run, run, request.parameters or {})
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
    own = ("again", "asked")  # said of one run
    options = {name: value for name, value in earlier.options.items() if name not in own}
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
    return make_once(store, run)


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
