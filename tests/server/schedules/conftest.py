"""A project with a deployed flow, its own store, and the API over it; made anew for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.server.app import create_app
from orchestrator.service.deploying.deploy import Terms, deploy
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from tests.server.catalogue.shop_project import Asking
from tests.server.flows.conftest import FLOWS
from tests.server.projects import write_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    found = write_project(tmp_path, shop=FLOWS)
    deploy(found, ["nightly"], Terms(policies={"catch_up": "all"}))
    return found


@pytest.fixture
def store(project: Project) -> Iterator[RunStore]:
    with project.store() as opened:
        yield opened


@pytest.fixture
def shop(project: Project, store: RunStore) -> Asking:
    return Asking(create_app(project, store))
