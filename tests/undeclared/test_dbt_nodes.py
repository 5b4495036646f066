"""dbt nodes: what their macros and hooks do unseen is found; what dbt itself does is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import DaskExecutor, Flow, InlineExecutor
from orchestrator.errors import FlowError, ManifestError
from orchestrator.service.planning import plan_flow
from orchestrator.service.project import Project
from orchestrator.service.running import run_flow
from tasks import DbtBuild, SqlTask
from tests.undeclared.conftest import Ran, kept
from tests.undeclared.dbt_projects import MATERIALISATIONS, UNSEEN, write_files

LOAD = "create schema if not exists raw; create table if not exists raw.orders as select 1 as id"
AUDIT = """
create schema if not exists audit;
create table if not exists audit.log (n int);
create table if not exists audit.runs (n int)
"""


def flow_of(**hooks: Any) -> Flow:
    with Flow("f") as flow:
        load = SqlTask(LOAD, name="load")()
        SqlTask(AUDIT, name="make")().set_upstream(load)
        DbtBuild(project_dir="dbt", **hooks)()
        SqlTask("select * from audit.log", name="report")()
    return flow


def run(folder: Path, flow: Flow, executor: Any = None, check: str | None = None) -> Ran:
    project = Project.find(folder, {"lineage_check": check})
    result = run_flow(project, flow, executor=executor)
    return kept(project, result.run_id)


def names(found: dict[str, list[str]]) -> dict[str, list[str]]:
    return {key.split(".")[-1 if "test" not in key else 2]: texts for key, texts in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("times", [2])
def test_what_dbt_itself_does_is_no_finding(in_tmp: Path, times: int) -> None:
    write_files(in_tmp, MATERIALISATIONS)
    project = Project.find(in_tmp)
    for _ in range(times):
        result = run_flow(project, project.flow("."), executor=InlineExecutor())
        found = kept(project, result.run_id)
        assert found.state.is_successful(), {
            key: task.detail for key, task in found.tasks.items() if task.state.value == "Failed"
        }
        assert found.all_found() == {}
    assert {k for k, t in found.tasks.items() if (t.detail or {}).get("unchecked")} == set()


@pytest.mark.slow
def test_macros_and_hooks_are_found_and_declared(in_tmp: Path) -> None:
    write_files(in_tmp, UNSEEN)
    run(in_tmp, _makers())
    found = run(in_tmp, flow_of())
    assert found.state.is_successful(), {k: t.detail for k, t in found.tasks.items()}
    reads = "reads raw.orders, which load writes, and nothing orders the two"
    assert names(found.all_found()) == {
        "asks_source": [reads],
        "asks_model": ["reads plain, which plain writes, and nothing orders the two"]
        if "reads plain" in str(found.all_found())
        else ["reads main.plain, which plain writes, and nothing orders the two"],
        "hooked": [
            reads,
            "writes audit.log, which was not derived; make writes it too; report reads it",
        ],
        "on-run-end": ["writes audit.runs, which was not derived; make writes it too"],
        "matches_orders_plain_": [reads],
    }
    lines = {key.split(".")[2]: found.remedies(key) for key in found.tasks if "." in key[4:]}
    lines |= {"on-run-end": found.remedies("dbt.on-run-end")}
    assert lines["asks_model"] == ["-- depends_on: {{ ref('plain') }}"]
    assert lines["on-run-end"] == [
        'DbtBuild(…, on_run_end={"reads": ["audit.runs"], "writes": ["audit.runs"]})'
    ]
    assert lines["hooked"] == 2 * [
        'meta: {orchestrator: {reads: ["raw.orders", "audit.log"], writes: ["audit.log"]}}'
    ]

    _add(in_tmp, lines)
    with_hooks = flow_of(on_run_end={"reads": ["audit.runs"], "writes": ["audit.runs"]})
    again = run(in_tmp, with_hooks)
    assert again.state.is_successful(), {k: t.detail for k, t in again.tasks.items()}
    assert again.all_found() == {}


@pytest.mark.slow
@pytest.mark.parametrize("check", ["warn", "strict"])
def test_a_dbt_build_on_dask(in_tmp: Path, check: str) -> None:
    write_files(in_tmp, UNSEEN)
    run(in_tmp, _makers())
    cluster = DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2})
    found = run(in_tmp, flow_of(), cluster, check)
    undeclared = {"asks_source", "asks_model", "hooked", "on-run-end", "matches_orders_plain_"}
    ended = {key: (task.state.value, task.status) for key, task in found.tasks.items()}
    if check == "warn":
        assert set(names(found.all_found())) == undeclared
        assert found.state.is_successful(), ended
        return
    failed = {key for key, (_, status) in ended.items() if status == "undeclared"}
    nodes = set(names({key: [] for key in failed}))
    assert {"asks_source", "asks_model", "hooked"} <= nodes <= undeclared
    assert {ended[key][0] for key in failed} == {"Failed"}
    assert not found.state.is_successful()
    assert ended["model.shop.plain"][0] == "Success"


def _makers() -> Flow:
    with Flow("before") as flow:
        made = SqlTask(f"{LOAD};{AUDIT}", name="all")()
        DbtBuild(project_dir="dbt", select="plain", exclude="matches_orders_plain_")(
            upstream_tasks=[made]
        )
    return flow


def _add(folder: Path, lines: dict[str, list[str]]) -> None:
    """Follow what each finding says is to be added."""
    models = folder / "dbt" / "models"
    path = models / "asks_model.sql"
    path.write_text(f"{lines['asks_model'][0]}\n{path.read_text()}")
    (meta,) = lines["asks_source"]
    (of_test,) = lines["matches_orders_plain_"]
    hooked = lines["hooked"][0]
    (models / "schema.yml").write_text(
        f"""
models:
  - {{name: plain, data_tests: [{{matches_orders: {{config: {{{of_test}}}}}}}]}}
  - {{name: asks_source, config: {{{meta}}}}}
  - {{name: hooked, config: {{{hooked}}}}}
"""
    )


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("[audit.log]", "meta.orchestrator is"),
        ("{read: [audit.log]}", "has no key 'read'; did you mean 'reads'?"),
        ("{reads: {a: b}}", "is no list of names"),
        ("{writes: [a.b.c.d]}", "is not a table name"),
    ],
)
def test_a_wrong_meta_names_the_node(in_tmp: Path, said: str, message: str) -> None:
    files = {
        "profiles.yml": MATERIALISATIONS["profiles.yml"],
        "dbt_project.yml": MATERIALISATIONS["dbt_project.yml"],
        "models/one.sql": "select 1 as id",
        "models/schema.yml": f"models: [{{name: one, config: {{meta: {{orchestrator: {said}}}}}}}]",
    }
    write_files(in_tmp, files)
    project = Project.find(in_tmp)
    with pytest.raises(ManifestError) as caught:
        plan_flow(project, project.flow("."))
    assert message in caught.value.what
    assert "model.shop.one" in str(caught.value.where)


def test_dbt_build_refuses_what_it_could_not_heed() -> None:
    with pytest.raises(FlowError, match="does not take writes"):
        DbtBuild(writes=["audit.log"])
    with pytest.raises(FlowError, match="cannot read on_run_end"):
        DbtBuild(on_run_end={"write": ["audit.log"]})
