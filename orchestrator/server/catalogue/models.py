"""What the API answers about datasets."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from orchestrator.model.state import StateType
from orchestrator.server.runs.models import Evidence


class Built(BaseModel):
    """The task run that wrote a dataset last."""

    run_id: str
    key: str
    at: datetime
    state: StateType


class Fresh(BaseModel):
    """How fresh a dataset is."""

    at: datetime | None = Field(description="When it last got data, as far as is known.")
    age_seconds: float | None
    ok: bool | None = Field(description="Whether that is soon enough; null where nothing says so.")


class TestCounts(BaseModel):
    """How its tests came out last."""

    passed: int
    failed: int
    unknown: int


class _Described(BaseModel):
    name: str = Field(examples=["shop.marts.orders"])
    description: str
    layer: str = Field(examples=["marts"])
    kind: str = Field(examples=["model"])
    built: Built | None
    rows: int | None
    fresh: Fresh
    tests: TestCounts


class Dataset(_Described):
    """A table, view, file or stage that tasks read or write."""

    columns: int = Field(description="How many are known.")
    readers: int
    writers: int


class Datasets(BaseModel):
    """The catalogue."""

    datasets: list[Dataset]
    total: int = Field(description="How many fit; the list may end before.")
    layers: list[str]
    surveying: bool = Field(description="Whether the project's files are being read again.")
    complete: bool = Field(description="Whether the columns have been read.")
    errors: list[str] = Field(description="Why flows are missing here.")
    notes: list[str] = Field(description="What could not be looked up.")


class Column(BaseModel):
    """A column of a dataset."""

    name: str
    type: str | None
    description: str
    tests: list[str]


class Use(BaseModel):
    """A task that reads or writes a dataset."""

    key: str
    flow: str
    name: str
    resource_type: str
    path: str | None
    evidence: list[Evidence]


class Test(BaseModel):
    """A test or check that guards a dataset, and how it came out last."""

    __test__ = False

    key: str
    name: str
    flow: str
    state: StateType | None
    at: datetime | None
    failures: int | None
    run_id: str | None


class Build(BaseModel):
    """One time that a dataset was written."""

    at: datetime
    rows: int | None
    seconds: float | None
    run_id: str
    key: str
    state: StateType


class WholeDataset(_Described):
    """All that is known of a dataset."""

    columns: list[Column]
    columns_unknown: str | None = Field(description="Why its columns are not known, or not all.")
    readers: list[Use]
    writers: list[Use]
    tests_list: list[Test]
    sql: str | None = Field(description="The SQL file that makes it, as it is written.")
    history: list[Build]


class Reached(BaseModel):
    """A dataset of a lineage, and which of its columns take part."""

    name: str
    layer: str
    kind: str
    columns: list[str]


class End(BaseModel):
    """A dataset, or one column of it."""

    dataset: str = Field(examples=["shop.marts.orders"])
    column: str | None = Field(examples=["amount"])


class LineageEdge(BaseModel):
    """One dataset or column goes into another, by one task."""

    source: End = Field(alias="from")
    to: End
    task: str
    evidence: list[Evidence]
    kind: Literal["table", "identity", "value", "rows", "any", "unresolved", "unknown"] = Field(
        description="Of columns: `identity`, handed on as it is; its `value` goes into it; its `rows` are counted; `any` column may "
        "(the task names only what it writes); a name that is `unresolved`; `unknown`."
    )
    notes: list[str]


class Unknown(BaseModel):
    """Of what not everything could be told, and why."""

    dataset: str
    why: str


class Lineage(BaseModel):
    """What feeds a dataset or column, and what it feeds."""

    dataset: str
    column: str | None
    datasets: list[Reached]
    edges: list[LineageEdge]
    unknown: list[Unknown]
    truncated: bool = Field(
        description="Whether there is more beyond the depth that was asked for."
    )
