"""What the API takes and answers about the service, the home page and the search."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints

from orchestrator.model.state import StateType
from orchestrator.server.runs.models import Asked, Run


class Found(BaseModel):
    """Something that was searched for, and the page that shows it."""

    kind: Literal["flow", "run", "task", "dataset", "schedule"]
    name: str
    title: str
    detail: str
    link: str = Field(examples=["/flows/nightly"])


class Search(BaseModel):
    """What was found, the likeliest first."""

    results: list[Found]


class Agent(BaseModel):
    """An agent that launches runs."""

    id: str
    name: str = Field(examples=["build-1"])
    labels: list[str] = Field(examples=[["gpu"]])
    host: str
    pid: int | None
    started: datetime
    heartbeat: datetime
    version: str
    packages: dict[str, str]
    alive: bool


class Agents(BaseModel):
    """The agents, by name."""

    agents: list[Agent]


class Notification(BaseModel):
    """A message to people about a run."""

    id: int
    key: str | None
    kind: str = Field(examples=["failed"])
    target: str
    run_id: str | None
    state: Literal["pending", "sent", "dead"]
    attempts: int
    next_try: datetime
    created: datetime
    error: str
    payload: dict[str, Any]


class Notifications(BaseModel):
    """Messages, the newest first."""

    notifications: list[Notification]


class Retried(BaseModel):
    """A message that is sent again."""

    id: int = Field(examples=[17])
    state: Literal["pending"]


class Taken(BaseModel):
    """A slot of a limit that a run has."""

    run_id: str
    holder: str
    expires: datetime


class Limit(BaseModel):
    """How much may run at the same time."""

    name: str = Field(examples=["tag:heavy"])
    slots: int
    origin: str | None = Field(description="Where in the settings it stands; null: set by hand.")
    taken: list[Taken]


class Limits(BaseModel):
    """The limits, by name."""

    limits: list[Limit]


class NewLimit(Asked):
    """How much of something may run at the same time."""

    name: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(
        description="`tag:WORD`, `warehouse:CONNECTION` or `flow:FLOW`.", examples=["tag:heavy"]
    )
    slots: Annotated[int, Field(ge=0, le=1_000_000)] | None = Field(
        description="0 lets nothing begin; null takes the limit away."
    )


class SetLimit(BaseModel):
    """The limit that holds now."""

    name: str = Field(examples=["tag:heavy"])
    slots: int | None


class Deed(BaseModel):
    """Something that somebody did."""

    id: int
    at: datetime
    by: str
    role: Literal["view", "run", "admin"]
    action: str = Field(examples=["run.cancel"])
    subject: str
    data: dict[str, Any]


class Audit(BaseModel):
    """What people did, the newest first."""

    entries: list[Deed]


class Late(BaseModel):
    """A schedule, or a run of it, that should have begun."""

    flow: str
    schedule: str | None
    due: datetime
    note: str


class Coming(BaseModel):
    """When something runs next by itself."""

    flow: str
    schedule: str
    instant: datetime
    local: str
    timezone: str
    offset: int = Field(description="Seconds that local time is ahead of UTC.")
    note: str | None


class TrendRun(BaseModel):
    """How long one run took."""

    run_id: str
    started: datetime | None
    seconds: float | None
    state: StateType


class Trend(BaseModel):
    """The latest runs of a flow, the oldest first."""

    flow: str
    runs: list[TrendRun]


class LastNight(BaseModel):
    """What became of the runs since yesterday evening."""

    since: datetime
    ok: int
    failed: int
    running: int
    late: int


class Home(BaseModel):
    """Last night at a glance."""

    failed: list[Run] = Field(description="Without those that a retry has finished since.")
    late: list[Late]
    running: list[Run]
    next: list[Coming]
    trend: list[Trend]
    last_night: LastNight
