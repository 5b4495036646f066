"""The survey of a project: made when files change, served as it was meanwhile, and as text and back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator.errors import OrchestratorError
from orchestrator.model.dataset import Dataset
from orchestrator.service.catalogue.coding import decoded, encoded
from orchestrator.service.catalogue.entries import Catalogue
from orchestrator.service.catalogue.files import digest_of
from orchestrator.service.catalogue.keeper import Keeper
from orchestrator.service.catalogue.making import write
from orchestrator.service.catalogue.survey import Survey, survey
from orchestrator.service.project import Project
from orchestrator.shapes import plans
from orchestrator.shapes.values import dumps

FLOW = """
from datetime import date
from orchestrator import CronClock, Flow, Parameter, task

@task(writes={"shop.orders": ["id", "amount"]}, tags=["load"])
def load(day):
    pass

@task(reads=["shop.orders"], writes={"shop.daily": {"total": ["shop.orders.amount"]}})
def total():
    pass

with Flow("nightly", schedule=CronClock("0 3 * * *", timezone="Europe/Berlin")) as flow:
    load(Parameter("day", type=date))
    total()
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "flows").mkdir()
    (tmp_path / "orchestrator.toml").write_text('name = "shop"\n')
    (tmp_path / "flows" / "nightly.py").write_text(FLOW)
    return Project.find(tmp_path)


class Making:
    """Makes surveys when it is told to."""

    def __init__(self, project: Project) -> None:
        self.project, self.go = project, threading.Semaphore(0)
        self.asked: list[str] = []
        self.fails = False
        self.now = 0.0

    def keeper(self) -> Keeper:
        return Keeper(self.project, self, lambda: self.now)

    def __call__(self, digest: str, more: Callable[[], None]) -> None:
        self.asked.append(digest)
        assert self.go.acquire(timeout=20)
        if self.fails:
            raise OrchestratorError("it broke")
        file = self.project.settings.state_dir / "cache" / "catalogue.json"
        write(file, encoded(Survey(digest, complete=True)))
        more()

    def done(self, keeper: Keeper) -> None:
        """Let the survey under way end."""
        self.go.release()
        with keeper._change:
            assert keeper._change.wait_for(lambda: not keeper.busy, 20)


def test_what_was_is_served_until_the_new_one_is_there(project: Project) -> None:
    making = Making(project)
    keeper = making.keeper()
    assert keeper.survey() == Survey(made=keeper.survey().made)
    assert keeper.busy
    making.done(keeper)
    first = keeper.survey()
    assert first.digest == digest_of(project)
    (project.root / "flows" / "other.py").write_text("")
    assert keeper.survey() is first  # it does not look at the files again at once
    assert not keeper.busy
    making.now += 5
    assert keeper.survey() is first
    assert keeper.busy
    making.done(keeper)
    assert keeper.survey().digest == digest_of(project) != first.digest
    assert len(making.asked) == 2


def test_what_was_kept_is_served_at_once_after_a_restart(project: Project) -> None:
    making = Making(project)
    keeper = making.keeper()
    keeper.survey()
    making.done(keeper)
    again = making.keeper()
    assert again.survey().digest == digest_of(project)
    assert not again.busy


def test_a_survey_that_fails_says_so_and_is_tried_again_later(project: Project) -> None:
    making = Making(project)
    keeper = making.keeper()
    keeper.survey()
    making.fails = True
    making.done(keeper)
    assert keeper.problem == "it broke"
    making.now += 5
    keeper.survey()
    assert not keeper.busy
    making.now += 60
    making.fails = False
    keeper.survey()
    making.done(keeper)
    assert (keeper.problem, keeper.survey().complete) == ("", True)


def test_a_file_of_another_program_is_none(project: Project) -> None:
    for text in (b"", b"{", b"[]", b"{}", b'{"version": 0}', b'{"version": 1}'):
        assert decoded(text) is None


def test_as_text_and_back(project: Project) -> None:
    told: list[Survey] = []
    found = survey(project, "d1", told.append)
    assert [one.complete for one in told] == [False, True]
    back = decoded(encoded(found))
    assert back is not None
    before, after = found.flows["nightly"], back.flows["nightly"]
    assert before.plan is not None
    assert after.plan is not None
    assert dumps(plans.plan(after.plan)) == dumps(plans.plan(before.plan))
    assert before.error is None
    assert after.schema == before.schema
    assert after.schedules == ("cron 0 3 * * * Europe/Berlin",)
    assert (after.source, after.tags) == ("flows/nightly.py:13", ("load",))
    assert before.columns is not None
    assert after.columns is not None
    assert list(map(str, after.columns)) == list(map(str, before.columns))
    assert after.columns.columns == before.columns.columns
    daily = Dataset(None, "shop", "daily")
    assert [*Catalogue(back).entries[daily].columns] == ["total"]


def test_only_files_that_are_code_count(project: Project) -> None:
    before = digest_of(project)
    (project.root / "reports").mkdir()
    (project.root / "reports" / "today.csv").write_text("a,b\n")
    (project.root / "shop.duckdb").write_text("")
    assert digest_of(project) == before
    (project.root / "seeds").mkdir()
    (project.root / "seeds" / "codes.csv").write_text("a,b\n")
    assert digest_of(project) != before
