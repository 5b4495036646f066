"""What larger dbt projects use: `orchestrator run .` leaves what `dbt build` leaves."""

from __future__ import annotations

import shutil
from pathlib import Path
from textwrap import dedent

import pytest

from tests.dbt.project import write_project
from tests.dbt.test_dbt_equality import dbt
from tests.examples.rich_project import RICH
from tests.examples.side_by_side import Pair, orchestrator

pytestmark = pytest.mark.slow  # test_bare_dbt_projects compares with `dbt build` each time


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    pair = Pair.written(tmp_path_factory.mktemp("rich"), RICH)
    done = pair.build()
    assert done.returncode == 1, done.stdout + done.stderr
    return pair


def test_every_node_and_table(built: Pair) -> None:
    built.assert_same()
    statuses = built.statuses()
    assert set(statuses.values()) == {
        "success", "error", "pass", "fail", "warn", "skipped", "no-op",
    }  # fmt: skip
    assert statuses["unit_test.shop.stg_codes.cents_of_codes"] == "pass"
    assert statuses["saved_query.shop.daily_revenue"] == "no-op"
    assert statuses["model.shop.reads_first"] == "skipped"
    assert "model.shop.off" not in statuses


def test_again_with_other_words(built: Pair, tmp_path: Path) -> None:
    """Incremental models grow, snapshots find their rows, a model is switched on, some are left out."""
    pair = built.copy(tmp_path / "again")
    pair.build("--vars", "{with_off: true, floor: 99}", "--exclude", "tag:slow", "codes_then+")
    pair.assert_same()
    assert pair.statuses()["model.shop.off"] == "success"


def test_deferred_to_another_state(built: Pair, tmp_path: Path) -> None:
    pair = built.copy(tmp_path / "deferred")
    for project in pair.both():
        (project / "target").rename(project / "prod")
        (project / "models" / "fresh.sql").write_text("select * from {{ ref('pivoted') }}")
    pair.build("--select", "fresh", "--defer", "--state", "prod")
    assert pair.statuses()["model.shop.fresh"] == "success"
    pair.assert_same()


FLOW = """
    from orchestrator import Flow
    from tasks import DbtBuild

    with Flow("changed") as changed:
        DbtBuild(".", select="state:modified+", state="prod")()
    """


def test_only_what_was_changed_since_another_state(built: Pair, tmp_path: Path) -> None:
    pair = built.copy(tmp_path / "changed")
    for project in pair.both():
        shutil.copytree(project / "target", project / "prod")
        (project / "models" / "time_spine.sql").write_text("select date '2026-01-01' as date_day")
    (pair.ours / "orchestrator.toml").write_text('name = "shop"\n')
    (pair.ours / "flows").mkdir()
    (pair.ours / "flows" / "f.py").write_text(dedent(FLOW))
    assert orchestrator(pair.ours, "run", "changed").returncode == 0
    dbt(pair.theirs, "build", "--select", "state:modified+", "--state", "prod")
    assert "model.shop.time_spine" in pair.statuses()
    pair.assert_same()


def test_plan_why_and_lineage(built: Pair) -> None:
    plan = orchestrator(built.ours, "plan", ".", "--select", "tag:mart")
    assert plan.returncode == 0, plan.stderr
    assert "pivoted" in plan.stdout
    why = orchestrator(built.ours, "why", "codes", "pivoted")
    assert "models/marts/pivoted.sql:2 refs codes" in why.stdout
    lineage = orchestrator(built.ours, "lineage", "main_staging.stg_codes")
    assert "landing.codes" in lineage.stdout
    assert "main_marts.typed" in lineage.stdout


def test_packages_that_are_not_installed(tmp_path: Path) -> None:
    project = write_project(tmp_path, RICH)
    done = orchestrator(project, "run", ".")
    assert done.returncode == 2
    assert "packages are not installed" in done.stderr
    assert f"dbt deps --project-dir {project}" in done.stderr
    assert not (project / "shop.duckdb").exists()
