"""The pytest plugin: fixtures for tests of flows; it imports nothing heavy until one is used."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from orchestrator.model.flow import Flow
    from orchestrator.service.project import Project
    from orchestrator.testing.result import FlowResult
    from orchestrator.testing.warehouse import SampleWarehouse

#: Names the file that ``orchestrator test`` reads how far its pytest has come from.
PROGRESS = "ORCHESTRATOR_TEST_PROGRESS"
_projects = pytest.StashKey[dict[Path, Any]]()


@pytest.fixture
def project(request: pytest.FixtureRequest) -> Project:
    """The project that the test's file belongs to."""
    from orchestrator.service.project import Project

    found = Project.find(request.path.parent)
    known = request.config.stash.setdefault(_projects, {})
    return known.setdefault(found.root, found)


@pytest.fixture
def flow(project: Project) -> Callable[..., Flow]:
    """Gives a flow of the project by name: ``flow("nightly")``."""
    return project.flow


@pytest.fixture
def run_flow(project: Project, tmp_path: Path) -> Callable[..., FlowResult]:
    """Runs a flow, by name or as it is, on the temporary databases of the test.

    Takes what :func:`orchestrator.testing.run_flow` takes; all runs of one test see the same tables.
    """

    def run(flow: Flow | str, **asked: Any) -> FlowResult:
        from orchestrator.testing.running import run_flow

        return run_flow(flow, **{"project": project, "folder": _folder(tmp_path), **asked})

    return run


@pytest.fixture
def warehouse(project: Project, tmp_path: Path) -> SampleWarehouse:
    """The temporary database that stands in for the project's default warehouse in this test."""
    from orchestrator.testing.running import sample_warehouses
    from orchestrator.testing.sandbox import SampleProject

    sample = SampleProject(project, _folder(tmp_path))
    return next(iter(sample_warehouses(sample).values()))


@pytest.fixture
def frozen_time() -> Iterator[Callable[..., datetime]]:
    """Stops the clock until the test ends: ``frozen_time("2026-03-29 06:00", "Europe/Berlin")``."""
    with ExitStack() as stopped:

        def freeze(instant: datetime | date | str, timezone: str = "UTC") -> datetime:
            from orchestrator.testing.clock import freeze_time

            return stopped.enter_context(freeze_time(instant, timezone))

        yield freeze


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell ``orchestrator test`` of a test that has ended, if it is what runs."""
    file = os.environ.get(PROGRESS)
    if file and (report.when == "call" or (report.when == "setup" and not report.passed)):
        place = list(report.location)
        said = {"location": place, "outcome": report.outcome, "seconds": report.duration}
        with open(file, "a", encoding="utf-8") as lines:
            lines.write(json.dumps(said) + "\n")


def _folder(tmp_path: Path) -> Path:
    return tmp_path / "orchestrator"
