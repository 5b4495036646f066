"""Routes that start runs and ask something of them: stop, go on, do again, take for done."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response

from orchestrator.errors import UsageError
from orchestrator.model.planning import RunOptions
from orchestrator.server.needs import StoreOf, WhoOf, audited, running
from orchestrator.server.runs import models
from orchestrator.server.runs.answering import RunId, answered
from orchestrator.server.runs.counting import with_counts
from orchestrator.server.runs.fresh import FreshOf
from orchestrator.service import asking
from orchestrator.service.asking import Asked, driven
from orchestrator.service.made_once import Written
from orchestrator.service.planning import Request
from orchestrator.service.writing import write_retry, write_run
from orchestrator.shapes import runs as shapes
from orchestrator.store.records import Action

router = APIRouter(dependencies=[Depends(running)])

_Responses = dict[int | str, dict[str, Any]]
_CONFLICT: _Responses = {409: {"description": "It does not fit how the run stands now"}}
_OTHER: _Responses = {409: {"description": "The key made a run of something else before"}}


def _there(why: str) -> _Responses:
    return {200: {"description": why, "model": models.Run}}


@router.post(
    "/runs",
    response_model=models.Run,
    status_code=201,
    responses=_OTHER | _there("The key made it before"),
    summary="Start a run",
    operation_id="create_run",
)
def create_run(
    store: StoreOf,
    project: FreshOf,
    who: WhoOf,
    wanted: models.NewRun,
    idempotency_key: Annotated[
        models.Word | None,
        Header(description="Of several requests with one key, one makes the run, and all get it."),
    ] = None,
) -> Response:
    """Write a run down; an agent that has its labels takes it within a second or two.

    Parameters are checked against the flow's own.
    """
    if idempotency_key and wanted.idempotency_key not in (None, idempotency_key):
        raise UsageError("two idempotency keys are given", fix="give one of them")
    options = wanted.options
    request = Request(
        wanted.parameters,
        RunOptions(target=options.target, full_refresh=options.full_refresh),
        options.select, options.exclude,
        idempotency_key=idempotency_key or wanted.idempotency_key,
    )  # fmt: skip
    made = write_run(project, store, wanted.flow, request, labels=wanted.labels, by=who.name)
    if made.is_new:
        data = {"flow": made.run.flow, "parameters": made.run.parameters}
        audited(who, "run.create", made.run.id, data)
    return _answered(store, made)


@router.post(
    "/runs/{run_id}/cancel",
    response_model=models.Done,
    responses=_CONFLICT,
    summary="Stop a run",
    operation_id="cancel_run",
)
def cancel(
    store: StoreOf, who: WhoOf, run_id: RunId, asked: models.Cancel | None = None
) -> Response:
    """Ask whoever drives a run to stop it; one that nobody drives is cancelled at once."""
    reason = asked.reason if asked is not None else ""
    run = asking.cancel_run(store, run_id, by=who.name, reason=reason)
    audited(who, "run.cancel", run.id, {"reason": reason} if reason else {})
    return answered(shapes.asked_of(Asked(run, now=driven(run)), "cancel"))


@router.post(
    "/runs/{run_id}/retry",
    response_model=models.Run,
    status_code=201,
    responses=_CONFLICT | _there("It is there already"),
    summary="Finish a run",
    operation_id="retry_run",
)
def retry(
    store: StoreOf,
    who: WhoOf,
    run_id: RunId,
    asked: models.Retry | None = None,
) -> Response:
    """Write down a run that does what failed or never ran, and nothing that succeeded.

    With `tasks`, these run again, too, with all that depends on them.
    """
    made = write_retry(store, run_id, asked.tasks if asked is not None else (), by=who.name)
    if made.is_new:
        again = made.run.options.get("again")
        data = {"retry_of": made.run.retry_of} | ({"tasks": again[:100]} if again else {})
        audited(who, "run.retry", made.run.id, data)
    return _answered(store, made)


@router.post(
    "/runs/{run_id}/mark",
    response_model=models.Done,
    responses=_CONFLICT,
    summary="Give a task a state by hand",
    operation_id="mark_task",
)
def mark(store: StoreOf, who: WhoOf, run_id: RunId, asked: models.Mark) -> Response:
    """Give a task a finished state by hand, with the reason.

    A task that waits gets it now; for one that has ended it counts in a retry.
    """
    done = asking.mark_task(
        store, run_id, asked.key, asked.state.lower(), reason=asked.reason,
        result=asked.result, by=who.name,
    )  # fmt: skip
    data = {"key": asked.key, "state": asked.state, "reason": asked.reason}
    audited(who, "run.mark", done.run.id, data)
    return answered(shapes.asked_of(done, "mark", asked.state))


@router.post(
    "/runs/{run_id}/approve",
    response_model=models.Done,
    responses=_CONFLICT,
    summary="Let a task run that waits for somebody's word",
    operation_id="approve_task",
)
def approve(store: StoreOf, who: WhoOf, run_id: RunId, asked: models.LetGoOn) -> Response:
    """Let a task run that is only run when somebody says so."""
    return _let_go_on(store, who, run_id, asked.key, Action.APPROVE)


@router.post(
    "/runs/{run_id}/resume",
    response_model=models.Done,
    responses=_CONFLICT,
    summary="Let a task go on that paused itself",
    operation_id="resume_task",
)
def resume(store: StoreOf, who: WhoOf, run_id: RunId, asked: models.LetGoOn) -> Response:
    """Let a task go on that paused itself."""
    return _let_go_on(store, who, run_id, asked.key, Action.RESUME)


def _let_go_on(store: StoreOf, who: WhoOf, run_id: str, key: str, action: Action) -> Response:
    done = asking.let_tasks_go_on(store, run_id, key, action, by=who.name)
    audited(who, f"run.{action}", done.run.id, {"key": key})
    return answered(shapes.asked_of(done, action))


def _answered(store: StoreOf, made: Written) -> Response:
    return answered(with_counts(store, [made.run])[0], 201 if made.is_new else 200)
