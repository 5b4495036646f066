"""What the API answers about flows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from orchestrator.model.state import StateType
from orchestrator.server.runs.models import Edge, Run
from orchestrator.server.schedules.models import Deployed, Deployment


class Next(BaseModel):
    """When something runs next by itself."""

    instant: datetime
    local: str = Field(description="As people of its zone see it.")
    timezone: str


class Flow(BaseModel):
    """A flow of the project, or one that is deployed."""

    name: str = Field(examples=["nightly"])
    project: str
    description: str
    source: str | None = Field(description="File and line.", examples=["flows/nightly.py:12"])
    tags: list[str]
    deployed: bool
    paused: bool
    version: str | None
    schedules: list[str] = Field(examples=[["cron 30 2 * * * Europe/Berlin"]])
    last_run: Run | None
    next: Next | None
    error: str | None = Field(description="Why it cannot be read or planned.")


class Flows(BaseModel):
    """The flows, by name."""

    flows: list[Flow]
    surveying: bool = Field(description="Whether the project's files are being read again.")


class Parameter(BaseModel):
    """A parameter of a flow."""

    name: str
    type: Literal["str", "int", "float", "bool", "date", "datetime", "list", "json"]
    default: Any
    required: bool
    description: str
    choices: list[Any] | None = None


class Version(Deployment):
    """A deployment of a flow, and whether it is in service."""

    current: bool


class WholeFlow(Flow):
    """All about a flow."""

    parameters: list[Parameter]
    parameter_schema: dict[str, Any] = Field(description="A JSON Schema of what a run takes.")
    versions: list[Version]
    audit: list[Deployed]


class PlannedTask(BaseModel):
    """A task of a plan."""

    key: str = Field(examples=["model.shop.orders"])
    name: str
    resource_type: str
    path: str | None
    tags: list[str]
    reads: list[str]
    writes: list[str]
    drops: list[str]
    lineage_unknown: str | None
    wave: int = Field(description="From 1: how many steps come before it.")
    mapped: bool
    affinity: str | None
    reason: str
    upstream: list[str]


class LeftOut(BaseModel):
    """A task that does not run, and why."""

    key: str
    reason: str


class Plan(BaseModel):
    """What a run of the flow would do."""

    flow: str
    parameters: dict[str, Any]
    tasks: list[PlannedTask]
    edges: list[Edge]
    left_out: list[LeftOut]


class Duration(BaseModel):
    """How long one run took."""

    run_id: str = Field(examples=["4f1c09a2b7d3e685"])
    created: datetime
    started: datetime | None
    seconds: float | None = Field(examples=[61.5])
    state: StateType
    version: str | None


class Durations(BaseModel):
    """The latest runs of a flow, the oldest first."""

    runs: list[Duration]


class ChangedFile(BaseModel):
    """A file that differs."""

    path: str = Field(examples=["flows/nightly.py"])
    change: Literal["added", "removed", "changed"]
    diff: str | None = Field(description="A unified diff; null of what is no text, or too large.")


class ChangedValue(BaseModel):
    """A parameter or schedule that differs; null where it is not there."""

    name: str
    a: Any
    b: Any


class Comparison(BaseModel):
    """What changed from one deployment to another."""

    a: Deployment
    b: Deployment
    changed: list[ChangedFile]
    parameters: list[ChangedValue]
    schedules: list[ChangedValue]


class FileChange(BaseModel):
    """A file that differs from what is in service."""

    path: str
    change: Literal["added", "removed", "changed"]


class Drifted(BaseModel):
    """A schedule or a term that differs; null where it is not there."""

    name: str
    deployed: Any
    repository: Any


class FlowDrift(BaseModel):
    """How a flow of the project's folder and its deployment stand to one another."""

    flow: str
    standing: Literal["same", "differs", "not deployed", "gone", "unreadable"]
    deployment: int | None
    deployment_id: str | None
    version: str | None
    commit: str | None
    ref: str
    environment: str | None
    behind: int | None = Field(description="Commits that the deployment has not.")
    ahead: int | None = Field(description="Commits that the folder has not.")
    in_place: bool = Field(description="Whether runs use the folder itself.")
    files: list[FileChange] | None = Field(description="Null: it cannot be seen.")
    schedules: list[Drifted]
    terms: list[Drifted]
    by_hand: str = Field(description="Who gave it its schedules by hand; empty: nobody.")


class Drift(BaseModel):
    """The project's folder beside what is in service of it."""

    project: str
    version: str
    commit: str | None
    branch: str | None
    dirty: bool = Field(description="Whether the folder has changes that are in no commit.")
    drift: bool = Field(description="Whether anything differs.")
    flows: list[FlowDrift]
    errors: dict[str, str] = Field(description="By file, why it cannot be read.")
