"""Whatever is asked of the API: nothing breaks, and each answer is as its OpenAPI document says."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from orchestrator.model.state import StateType
from orchestrator.server.app import PREFIX, create_app
from orchestrator.server.catalogue.known import PATIENCE
from orchestrator.server.security.issuing import issue
from orchestrator.service.catalogue.keeper import Keeper
from orchestrator.service.deploying.deploy import deploy
from orchestrator.service.planning import Request
from orchestrator.service.project import Project
from orchestrator.service.running import execute_run
from orchestrator.service.writing import write_run
from orchestrator.store.memory import MemoryStore
from orchestrator.store.opening import open_store
from tests.server.projects import write_project

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
#: It goes on until the client goes, so that there is no answer to look at.
ENDLESS = f"{PREFIX}/stream"
#: Seconds that one route is asked for; a busy machine would take hours for all.
LONGEST = 60.0
#: Its answer is text to the document, and to this check one thing after another.
EVENTS = "text/event-stream"
FLOW = """
from orchestrator import CronClock, Flow, Parameter, task

@task(writes=["raw.orders"])
def load(day):
    print("loading", day)
    return day

@task(reads=["raw.orders"], writes=["reports/orders.csv"])
def publish(day):
    raise ValueError("no rows on " + day)

with Flow("nightly", schedule=CronClock("30 2 * * *", timezone="Europe/Berlin")) as flow:
    publish(load(Parameter("day", default="monday")))
"""


@dataclass(frozen=True)
class Shop:
    """A project with a deployed flow that ran, a copy of its store, and names of what is in it."""

    app: FastAPI
    headers: dict[str, str]
    names: dict[str, str]
    until: float = field(default_factory=lambda: time.monotonic() + LONGEST)

    def ask(self, case: schemathesis.Case) -> None:
        """Ask as it was made up, and again about things that there are."""
        if time.monotonic() > self.until:
            pytest.skip(
                f"what was asked in {LONGEST:.0f} s was answered well; the rest was not asked"
            )
        self._ask(case)
        for given in (case.path_parameters, case.query):
            for name in self.names.keys() & set(given or {}):
                given[name] = self.names[name]
        self._ask(case)

    def _ask(self, case: schemathesis.Case) -> None:
        given = case.call("http://127.0.0.1", app=self.app, headers=self.headers, timeout=30)
        streams = EVENTS in given.headers.get("content-type", [""])[0]
        case.validate_response(given, checks=CHECKS[:-1] if streams else CHECKS)


def _without_store() -> FastAPI:
    with tempfile.TemporaryDirectory() as folder, MemoryStore() as store:
        return create_app(Project.find(Path(folder)), store)


#: Has the document; those that are asked have a store each.
APP = _without_store()


def documented(examples: int, *, edges: bool) -> Any:
    """All that the API's document has; so many examples of each, always the same ones."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "generation": {"max-examples": examples, "deterministic": True},
            "phases": {"coverage": {"enabled": edges}},
        }
    )
    made = schemathesis.openapi.from_dict(APP.openapi(), config=config)
    made.app = APP
    return made.exclude(path=ENDLESS)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("any") / "shop"
    found = write_project(root, '[limits]\n"tag:heavy" = 2\n', nightly=FLOW)
    deploy(found, ["nightly"])
    with found.store() as store:
        run_id = write_run(found, store, "nightly", Request()).run.id
    assert execute_run(found, run_id).state.type is StateType.FAILED
    return found


@pytest.fixture(scope="module")
def keeper(project: Project) -> Keeper:
    found = Keeper(project)
    found.survey(PATIENCE)
    return found


@pytest.fixture
def shop(project: Project, keeper: Keeper, tmp_path: Path) -> Iterator[Shop]:
    """Made anew for each route, so that each is tried on the same things alone, too."""
    shutil.copy(Path(project.settings.store.removeprefix("sqlite:///")), tmp_path / "runs.db")
    with open_store(tmp_path / "runs.db") as store:
        app = create_app(project, store)
        app.state.keeper = keeper
        run = store.runs(limit=1)[0]
        _, secret = issue(store, "ada", "admin", by="ada")
        graph = store.run(run.id).graph
        names = {"run_id": run.id, "other": run.id, "flow": "nightly", "key": "publish",
                 "graph": graph, "dataset": "raw.orders"}  # fmt: skip
        yield Shop(app, {"authorization": f"Bearer {secret}"}, names)


_settings: Callable[..., Any] = settings(
    deadline=None, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow,
                           HealthCheck.filter_too_much],
)  # fmt: skip


@documented(4, edges=False).parametrize()
@_settings
def test_any_request(case: schemathesis.Case, shop: Shop) -> None:
    shop.ask(case)


@pytest.mark.slow
@documented(60, edges=True).parametrize()
@_settings
def test_very_many_requests(case: schemathesis.Case, shop: Shop) -> None:
    shop.ask(case)
