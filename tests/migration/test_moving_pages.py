"""The pages for those who come from elsewhere show files that run, word for word."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tests.docs import pages
from tests.tutorial import shop

HERE = Path(__file__).parent


def test_the_page_for_prefect_1_shows_the_files() -> None:
    shown = {
        block.file: block.text for block in pages.blocks((pages.DOCS / "prefect1.md").read_text())
    }
    assert shown["before.py"] == (HERE / "nightly_dbt" / "before.py").read_text()
    assert shown["flows/nightly_dbt.py"] == (HERE / "nightly_dbt" / "after.py").read_text()


# -- from cron, from Airflow ---------------------------------------------------------------------


def written(page: str, folder: Path) -> Project:
    """The project that a page ends with."""
    shop.write(folder, {**shop.DBT, **shop.files_of(pages.DOCS / page)})
    return Project.find(folder)


@pytest.fixture
def folder(in_tmp: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for a project; loading its flows leaves no trace in this process."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv("ORCHESTRATOR_SECRET_SLACK_WEBHOOK_URL", "http://127.0.0.1:9/nobody")
    return in_tmp


@pytest.mark.parametrize(
    ("page", "name"), [("from-cron-dbt.md", "nightly"), ("from-airflow-cosmos.md", "shop")]
)
def test_what_a_page_ends_with_runs(page: str, name: str, folder: Path) -> None:
    import duckdb

    project = written(page, folder)
    state = run_flow(project, project.flow(name)).state
    assert state.is_successful(), {k: s.message for k, s in state.result.items() if s.message}
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        weeks = connection.execute("select revenue from weekly_report order by week").fetchall()
    assert weeks == [(12,), (9,)]

    plan = project.flow(name).plan(project=folder)
    named = {key: planned.facts.name for key, planned in plan.tasks.items()}
    above = {named[key]: {named[other] for other in plan.graph.ancestors(key)} for key in named}
    assert "load_orders" in above["daily"]
    assert "daily" in above["weekly_report"]
    if name == "shop":
        assert (folder / "exports" / "daily.csv").read_text().splitlines()[0].endswith(",12")
        assert "daily" in above["export"]
        assert "weekly_report" not in above["export"]
        assert "extra" not in above
