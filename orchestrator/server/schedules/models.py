"""What the API takes and answers about deployments, schedules and backfills."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from orchestrator.server.naming import FlowName
from orchestrator.server.runs.models import Asked, Plain, Word


class Deployment(BaseModel):
    """A flow at a version, with its schedules and defaults; never changed."""

    deployment_id: str
    project: str
    flow: str = Field(examples=["nightly"])
    version: str = Field(description="Hash of the project's code.", examples=["0a1b2c3d4e5f"])
    source: str = Field(description="Folder that its runs take the code from.")
    number: int
    commit: str | None
    schedules: list[dict[str, Any]] = Field(
        description="Each with its `name`; with `by_hand`, if somebody gave it and not the code."
    )
    parameters: dict[str, Any]
    labels: list[str]
    executor: str | None
    environment: dict[str, Any]
    created: datetime
    created_by: str


class ScheduleState(BaseModel):
    """Where a schedule stands."""

    name: str
    paused: bool
    evaluated: datetime = Field(description="All that was due until here is settled.")


class InService(Deployment):
    """A current deployment, and how it stands."""

    paused: bool
    deleted: bool
    schedule_states: list[ScheduleState]


class Deployments(BaseModel):
    """The current deployments."""

    deployments: list[InService]


class Deployed(BaseModel):
    """Something that somebody did to a deployed flow."""

    action: str
    by: str
    at: datetime
    data: dict[str, Any]


class History(InService):
    """A flow's deployments, the newest first, and what people did to it."""

    history: list[Deployment]
    audit: list[Deployed]


class Switched(BaseModel):
    """What was done."""

    flow: str
    schedule: str | None
    done: Literal["paused", "resumed", "deleted"]


class Occurrence(BaseModel):
    """One time that a schedule names."""

    instant: datetime
    nominal: str = Field(description="The local time it stands for.")
    repeat: int
    timezone: str
    interval_start: datetime | None
    interval_end: datetime
    parameters: dict[str, Any]
    labels: list[str]
    local: str
    key: str
    note: str | None = Field(description="What a change of clocks did to it.")


class Transition(BaseModel):
    """A change of clocks."""

    timezone: str
    instant: datetime
    offset_before: int
    offset_after: int
    local_before: str
    local_after: str
    lost: list[str] = Field(description="Local times that have no run because of it.")
    note: str


class Preview(BaseModel):
    """When a schedule runs, and what changes of clocks do to it."""

    flow: str | None
    schedule: str
    timezones: list[str]
    timezone_data: str
    warnings: list[str]
    occurrences: list[Occurrence]
    transitions: list[Transition]
    coming_transitions: list[Transition]


class Settled(BaseModel):
    """What became of an occurrence."""

    key: str
    nominal: str
    repeat: int
    instant: datetime
    outcome: Literal["run", "widened", "missed", "skipped"]
    reason: str
    run_id: str | None
    interval_start: datetime | None
    interval_end: datetime | None
    settled: datetime


class Schedule(BaseModel):
    """A schedule of a deployed flow."""

    id: str = Field(examples=["shop/nightly/main"])
    flow: str
    name: str
    deployment: int
    schedule: str = Field(examples=["cron 30 2 * * * Europe/Berlin"])
    paused: Literal["flow", "schedule"] | None
    evaluated: datetime
    due: int
    next: Occurrence | None
    note: str
    occurrences: list[Settled]


class Schedules(BaseModel):
    """The schedules of deployed flows."""

    schedules: list[Schedule]


class Backfill(BaseModel):
    """How far a backfill is."""

    id: str
    flow: str
    schedule: str
    total: int
    made: int
    runs: list[str]
    succeeded: int
    failed: int
    cancelled: int
    running: int
    waiting: int
    left_out: int = Field(
        description="So many were left out: other backfills' runs succeeded or are under way."
    )
    filled_by: list[str] = Field(description="The ids of these other backfills.")


class Filling(BaseModel):
    """A backfill in the list."""

    id: str
    flow: str
    schedule: str
    created: datetime
    first: datetime | None
    last: datetime | None
    total: int
    succeeded: int
    failed: int
    cancelled: int
    running: int
    waiting: int


class Backfills(BaseModel):
    """Backfills, the newest first."""

    backfills: list[Filling]


# -- bodies of requests ----------------------------------------------------------------------------


class Nothing(Asked):
    """An empty object."""


class Which(Asked):
    """A schedule of the flow; all of it, if none is named."""

    schedule: Word | None = None


class Rollback(Asked):
    """To which deployment; the one before, if none is named."""

    number: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None


class OfFlow(Asked):
    """A schedule of a flow; all of the flow, if none is named."""

    flow: FlowName
    name: Word | None = None


class Cron(Asked):
    """A schedule by cron expression."""

    name: Word = "main"
    cron: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    timezone: Annotated[str, StringConstraints(min_length=1, max_length=100)] = "UTC"
    gap: Literal["end", "shift", "skip"] = "end"
    overlap: Literal["first", "second", "both"] = "first"
    parameters: dict[Word, Plain] = Field(default={}, max_length=200)


class NewSchedules(Asked):
    """All schedules of a flow from now on."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"schedules": [{"cron": "30 2 * * *", "timezone": "Europe/Berlin"}]},
                {"schedules": []},
            ]
        },
    )
    schedules: list[Cron] = Field(max_length=50)


class NewBackfill(Asked):
    """Days whose occurrences get runs."""

    flow: FlowName
    name: Word | None = Field(default=None, description="The schedule; the only one, if left out.")
    start: date = Field(description="First local day.")
    end: date | None = Field(default=None, description="Last local day; the first, if left out.")
    parallel: int = Field(default=1, ge=1, le=1000, description="So many runs at a time.")
    id: Word | None = Field(
        default=None, description="A name of its own: a new one fills again what was filled before."
    )
