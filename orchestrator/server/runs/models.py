"""What the API of runs takes and answers, for its OpenAPI document; the shapes are those of the CLI."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from orchestrator.model.state import StateType

MOST_TASKS = 10_000  #: keys in one request
_MOST_JSON = 1_000_000  #: characters of a value that is given


def _plain(value: Any) -> Any:
    """Refuse what a store cannot keep as JSON, or not for long."""
    try:
        text = json.dumps(value, allow_nan=False)
    except (ValueError, TypeError, RecursionError):
        what = "it is no plain JSON: it nests too deeply or holds a number that is none"
        raise ValueError(what) from None
    if len(text) > _MOST_JSON:
        raise ValueError(f"it is longer than {_MOST_JSON:,} characters of JSON")
    return value


Text = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Word = Annotated[
    str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
]
Plain = Annotated[Any, AfterValidator(_plain)]


class Asked(BaseModel):
    """The body of a request: nothing that is not named is taken."""

    model_config = ConfigDict(extra="forbid")


class Run(BaseModel):
    """A run."""

    run_id: str = Field(examples=["4f1c09a2b7d3e685"])
    flow: str = Field(examples=["nightly"])
    project: str
    state: StateType = Field(examples=[StateType.SUCCESS])
    message: str = Field(description="One line for people.")
    created: datetime
    started: datetime | None
    finished: datetime | None
    parameters: dict[str, Any]
    options: dict[str, Any] = Field(description="How it was asked for.")
    retry_of: str | None = Field(description="The run that this one finishes.")
    pid: int | None
    host: str | None
    deployment_id: str | None
    version: str | None
    schedule_id: str | None
    scheduled: datetime | None
    interval_start: datetime | None
    interval_end: datetime | None
    due: datetime | None
    waits_for: str | None
    agent: str | None
    counts: dict[str, int] = Field(description="Tasks by state.", examples=[{"Success": 3}])
    seconds: float | None = Field(description="How long it has run; null before it began.")
    late: bool = Field(description="Whether it could have begun minutes ago, and has not.")
    progress: float | None = Field(description="From 0 to 1; null where it is not known.")
    live: bool = Field(description="Whether somebody drives it now.")


class Runs(BaseModel):
    """A page of runs, the newest first."""

    runs: list[Run]
    next: str | None = Field(description="Cursor of the next page: `before=`; null on the last.")


class TaskRun(BaseModel):
    """A task of a run."""

    key: str = Field(examples=["model.shop.orders"])
    name: str
    resource_type: str = Field(examples=["model"])
    path: str | None
    state: StateType
    message: str
    cause: str | None = Field(description="Of a skipped task: the key of what caused it.")
    status: str | None = Field(description="The tool's own word (dbt's `warn`).")
    attempt: int
    started: datetime | None
    finished: datetime | None
    rows: int | None
    failures: int | None
    detail: dict[str, Any]


class Request(BaseModel):
    """What somebody asked of a run."""

    action: Literal["cancel", "approve", "resume", "mark"]
    key: str | None
    by: str
    at: datetime
    data: dict[str, Any]


class WholeRun(Run):
    """A run with its tasks."""

    tasks: list[TaskRun]
    requests: list[Request]
    retried_by: list[str] = Field(description="Ids of the runs that finish this one.")
    graph: str | None = Field(description="The hash that names its graph.")
    waiting: str | None = Field(
        description="Why it has not begun: what it waits for, or why no agent takes it."
    )


class Evidence(BaseModel):
    """A place that says why one task comes before another."""

    source: str
    text: str
    file: str | None
    line: int | None
    node: str | None


class Edge(BaseModel):
    """One task waits for another."""

    upstream: str = Field(examples=["source.shop.raw.orders"])
    downstream: str = Field(examples=["model.shop.orders"])
    dataset: str | None
    evidence: list[Evidence]


class EdgeWithState(Edge):
    """An edge, and the state of the task at its other end."""

    state: StateType | None


class Node(BaseModel):
    """A task as it was planned."""

    model_config = ConfigDict(extra="allow")
    key: str = Field(examples=["model.shop.orders"])
    name: str
    resource_type: str
    path: str | None
    folder: str | None
    layer: str | None
    tags: list[str]
    reads: list[str]
    writes: list[str]
    expected: float | None = Field(description="Seconds that it usually takes.")


class Graph(BaseModel):
    """What a run was planned to do. Without a hash nothing is known of it."""

    hash: str | None
    nodes: list[Node]
    edges: list[Edge]
    layout: dict[str, tuple[float, float]] | None


class Layout(Asked):
    """Where the nodes of a graph are drawn: across and down, by key."""

    positions: dict[
        Text,
        tuple[Annotated[float, Field(allow_inf_nan=False)], Annotated[float, Field(allow_inf_nan=False)]],
    ] = Field(max_length=MOST_TASKS, examples=[{"model.shop.orders": [240.0, 46.0]}])  # fmt: skip


class Attempt(BaseModel):
    """One try at a task."""

    number: int
    state: StateType
    message: str
    started: datetime | None
    finished: datetime | None
    worker: str | None
    detail: dict[str, Any]
    sql: str | None = Field(description="The SQL it ran.")


class Moment(BaseModel):
    """Something that happened to a task."""

    at: datetime
    state: str | None
    message: str
    attempt: int | None
    kind: str
    data: dict[str, Any]


class Failure(BaseModel):
    """Why a task failed."""

    message: str
    traceback: str | None
    sql: str | None
    sql_line: int | None = Field(description="The failing line of `sql`, from 1.")
    file: str | None
    line: int | None = Field(description="The failing line of `file`.")


class ReportedNode(BaseModel):
    """A dbt node that a task reported which runs dbt as a command."""

    key: str
    name: str
    resource_type: str
    state: StateType
    status: str | None = Field(description="dbt's own word.")
    message: str = Field(description="dbt's error; empty where there is none.")
    started: datetime | None
    finished: datetime | None


class TaskPage(BaseModel):
    """All that is known of a task of a run."""

    task: TaskRun
    sql: str | None = Field(description="The SQL its last attempt ran.")
    attempts: list[Attempt]
    history: list[Moment]
    upstream: list[EdgeWithState]
    downstream: list[EdgeWithState]
    failure: Failure | None
    why: str
    requests: list[Request]
    nodes: list[ReportedNode] = Field(description="Of a task that runs dbt as a command.")


class Span(BaseModel):
    """A stretch of time of a task."""

    kind: Literal["waiting", "running", "retrying"]
    started: datetime
    finished: datetime | None
    attempt: int
    state: StateType
    worker: str | None


class NodeRow(BaseModel):
    """A row of a timeline."""

    key: str = Field(examples=["model.shop.orders"])
    name: str
    resource_type: str
    folder: str | None
    layer: str | None
    state: StateType
    spans: list[Span]
    critical: bool


class TimelineRow(NodeRow):
    """A row of a timeline, with the dbt nodes that the task reported."""

    nodes: list[NodeRow]


class Timeline(BaseModel):
    """When each task waited, ran and was tried again."""

    rows: list[TimelineRow]
    started: datetime | None
    finished: datetime | None
    critical_path: list[str] = Field(description="The chain that decided when the run ended.")


class Event(BaseModel):
    """Something that happened in a run."""

    id: int
    key: str | None = Field(examples=["model.shop.orders"])
    at: datetime
    kind: str = Field(examples=["state"])
    data: dict[str, Any]


class Events(BaseModel):
    """Events in order; ask again with `after=last`."""

    events: list[Event]
    last: int


class Line(BaseModel):
    """One line of a log."""

    seq: int
    at: datetime
    key: str | None = Field(examples=["model.shop.orders"])
    attempt: int
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
    text: str = Field(examples=["1,204 rows written"])


class Logs(BaseModel):
    """Lines in the order they were written."""

    lines: list[Line]
    first: int | None
    last: int | None
    total: int = Field(description="Number of the run's last line; numbers have no gaps.")


class Side(BaseModel):
    """A task in one of two runs."""

    state: StateType
    seconds: float | None
    rows: int | None
    sql: str | None = Field(description="Where it changed, and the answer is not too long for it.")


class ComparedTask(BaseModel):
    """A task in two runs."""

    key: str
    name: str
    a: Side | None
    b: Side | None
    seconds_ratio: float | None
    rows_change: int | None
    sql_changed: bool | None = Field(description="Null where the SQL of one side is not kept.")
    sql_diff: str | None = Field(description="A unified diff, where `sql` is told.")


class Comparison(BaseModel):
    """Two runs beside one another."""

    a: Run
    b: Run
    tasks: list[ComparedTask]


class Done(BaseModel):
    """What was asked of a run."""

    run_id: str = Field(examples=["4f1c09a2b7d3e685"])
    action: str = Field(examples=["cancel"])
    tasks: list[str]
    state: str | None
    now: bool = Field(description="Whether the run does it now; else a retry goes by it.")


class PastRun(BaseModel):
    """A task in an earlier run."""

    run_id: str = Field(examples=["4f1c09a2b7d3e685"])
    started: datetime | None
    finished: datetime | None
    seconds: float | None
    rows: int | None = Field(examples=[1204])
    state: StateType


class History(BaseModel):
    """A task in the runs of its flow, the newest first."""

    history: list[PastRun]


# -- bodies of requests ----------------------------------------------------------------------------


class Options(Asked):
    """What of the flow runs, and how."""

    select: list[Text] = Field(default=[], max_length=200, description="dbt-style selection.")
    exclude: list[Text] = Field(default=[], max_length=200, description="dbt-style exclusion.")
    target: Word | None = Field(default=None, description="dbt target.")
    full_refresh: StrictBool = Field(default=False, description="Build incremental models anew.")


class NewRun(Asked):
    """A run that is wanted."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"flow": "nightly", "parameters": {"day": "2026-03-01"}}]},
    )
    flow: Text = Field(description="Name of the flow; `.` for the project's dbt project.")
    parameters: Annotated[dict[Text, Plain], Field(max_length=200)] = {}
    options: Options = Options()
    labels: list[Word] = Field(default=[], max_length=50, description="Which agents may take it.")
    idempotency_key: Word | None = Field(
        default=None,
        description="Of several requests with one key, one makes the run, and all get it.",
    )


class Cancel(Asked):
    """Why a run is stopped."""

    reason: Annotated[str, StringConstraints(max_length=2000)] = Field(
        default="", examples=["the source is being rebuilt"]
    )


class Retry(Asked):
    """What of a run is done again."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{}, {"tasks": ["model.shop.orders"]}]}
    )
    tasks: list[Text] = Field(
        default=[],
        max_length=MOST_TASKS,
        description="Tasks that run again although they succeeded, with all that is below them; "
        "what did not succeed runs in any case.",
    )


class Mark(Asked):
    """A state that a task is given by hand."""

    key: Text = Field(examples=["model.shop.orders"])
    state: Literal["Success", "Failed", "Skipped"]
    reason: Text = Field(examples=["loaded by hand"])
    result: Plain = Field(default=None, description="With Success: what tasks below it get.")


class LetGoOn(Asked):
    """Which task goes on."""

    key: Text = Field(examples=["publish"])
