"""Python, SQL and dbt in one derived graph, on every executor; and the owner of the file dies."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orchestrator.service.planning import Request, plan_flow
from orchestrator.service.project import Project
from orchestrator.service.running import retry_run, run_flow
from tests.dbt.project import write_project
from tests.dbt.test_dbt_equality import tables

FLOW = """
    import os
    from pathlib import Path

    from orchestrator import DaskExecutor, Flow, task
    from tasks import DbtBuild, SqlFolder

    HERE = Path(__file__).parent.parent

    @task(warehouse="shop", writes=["raw.orders"])
    def load(warehouse):
        warehouse.execute("create schema if not exists raw")
        warehouse.execute("create or replace table raw.orders as select range as id from range(10)")

    @task(warehouse="shop", reads=["main.stg_orders"], writes=["main.scored"])
    def score(warehouse):
        if (HERE / "deadly").exists():
            (HERE / "deadly").unlink()
            os.kill(os.getpid(), 9)
        warehouse.execute("create or replace table main.scored as select id, id * 2 as score from main.stg_orders")
        return warehouse.sql("from main.scored").to_arrow_table()

    @task
    def elsewhere(arrow):
        return [arrow.num_rows, os.getpid()]

    with Flow("nightly", executor=DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2})) as flow:
        load()
        DbtBuild(HERE)()
        SqlFolder(HERE / "sql")()
        elsewhere(score())
"""
FILES = {
    "orchestrator.toml": '[warehouses.shop]\ntype = "dbt"\n',
    "flows/nightly.py": FLOW,
    "dbt_project.yml": """
        name: shop
        profile: shop
        flags: {send_anonymous_usage_stats: false}
        on-run-start: ["create table if not exists hooks (what varchar)", "insert into hooks values ('start')"]
        on-run-end: ["insert into hooks values ('end')"]
        """,
    "models/sources.yml": """
        sources:
          - {name: raw, schema: raw, tables: [{name: orders}]}
          - {name: made, schema: main, tables: [{name: scored}, {name: totals}]}
        """,
    "models/stg_orders.sql": "{{ config(materialized='table') }} select id from {{ source('raw', 'orders') }}",
    "models/scores.sql": "{{ config(materialized='table') }} select sum(score) as total from {{ source('made', 'scored') }}",
    "models/last.sql": "{{ config(materialized='table') }} select total + 1 as total from {{ source('made', 'totals') }}",
    "sql/totals.sql": "create temporary table t as select total from scores;\n"
    "create or replace table totals as select total from t;\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project.find(write_project(tmp_path, FILES))


def test_the_order_is_derived_and_says_why(project: Project) -> None:
    plan = plan_flow(project, project.flow("nightly"))
    order = plan.order()
    chain = [
        "load",
        "model.shop.stg_orders",
        "score",
        "model.shop.scores",
        "sql/totals.sql",
        "model.shop.last",
    ]
    assert [key for key in order if key in chain] == chain
    reasons = " | ".join(str(e) for e in plan.edges["score", "model.shop.scores"].evidence)
    assert "models/scores.sql:1 reads source made.scored" in reasons
    assert "flows/nightly.py:14 writes main.scored (score)" in reasons
    reasons = " | ".join(str(e) for e in plan.edges["model.shop.scores", "sql/totals.sql"].evidence)
    assert "sql/totals.sql:1" in reasons


@pytest.mark.parametrize(
    ("executor", "threads"), [("inline", None), ("threads", 1), ("threads", 8), (None, None)]
)
def test_it_runs_on_every_executor(
    project: Project, executor: str | None, threads: int | None
) -> None:
    from orchestrator.model.planning import RunOptions

    asked = Request(executor=executor, options=RunOptions(threads=threads))
    done = run_flow(project, project.flow("nightly"), asked)
    assert done.state.is_successful(), [
        s.message for s in done.state.result.values() if s.is_failed()
    ]
    assert tables(project.root)["main.last"] == [(91,)]  # 2 * (0 + … + 9) + 1
    assert sorted(tables(project.root)["main.hooks"]) == [("end",), ("start",)]
    with project.store() as store:
        rows, pid = store.task_runs(done.run_id, "elsewhere")[0].result["value"]
    assert rows == 10
    assert (pid == os.getpid()) is (executor is not None)


@pytest.mark.slow
def test_when_the_owner_of_the_file_dies_another_process_takes_over(project: Project) -> None:
    (project.root / "deadly").touch()
    flow = project.flow("nightly")
    first = run_flow(project, flow)
    states = {key: state.type.value for key, state in first.state.result.items()}
    assert first.state.is_failed()
    assert states["score"] == "Failed"
    for key in ("model.shop.scores", "sql/totals.sql", "model.shop.last", "elsewhere"):
        assert states[key] == "Skipped", key
        assert first.state.result[key].cause == "score"
    assert states["model.shop.stg_orders"] == "Success"

    second = retry_run(project, first.run_id)
    assert second.state.is_successful(), [s.message for s in second.state.result.values()]
    assert tables(project.root)["main.last"] == [(91,)]
    document = json.loads((project.root / "target" / "run_results.json").read_text())
    ran = {
        r["unique_id"] for r in document["results"] if not r["unique_id"].startswith("operation.")
    }
    assert ran == {"model.shop.scores", "model.shop.last"}
