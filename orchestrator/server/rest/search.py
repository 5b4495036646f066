"""``/search``: flows, runs, tasks, datasets and schedules by a part of their name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Query, Response

from orchestrator.errors import NotFoundError
from orchestrator.server.catalogue.known import KeeperOf, OutcomesOf
from orchestrator.server.needs import ProjectOf, StoreOf, viewing
from orchestrator.server.rest import models
from orchestrator.server.runs.answering import answered
from orchestrator.service.catalogue.entries import Catalogue
from orchestrator.service.catalogue.outcomes import Outcomes, outcomes_of
from orchestrator.shapes.values import Shape
from orchestrator.store.base import RunStore

router = APIRouter(tags=["home"], dependencies=[Depends(viewing)])

_MOST = 30
_RUN_ID = re.compile(r"[0-9a-f]{3,16}")
_ORDER = ("flow", "dataset", "task", "schedule", "run")


@router.get(
    "/search",
    operation_id="search",
    summary="Find flows, runs, tasks and datasets",
    response_model=models.Search,
)
def search(
    keeper: KeeperOf,
    outcomes: OutcomesOf,
    project: ProjectOf,
    store: StoreOf,
    q: Annotated[
        str,
        Query(min_length=1, max_length=200, description="A part of a name.", examples=["orders"]),
    ],
) -> Response:
    """Find flows, runs, tasks, datasets and schedules, the likeliest first."""
    text = q.strip().casefold()
    catalogue = keeper.catalogue()
    found = [
        *_runs(store, project.name, text),
        *_flows(catalogue, store, project.name, text),
        *_datasets(catalogue, text),
        *_tasks(catalogue, outcomes.outcomes(), text),
        *_schedules(store, project.name, text),
    ]
    found.sort(key=lambda one: _rank(one, text))
    return answered({"results": found[:_MOST] if text else []})


def _rank(one: Shape, text: str) -> tuple[int, int, str]:
    """What begins with the text comes first, then what has a word that does."""
    title = one["title"].casefold()
    last = title.rpartition(".")[2]
    if title == text or last == text or one["kind"] == "run":
        place = 0
    elif title.startswith(text) or last.startswith(text):
        place = 1
    else:
        place = 2
    return place, _ORDER.index(one["kind"]), title


def _flows(catalogue: Catalogue, store: RunStore, project: str, text: str) -> Iterator[Shape]:
    deployed = [one.flow for one in store.deployed(project) if not one.deleted]
    own = {name: flow.description for name, flow in catalogue.survey.flows.items()}
    for name in dict.fromkeys([*own, *deployed]):
        if text in name.casefold():
            yield _found("flow", name, name, own.get(name, ""), f"/flows/{quote(name, safe='')}")


def _runs(store: RunStore, project: str, text: str) -> Iterator[Shape]:
    if not _RUN_ID.fullmatch(text):
        return
    try:
        run = store.run(text)
    except NotFoundError:
        return
    if run.project == project:
        yield _found("run", run.id, run.id, f"{run.flow}, {run.state}", f"/runs/{run.id}")


def _datasets(catalogue: Catalogue, text: str) -> Iterator[Shape]:
    for dataset in catalogue.datasets:
        entry = catalogue.entries[dataset]
        if text in entry.name.casefold():
            link = f"/dataset?{urlencode({'name': entry.name}, quote_via=quote)}"
            said = entry.said.description if entry.said else ""
            yield _found("dataset", entry.name, entry.name, said or entry.layer, link)


def _tasks(catalogue: Catalogue, outcomes: Outcomes, text: str) -> Iterator[Shape]:
    """Tasks, each in the latest run that has it; one that never ran on the page of its flow."""
    for flow in catalogue.survey.flows.values():
        for facts in flow.plan.facts.values() if flow.plan and not flow.whole else ():
            if text not in facts.name.casefold() and text not in facts.key.casefold():
                continue
            last = next(iter(outcomes_of(outcomes, flow.name, facts)), None)
            link = f"/flows/{quote(flow.name, safe='')}"
            if last is not None:
                link = f"/runs/{last.run_id}/task?{urlencode({'key': facts.key}, quote_via=quote)}"
            detail = f"{facts.resource_type} of {flow.name}"
            yield _found("task", facts.key, facts.name, detail, link)


def _schedules(store: RunStore, project: str, text: str) -> Iterator[Shape]:
    for state in store.schedule_states(project):
        if text in f"{state.flow}/{state.name}".casefold():
            link = f"/flows/{quote(state.flow, safe='')}"
            detail = "paused" if state.paused else "schedule"
            yield _found("schedule", state.id, f"{state.flow}/{state.name}", detail, link)


def _found(kind: str, name: str, title: str, detail: str, link: str) -> Shape:
    return {"kind": kind, "name": name, "title": title, "detail": detail[:300], "link": link}
