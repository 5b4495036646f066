"""The shop, built once for all tests of this folder, and the API over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.server.app import create_app
from orchestrator.service.project import Project
from tests.server.catalogue.shop_project import Asking, run_command, write_shop


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shop after a run in which one test failed."""
    folder = write_shop(tmp_path_factory.mktemp("shop"))
    broken = folder / "flows" / "broken.py"
    text = broken.read_text()
    broken.unlink()  # while it is there, nothing can be run
    done = run_command(folder, "run", "nightly", "-p", "day=2026-03-01")
    assert done.returncode == 1, done.stdout + done.stderr
    broken.write_text(text)
    return folder


@pytest.fixture(scope="module")
def shop(folder: Path) -> Iterator[Asking]:
    """The API, its catalogue complete."""
    project = Project.find(folder)
    with project.store() as store:
        asking = Asking(create_app(project, store))
        asking.keeper()
        yield asking
