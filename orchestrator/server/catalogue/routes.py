"""``/datasets``, ``/dataset`` and ``/lineage``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Response

from orchestrator import instants
from orchestrator.server.catalogue import models
from orchestrator.server.catalogue.known import PATIENCE, KeeperOf, OutcomesOf
from orchestrator.server.needs import ProjectOf, viewing
from orchestrator.server.runs.answering import answered
from orchestrator.service.catalogue.entries import Catalogue, Entry
from orchestrator.service.catalogue.resolving import resolve_dataset
from orchestrator.service.catalogue.tracing import lineage_of
from orchestrator.shapes import catalogue as shapes

router = APIRouter(tags=["catalogue"], dependencies=[Depends(viewing)])

_LONGEST = 200_000  #: characters of SQL
Name = Annotated[
    str,
    Query(
        min_length=1,
        max_length=1000,
        description="The dataset: its whole name, or the end of it.",
        examples=["marts.orders"],
    ),
]


@router.get(
    "/datasets",
    operation_id="list_datasets",
    summary="List datasets",
    response_model=models.Datasets,
)
def list_datasets(
    keeper: KeeperOf,
    outcomes: OutcomesOf,
    search: Annotated[
        str, Query(max_length=200, description="Only with this in name, description or a column.")
    ] = "",
    layer: Annotated[str | None, Query(max_length=200, description="Only of this layer.")] = None,
    limit: Annotated[int, Query(ge=1, le=5000, description="At most so many.")] = 500,
) -> Response:
    """List every dataset that the project's flows read or write.

    The project is surveyed in the background when its files change; until that is done, the
    answer is that of before, and `surveying` says so.
    """
    catalogue = keeper.catalogue(PATIENCE)
    survey, now, known = catalogue.survey, instants.now(), outcomes.outcomes()
    found = [
        entry
        for dataset in catalogue.datasets
        if _fits(entry := catalogue.entries[dataset], search.casefold(), layer)
    ]
    return answered(
        {
            "datasets": [shapes.dataset(entry, known, now) for entry in found[:limit]],
            "total": len(found),
            "layers": sorted({entry.layer for entry in catalogue.entries.values()}),
            "surveying": keeper.busy,
            "complete": survey.complete,
            "errors": [
                *([keeper.problem] if keeper.problem else []),
                *(f"{flow.name}: {flow.error}" for flow in survey.flows.values() if flow.error),
            ],
            "notes": survey.notes,
        }
    )


@router.get(
    "/dataset",
    operation_id="get_dataset",
    summary="Show a dataset",
    response_model=models.WholeDataset,
)
def get_dataset(keeper: KeeperOf, outcomes: OutcomesOf, project: ProjectOf, name: Name) -> Response:
    """Tell all that is known of one dataset."""
    catalogue = keeper.catalogue(PATIENCE)
    entry = catalogue.entries[resolve_dataset(catalogue, name)]
    sql = _sql(project.root, entry)
    return answered(shapes.whole_dataset(entry, outcomes.outcomes(), instants.now(), sql))


@router.get(
    "/lineage",
    operation_id="get_lineage",
    summary="Show what feeds a dataset or a column, and what it feeds",
    response_model=models.Lineage,
)
def get_lineage(
    keeper: KeeperOf,
    dataset: Name,
    column: Annotated[
        str | None, Query(min_length=1, max_length=300, description="One column of it.")
    ] = None,
    direction: Annotated[
        Literal["up", "down", "both"],
        Query(description="What feeds it (`up`), what it feeds (`down`)."),
    ] = "both",
    depth: Annotated[int, Query(ge=1, le=50, description="So many steps at most.")] = 3,
) -> Response:
    """Tell what feeds a dataset, or one column of it, and what it feeds.

    Through dbt models, SQL files and Python tasks alike, each step with the file and line that
    says so.
    """
    catalogue: Catalogue = keeper.catalogue(PATIENCE)
    ways = [up for up, word in ((True, "up"), (False, "down")) if direction in (word, "both")]
    return answered(shapes.lineage(lineage_of(catalogue, dataset, column, ways, depth), catalogue))


def _fits(entry: Entry, text: str, layer: str | None) -> bool:
    if layer is not None and entry.layer != layer:
        return False
    if not text or text in entry.name.casefold():
        return True
    described = entry.said is not None and text in entry.said.description.casefold()
    return described or any(text in name.casefold() for name in entry.columns)


def _sql(root: Path, entry: Entry) -> str | None:
    """The SQL file of a task that writes a dataset, as it is written."""
    for use in entry.writers:
        if use.task.path and use.task.path.endswith(".sql"):
            path = (root / use.task.path).resolve()
            if path.is_relative_to(root.resolve()) and path.is_file():
                with path.open(encoding="utf-8", errors="replace") as file:
                    return file.read(_LONGEST)
    return None
