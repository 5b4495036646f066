"""A plan of what was planned before: nothing heavy is imported, and every change is seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# The benchmarks are no installed package.
sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks import plan as benchmark
from orchestrator.engine.plan import Plan
from orchestrator.model.planning import RunOptions
from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project

HEAVY = ["dbt", "sqlalchemy", "distributed", "dask", "duckdb", "sqlglot", "jinja2", "alembic"]
PROGRAM = """
import json, sys
from orchestrator.cli.main import execute
code = execute(json.loads(sys.argv[1]))
print(json.dumps([code, [name for name in json.loads(sys.argv[2]) if name in sys.modules]]))
"""
WITH_FILE = ["plan", ".", "--manifest", "target/manifest.json"]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "shop"
    benchmark.generate(folder, models=20, files=10, tests=10)
    return folder


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    """The project, planned once, in a folder of its own."""
    folder = tmp_path / "shop"
    benchmark.generate(folder, models=20, files=10, tests=10)
    planned(folder)
    return folder


def planned(folder: Path, **asked: object) -> Plan:
    project = Project.find(folder)
    options = RunOptions(manifest=str(folder / "target" / "manifest.json"))
    return plan_flow(project, project.flow("."), Request(options=options, **asked))


def words_of(folder: Path, args: list[str]) -> list[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DBT_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(args), json.dumps(HEAVY)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.mark.parametrize("args", [WITH_FILE, ["plan", "."]], ids=["given", "fresh"])
def test_nothing_heavy_is_imported(made: Path, args: list[str]) -> None:
    first = words_of(made, args)
    again = words_of(made, args)
    assert json.loads(again[-1]) == [0, []]
    assert again[:-1] == first[:-1]
    assert again[0].startswith("shop: 42 tasks")  # models, tests, SQL files and both hooks


def test_a_changed_file_is_read_anew(shop: Path) -> None:
    before = planned(shop)
    file = shop / "sql" / "load_0000.sql"
    assert "sql/load_0000.sql" in before.graph.upstream("model.shop.stg_00000")
    file.write_text(file.read_text().replace("in_0000\nas", "in_0009\nas").replace("raw.", "raws."))
    after = planned(shop)
    assert "sql/load_0000.sql" not in after.graph.upstream("model.shop.stg_00000")
    assert len(after.tasks) == len(before.tasks)


def test_a_changed_manifest_is_read_anew(shop: Path) -> None:
    path = shop / "target" / "manifest.json"
    path.write_text(path.read_text().replace("raw.in_0000", "raw.in_0001"))
    after = planned(shop)
    assert "sql/load_0001.sql" in after.graph.upstream("model.shop.stg_00000")


def test_a_file_more_or_less_changes_the_plan(shop: Path) -> None:
    new = shop / "sql" / "new.sql"
    new.write_text("create table shop.reports.new as select * from shop.raw.in_0000")
    assert "sql/load_0000.sql" in planned(shop).graph.upstream("sql/new.sql")
    new.unlink()
    assert "sql/new.sql" not in planned(shop).tasks


def test_every_node_is_a_task_of_its_own(shop: Path) -> None:
    plan = planned(shop)
    models = [node for node in plan.tasks.values() if node.facts.resource_type == "model"]
    assert len(models) == 20
    for node in models:
        assert (node.task.unique_id, node.task.name) == (node.key, node.facts.name)
        assert node.task.tags == node.facts.tags
        assert node.facts.upstream[-1][0] == "dbt.on-run-start"
        assert "dbt.on-run-start" in plan.graph.upstream(node.key)
        assert node.key in plan.graph.upstream("dbt.on-run-end")
    assert len({id(node.task) for node in plan.tasks.values()}) == len(plan.tasks)


def test_a_selection_says_why_each_task_is_there(shop: Path) -> None:
    plan = planned(shop, include=["load_0000"])
    assert {key: task.reason for key, task in plan.tasks.items()} == {
        "sql/load_0000.sql": "selected"
    }
    assert plan.left_out["model.shop.stg_00000"] == "not selected"
