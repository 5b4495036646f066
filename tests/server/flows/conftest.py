"""A project of plain Python flows, deployed twice, and the API over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from orchestrator.server.app import create_app
from orchestrator.service.deploying.deploy import deploy
from orchestrator.service.project import Project
from tests.server.catalogue.shop_project import Asking
from tests.server.projects import write_project

FLOWS = '''
"""What the shop does by itself."""
from datetime import date
from orchestrator import CronClock, Flow, Parameter, task

@task(tags=["heavy"])
def say(day):
    return day

with Flow("nightly", schedule=CronClock("30 2 * * *", timezone="Europe/Berlin")) as nightly:
    say(Parameter("day", default="monday", description="Of which day."))

with Flow("needy") as needy:
    say(Parameter("day", type=date))
'''


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """``nightly`` has two versions; ``needy`` is not deployed, ``circle`` cannot be planned."""
    root = tmp_path_factory.mktemp("shop")
    deploy(write_project(root, shop=FLOWS), ["nightly"])
    file = root / "flows" / "shop.py"
    file.write_text(FLOWS.replace("monday", "friday").replace("30 2", "45 2"))
    (root / "notes.txt").write_text("new\n")
    deploy(Project.find(root), ["nightly"])
    (root / "flows" / "circle.py").write_text(
        "from orchestrator import Flow, task\n"
        "a = task(lambda: 1, name='a', reads=['x'], writes=['y'])\n"
        "b = task(lambda: 1, name='b', reads=['y'], writes=['x'])\n"
        "with Flow('circle') as flow:\n    a()\n    b()\n"
    )
    return Project.find(root)


@pytest.fixture(scope="module")
def shop(project: Project) -> Iterator[Asking]:
    """The API, its survey complete."""
    with project.store() as store:
        asking = Asking(create_app(project, store))
        asking.keeper()
        yield asking
