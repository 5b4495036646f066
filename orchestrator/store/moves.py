"""Which changes of a batch are made and what they write: decided here, done by the stores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator import instants
from orchestrator.errors import StoreError
from orchestrator.model.state import FINISHED, StateType, may_move
from orchestrator.store.records import Change, Refused
from orchestrator.store.rows import Row, clean, event_row, micros, to_json

_AT_WORK = frozenset({StateType.SUBMITTED, StateType.RUNNING})
_CLOSING = FINISHED | {StateType.RETRYING, StateType.PAUSED}


@dataclass(slots=True)
class Standing:
    """Where a run or a task stands; moves on as the changes of a batch are decided.

    Args:
        state: Its state.
        attempt: Number of the last attempt that was opened.
        token: Token of the last attempt that was submitted or opened.
        started: When the last attempt began, in microseconds.
    """

    state: StateType
    attempt: int = 0
    token: str | None = None
    started: int | None = None


@dataclass(slots=True)
class Outcome:
    """What a batch writes.

    Args:
        refused: What is not done, and why.
        run: New values of the run's row, if it moves.
        tasks: New values of each task's row; None among the last four leaves the old value.
        opened: New attempts, whole rows, by task and number.
        closed: What is known now of attempts opened earlier, by task and number.
        events: In order, one for each change made.
    """

    refused: list[Refused] = field(default_factory=list)
    run: Row | None = None
    tasks: dict[str, Row] = field(default_factory=dict)
    opened: dict[tuple[str, int], Row] = field(default_factory=dict)
    closed: dict[tuple[str, int], Row] = field(default_factory=dict)
    events: list[Row] = field(default_factory=list)


KEPT_IF_NONE = ("rows", "failures", "detail", "result")


def decide(
    run_id: str,
    run: Standing,
    tasks: Mapping[str, Standing],
    changes: Sequence[Change],
    *,
    fence: int,
    given_fence: int | None,
) -> Outcome:
    """Decide a batch of changes.

    Args:
        run_id: The run.
        run: Where the run stands.
        tasks: Where the tasks named by the changes stand.
        changes: What is asked, in order.
        fence: The run's fence.
        given_fence: The fence of who asks, if that is a driver.
    """
    outcome = Outcome()
    fenced = fencing(fence, given_fence)
    for change in changes:
        standing = run if change.key is None else tasks.get(change.key)
        reason = fenced or refusal(standing, change, run.state)
        if reason is None:
            assert standing is not None
            reason = _make(outcome, run_id, standing, change)
        if reason is not None:
            outcome.refused.append(Refused(change, reason, standing.state if standing else None))
    return outcome


def ending(tasks: Mapping[str, StateType], to: StateType, why: str) -> tuple[Change, ...]:
    """Return the changes that end a run with its open tasks; what never began is skipped.

    Args:
        tasks: By key, where the tasks stand; those that are finished stay as they are.
        to: The run's final state, and that of what its tasks were doing.
        why: Said to people.

    Example:
        >>> changes = ending({"load": StateType.PENDING}, StateType.CANCELLED, "nobody needs it")
        >>> [(change.key, change.to.value) for change in changes]
        [('load', 'Skipped'), (None, 'Cancelled')]
    """
    changes = (
        Change(key, StateType.SKIPPED, message=f"never began: {why}")
        if state is StateType.PENDING
        else Change(key, to, message=why)
        for key, state in tasks.items()
        if state not in FINISHED
    )
    return (*changes, Change(None, to, message=why))


def fencing(fence: int, given: int | None) -> str | None:
    """Return why a driver with the given fence is refused, if it is."""
    if given is None or given == fence:
        return None
    return f"another driver has taken the run over (its fence is {fence}, yours {given})"


def refusal(standing: Standing | None, change: Change, run_state: StateType) -> str | None:
    """Return why the change may not be made, if it may not.

    Example:
        >>> refusal(Standing(StateType.FAILED), Change("a", StateType.RUNNING), StateType.RUNNING)
        "task 'a' is Failed, and a finished state is final"
    """
    if standing is None:
        return f"the run has no task {change.key!r}"
    who = "the run" if change.key is None else f"task {change.key!r}"
    if standing.state in FINISHED:
        return f"{who} is {standing.state}, and a finished state is final"
    if change.expected and standing.state not in change.expected:
        wanted = " or ".join(sorted(change.expected))
        return f"{who} is {standing.state}, not {wanted}"
    if not may_move(standing.state, change.to):
        return f"{who} is {standing.state}, which cannot become {change.to}"
    if change.key is None:
        return None
    if run_state in FINISHED and change.to not in FINISHED:
        return f"the run is {run_state}, so {who} cannot become {change.to}"
    return _stale(standing, change, who)


def _stale(standing: Standing, change: Change, who: str) -> str | None:
    """Return why the change comes from an attempt that is over, if it does."""
    working = standing.state in _AT_WORK
    opening = change.to in _AT_WORK or _opens(standing, change)
    if change.attempt is not None and change.attempt < standing.attempt + opening:
        return f"attempt {change.attempt} of {who} is over (the last is {standing.attempt})"
    if standing.state is StateType.RUNNING and (change.attempt or 0) > standing.attempt:
        return f"attempt {change.attempt} of {who} has not begun (the last is {standing.attempt})"
    if change.token is None or (working and change.token == standing.token):
        return None
    if working and (standing.token is not None or not opening):
        return f"{who} is worked on under another token"
    if change.token == standing.token:
        return f"the attempt of {who} that holds this token is over"
    return None if opening else f"{who} has no live attempt under this token"


def _opens(standing: Standing, change: Change) -> bool:
    if change.to is StateType.RUNNING:
        return True
    beyond = change.attempt is not None and change.attempt > standing.attempt
    return beyond and change.to in _CLOSING and standing.state is not StateType.RUNNING


def _make(outcome: Outcome, run_id: str, standing: Standing, change: Change) -> str | None:
    """Write the change into the outcome and move the standing; a reason if it cannot be kept."""
    try:
        detail = to_json(change.detail, "the detail")
        result = to_json(change.result, "the result")
    except StoreError as error:
        return error.what
    at = micros(change.at or instants.now())
    assert at is not None
    before = standing.state
    if change.key is None:
        _make_run(outcome, standing, change, at)
    else:
        _make_task(outcome, run_id, standing, change, at, (detail, result))
    standing.state = change.to
    outcome.events.append(_event(run_id, change, before, standing.attempt, at))
    return None


def _make_run(outcome: Outcome, standing: Standing, change: Change, at: int) -> None:
    finished = change.to in FINISHED
    if change.to is StateType.RUNNING and standing.started is None:
        standing.started = micros(change.started) or at
    outcome.run = {
        "state": change.to.value,
        "message": clean(change.message),
        "started": standing.started,
        "finished": at if finished else None,
    }
    if finished:
        outcome.run["lease_expires"] = None


def _make_task(
    outcome: Outcome,
    run_id: str,
    standing: Standing,
    change: Change,
    at: int,
    texts: tuple[str | None, str | None],
) -> None:
    assert change.key is not None
    opens = _opens(standing, change)
    begins = standing.state not in _AT_WORK and change.to in _AT_WORK
    if begins or change.token is not None:
        # It stays when the attempt closes, so that what its worker says late is known as late.
        standing.token = change.token
    if opens:
        standing.attempt = change.attempt or standing.attempt + 1
        standing.started = micros(change.started) or at
        outcome.opened[change.key, standing.attempt] = _new_attempt(run_id, standing, change)
    if change.to in _CLOSING and (opens or standing.state is StateType.RUNNING):
        _close_attempt(outcome, run_id, standing, change, at, texts[0])
    _merge(outcome.tasks, change.key, _task_values(standing, change, at, texts))


def _task_values(
    standing: Standing, change: Change, at: int, texts: tuple[str | None, str | None]
) -> Row:
    return {
        "state": change.to.value,
        "message": clean(change.message),
        "cause": change.cause,
        "status": change.status,
        "attempt": standing.attempt,
        "token": standing.token,
        "started": standing.started,
        "finished": at if change.to in FINISHED else None,
        "rows": None if change.rows is None else int(change.rows),
        "failures": None if change.failures is None else int(change.failures),
        "detail": texts[0],
        "result": texts[1],
    }


def _new_attempt(run_id: str, standing: Standing, change: Change) -> Row:
    return {
        "run_id": run_id,
        "key": change.key,
        "number": standing.attempt,
        "token": standing.token,
        "state": StateType.RUNNING.value,
        "message": clean(change.message),
        "started": standing.started,
        "finished": None,
        "worker": change.worker,
        "detail": None,
    }


def _close_attempt(
    outcome: Outcome, run_id: str, standing: Standing, change: Change, at: int, detail: str | None
) -> None:
    assert change.key is not None
    state = StateType.FAILED if change.to is StateType.RETRYING else change.to
    values = {
        "state": state.value,
        "message": clean(change.message),
        "finished": at,
        "worker": change.worker,
        "detail": detail,
    }
    place = (change.key, standing.attempt)
    if place in outcome.opened:
        row = outcome.opened[place]
        row.update(values, worker=change.worker or row["worker"])
    else:
        outcome.closed[place] = values


def _merge(tasks: dict[str, Row], key: str, values: Row) -> None:
    earlier = tasks.get(key)
    if earlier is not None:
        for name in KEPT_IF_NONE:
            if values[name] is None:
                values[name] = earlier[name]
    tasks[key] = values


def _event(run_id: str, change: Change, before: StateType, attempt: int, at: int) -> Row:
    data = {
        "from": before.value,
        "state": change.to.value,
        "message": clean(change.message),
        "attempt": attempt,
        "cause": change.cause,
        "status": change.status,
        "rows": None if change.rows is None else int(change.rows),
        "failures": None if change.failures is None else int(change.failures),
        "worker": change.worker,
    }
    kept = {name: value for name, value in data.items() if value is not None and value != ""}
    return event_row(run_id, change.key, at, "state", kept)
