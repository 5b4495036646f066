"""What the run store keeps, and the changes that can be asked of it."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from orchestrator import instants
from orchestrator.model.state import StateType


def new_run_id() -> str:
    """Return an identifier for a new run: 16 hexadecimal digits, which people shorten.

    Example:
        >>> len(new_run_id())
        16
    """
    return os.urandom(8).hex()


@dataclass(frozen=True, slots=True)
class FlowRun:
    """One run of a flow.

    Args:
        id: Unique in the store; see :func:`new_run_id`.
        flow: Name of the flow.
        project: The project it belongs to.
        parameters: JSON object, as the run was given them.
        state: Where it stands.
        message: One line for people.
        created: When it was asked for (aware).
        started: When it began to run.
        finished: When it reached its final state; the store sets it.
        retry_of: The run that this one finishes.
        options: JSON object of how it was asked for (select, exclude, target, …).
        labels: Which agents may take it.
        pid: Process that drives it.
        host: Machine that process is on.
        lease_expires: Until when its driver is believed alive; None before a driver claims it.
        fence: Number of the driver; grows with each take-over, and smaller ones are refused.
        idempotency_key: No two runs have the same one; None where it does not matter.
        deployment_id: The deployment it is a run of; None for a run of the code as it lies there.
        version: The deployment's version.
        schedule_id: The schedule that made it.
        scheduled: The instant it was made for (aware).
        interval_start: Where its data interval begins.
        interval_end: Where its data interval ends, not included.
        due: No agent takes it before; None for at once.
        waits_for: No agent takes it before this run is finished.
        agent: The agent that has claimed it.
        graph: The hash that names its graph; None before it is planned.

    Example:
        >>> FlowRun(id="a1", flow="nightly").state
        <StateType.PENDING: 'Pending'>
    """

    id: str
    flow: str
    project: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    state: StateType = StateType.PENDING
    message: str = ""
    created: datetime = field(default_factory=lambda: instants.now())
    started: datetime | None = None
    finished: datetime | None = None
    retry_of: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    pid: int | None = None
    host: str | None = None
    lease_expires: datetime | None = None
    fence: int = 1
    idempotency_key: str | None = None
    deployment_id: str | None = None
    version: str | None = None
    schedule_id: str | None = None
    scheduled: datetime | None = None
    interval_start: datetime | None = None
    interval_end: datetime | None = None
    due: datetime | None = None
    waits_for: str | None = None
    agent: str | None = None
    graph: str | None = None

    @property
    def data_interval(self) -> tuple[datetime, datetime] | None:
        """From when until when (not included) its data go; None for a run by hand."""
        if self.interval_start is None or self.interval_end is None:
            return None
        return self.interval_start, self.interval_end


@dataclass(frozen=True, slots=True)
class TaskRun:
    """One task of one run.

    Args:
        run_id: The run.
        key: The task, unique in the run.
        name: What people call it.
        resource_type: ``model``, ``test``, ``sql``, ``python``, …
        state: Where it stands.
        message: One line for people, of the present state.
        cause: For a skipped task, the key of the task that caused it.
        status: The tool's own word (dbt's ``warn``, ``no-op``).
        attempt: Number of the last attempt; 0 before the first.
        token: Fencing token of the last attempt.
        started: When the last attempt began.
        finished: When the final state was reached.
        rows: Rows written, where known.
        failures: Failing rows of a test, where known.
        detail: JSON object for people and pages (error, compiled SQL, relation, …).
        result: Small JSON result that a later run may use again.
        path: The file it comes from.
    """

    run_id: str
    key: str
    name: str
    resource_type: str = "python"
    state: StateType = StateType.PENDING
    message: str = ""
    cause: str | None = None
    status: str | None = None
    attempt: int = 0
    token: str | None = None
    started: datetime | None = None
    finished: datetime | None = None
    rows: int | None = None
    failures: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    result: Any = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a task: number (from 1), token, what became of it, and who did it.

    An attempt that will be tried again is ``Failed`` here while its task is ``Retrying``.
    """

    run_id: str
    key: str
    number: int
    token: str | None
    state: StateType
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    worker: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in a run.

    Args:
        id: Grows with time within a run; never used twice.
        run_id: The run.
        key: The task, or None for the run itself.
        at: When.
        kind: ``created``, ``tasks_added``, ``state``, ``asked`` or ``taken_over``.
        data: JSON object; for ``state``: ``from``, ``state``, ``message``, ``attempt``, ``cause``,
            ``status``, ``rows``, ``failures`` and ``worker``, without those that are empty; for
            ``asked``: ``action``, ``by`` and what the request says.
    """

    id: int
    run_id: str
    key: str | None
    at: datetime
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a log.

    Args:
        text: The line.
        key: The task, or None for the run itself.
        attempt: Number of the attempt that wrote it.
        level: Number of the standard library's logging levels (20 is INFO).
        at: When (aware).
        seq: Grows within a run; the store gives it.
    """

    text: str
    key: str | None = None
    attempt: int = 0
    level: int = 20
    at: datetime = field(default_factory=lambda: instants.now())
    seq: int = 0


@dataclass(frozen=True, slots=True)
class Change:
    """A move asked of the store, refused if the task does not stand where the move may begin.

    Args:
        key: The task; None for the run itself.
        to: The new state.
        expected: States to come from; none given means any that the table of moves allows.
        at: When it happened (aware); now, if not given.
        message: One line for people.
        cause: For a skipped task, the key of the task that caused it.
        status: The tool's own word.
        attempt: Number of the attempt. ``RUNNING`` without it opens the next one; a finishing
            change with a number beyond the last opens and closes that attempt in one go.
        token: Fencing token. Given with ``SUBMITTED`` or ``RUNNING`` it becomes the attempt's;
            given later it must be that of the live attempt.
        started: When the attempt began, if that is not ``at``.
        rows: Rows written; None leaves what is there, and so for the next three.
        failures: Failing rows.
        detail: JSON object.
        result: Small JSON result.
        worker: Who does the attempt.

    Example:
        >>> Change("load", StateType.RUNNING, token="t1").to
        <StateType.RUNNING: 'Running'>
    """

    key: str | None
    to: StateType
    expected: Collection[StateType] = ()
    at: datetime | None = None
    message: str = ""
    cause: str | None = None
    status: str | None = None
    attempt: int | None = None
    token: str | None = None
    started: datetime | None = None
    rows: int | None = None
    failures: int | None = None
    detail: Mapping[str, Any] | None = None
    result: Any = None
    worker: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that was not made: why, and the state that stands (None: there is no such task)."""

    change: Change
    reason: str
    state: StateType | None


class Action(StrEnum):
    """What people may ask of a run."""

    CANCEL = "cancel"  #: stop the run
    APPROVE = "approve"  #: let a task run that waits for somebody's word
    RESUME = "resume"  #: let a task go on that paused itself
    MARK = "mark"  #: give a task a finished state by hand


#: Who asks, where a run's process, or its agent, was told to end: nobody wishes the run to stop.
BY_SIGNAL = "SIGTERM"


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that somebody asked of a run; its driver, or a retry of the run, obeys it.

    Args:
        action: What is asked.
        key: The task; None for the run itself.
        data: JSON object; for ``mark``: ``state``, ``reason`` and perhaps ``result``.
        by: Who asked.
        at: When (aware).
        id: Grows with time within a run; the store gives it.

    Example:
        >>> Ask(Action.APPROVE, "publish", by="ada").id
        0
    """

    action: Action
    key: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    by: str = ""
    at: datetime = field(default_factory=lambda: instants.now())
    id: int = 0


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot of a limit that is taken: by whom, in which run, and until when without another word."""

    limit: str
    holder: str
    run_id: str
    expires: datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """How much may run at the same time, in all runs that share the store.

    Args:
        name: ``tag:NAME``, ``warehouse:NAME`` or ``flow:NAME``.
        slots: So many; 0 lets nothing begin.
        taken: The slots that are taken now, the longest held first.
    """

    name: str
    slots: int
    taken: tuple[Lease, ...] = ()
