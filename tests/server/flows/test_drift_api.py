"""How the folder and what is in service differ, as the API tells it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.server.app import create_app
from orchestrator.server.flows import models
from orchestrator.server.flows.drifting import Drifting
from orchestrator.service.deploying.deploy import deploy
from orchestrator.service.project import Project
from orchestrator.store.memory import MemoryStore
from tests.server.catalogue.shop_project import Asking
from tests.server.projects import write_project

FLOW = """
from orchestrator import CronClock, Flow, task

@task
def say():
    return 1

with Flow("nightly", schedule=CronClock("30 2 * * *", timezone="Europe/Berlin")) as flow:
    say()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Asking]:
    project = write_project(tmp_path, nightly=FLOW)
    deploy(project, ["nightly"])
    with project.store() as store:
        yield Asking(create_app(Project.find(tmp_path), store))


def test_what_differs_is_told_and_is_gone_once_it_is_deployed(shop: Asking, tmp_path: Path) -> None:
    assert shop.get("/drift", models.Drift)["drift"] is False
    file = tmp_path / "flows" / "nightly.py"
    file.write_text(FLOW.replace("30 2", "45 2"))
    found = shop.get("/drift", models.Drift)
    (nightly,) = found["flows"]
    assert (found["drift"], nightly["standing"], nightly["deployment"]) == (True, "differs", 1)
    assert nightly["files"] == [{"path": "flows/nightly.py", "change": "changed"}]
    (schedule,) = nightly["schedules"]
    assert "30 2" in schedule["deployed"]
    assert "45 2" in schedule["repository"]
    deploy(Project.find(tmp_path), ["nightly"])
    assert shop.get("/drift", models.Drift)["drift"] is False


def test_a_module_that_cannot_be_read_is_named(shop: Asking, tmp_path: Path) -> None:
    (tmp_path / "flows" / "other.py").write_text("1 / 0\n")
    errors = shop.get("/drift", models.Drift)["errors"]
    assert list(errors) == ["flows/other.py"]
    assert "ZeroDivisionError" in errors["flows/other.py"]


def test_it_is_looked_at_again_when_files_or_time_say_so(tmp_path: Path) -> None:
    project = write_project(tmp_path, nightly=FLOW)
    looks, now = [0], [0.0]

    def look() -> dict[str, object]:
        looks[0] += 1
        return {}

    with MemoryStore() as store:
        drifting = Drifting(project, store, look, lambda: now[0])
        drifting.found()
        drifting.found()
        assert looks == [1]
        (tmp_path / "flows" / "nightly.py").write_text(FLOW + "# new\n")
        drifting.found()
        assert looks == [2]
        now[0] = 301
        drifting.found()
        assert looks == [3]
