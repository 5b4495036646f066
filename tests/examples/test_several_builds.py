"""Several dbt builds in one flow: one after the other, each with its own hooks and artifacts."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest

from tests.dbt.project import PROFILES, PROJECT, write_project
from tests.examples.side_by_side import contents, orchestrator

FLOW = """
    from orchestrator import Flow, task
    from tasks import DbtBuild

    @task(reads=["shop.main.orders"], writes=["shop.main.scores"], warehouse="shop")
    def score(warehouse):
        warehouse.execute("create or replace table main.scores as select id * 2 as score from main.orders")

    with Flow("nightly") as flow:
        score()
        DbtBuild("shop", select="orders numbers", vars={"who": "first"}, name="first")()
        DbtBuild("shop", select="ranked late", vars={"who": "second"}, name="second")()
        DbtBuild("other", name="third")()

    with Flow("twice") as twice:
        DbtBuild("shop")()
        DbtBuild("shop", select="late", name="again")()
    """
SHOP = {
    "dbt_project.yml": PROJECT
    + """
models: {shop: {+materialized: table}}
on-run-start: ["create table if not exists main.hooks (what varchar)", "insert into main.hooks values ('{{ var('who') }}')"]
on-run-end: ["insert into main.hooks values ('end of {{ var('who') }}, {{ results | length }}')"]
vars: {who: nobody}
""",
    "seeds/numbers.csv": "id\n1\n2\n",
    "models/orders.sql": "select id from {{ ref('numbers') }}",
    "models/sources.yml": "sources: [{name: py, schema: main, tables: [{name: scores}]}]",
    "models/ranked.sql": "select max(score) as best from {{ source('py', 'scores') }}",
    "models/late.sql": "select '{{ var('who') }}' as who, * from {{ ref('orders') }}",
}
OTHER = {
    "dbt_project.yml": PROJECT.replace("name: shop", "name: other").replace("profile: shop", "profile: other"),
    "profiles.yml": PROFILES.replace("shop:", "other:", 1).replace("shop.duckdb", "../shop/shop.duckdb"),
    "models/summary.sql": "select count(*) as n from shop.main.late",
}  # fmt: skip


pytestmark = pytest.mark.slow


@pytest.fixture
def project(tmp_path: Path) -> Path:
    write_project(tmp_path / "shop", SHOP)
    write_project(tmp_path / "other", OTHER)
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "f.py").write_text(dedent(FLOW))
    (tmp_path / "orchestrator.toml").write_text(
        '[warehouses.shop]\ntype = "dbt"\nproject_dir = "shop"\n'
    )
    return tmp_path


def test_one_after_the_other(project: Path) -> None:
    plan = json.loads(orchestrator(project, "plan", "nightly", "--format", "json").stdout)
    keys = [task["key"] for task in plan["tasks"]]
    assert keys.index("first.on-run-end") < keys.index("second.on-run-start")
    assert keys.index("second.on-run-end") < keys.index("third.on-run-start")

    done = orchestrator(project, "run", "nightly", "--threads", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    left = contents(project / "shop" / "shop.duckdb")
    assert left["main.late"][1] == [("second", 1), ("second", 2)], "its own vars"
    assert left["main.ranked"][1] == [(4,)], "Python ran between the two"
    assert left["main.summary"][1] == [(2,)]
    hooks = [what for (what,) in left["main.hooks"][1]]
    assert [what for what in hooks if "end of" not in what] == ["first", "second"]
    assert len(hooks) == 4
    results = json.loads((project / "shop" / "target" / "run_results.json").read_text())
    assert "model.shop.late" in {r["unique_id"] for r in results["results"]}


def test_only_the_last_of_them_runs(project: Path) -> None:
    assert orchestrator(project, "run", "nightly").returncode == 0
    (project / "shop" / "models" / "late.sql").write_text("select 1 as id")
    done = orchestrator(project, "run", "nightly", "--select", "late")
    assert done.returncode == 0, done.stdout + done.stderr
    left = contents(project / "shop" / "shop.duckdb")
    assert left["main.late"][1] == [(1,)]
    assert [what for (what,) in left["main.hooks"][1]].count("first") == 1


def test_a_node_in_two_builds_is_refused(project: Path) -> None:
    done = orchestrator(project, "run", "twice")
    assert done.returncode == 2
    assert "late" in done.stderr
    assert not (project / "shop" / "shop.duckdb").exists()
