"""DbtShellTask in flows: rows of nodes with each attempt, the SQL that failed, `dbt retry`, subclasses."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path
from typing import Any

import pytest

from orchestrator import Flow, InlineExecutor
from orchestrator.model import context
from orchestrator.model.state import State
from orchestrator.service.project import Project
from orchestrator.store.base import RunStore
from tasks.dbt.shell import DbtCancelled, DbtFailed, DbtShellTask, DbtTimedOut
from tasks.dbt.shell_retry import again
from tasks.dbt.shell_sql import compiled_by

#: Before the second attempt somebody mends the model.
MENDED = "if [ -e seen ]; then echo 'select 2 as id' > models/bad.sql; fi; touch seen"


@pytest.fixture
def project(in_tmp: Path) -> Path:
    """A project of three models: one good, one that fails, one after it."""
    models = in_tmp / "shop" / "models"
    models.mkdir(parents=True)
    (in_tmp / "orchestrator.toml").write_text("")
    (in_tmp / "shop" / "dbt_project.yml").write_text("name: tiny\nprofile: tiny\n")
    (models / "good.sql").write_text("select 1 as id\n")
    (models / "bad.sql").write_text("select\n  nope\nfrom {{ ref('good') }}\n")
    (models / "after.sql").write_text("select * from {{ ref('bad') }}\n")
    return in_tmp


def build(project: Path, **arguments: Any) -> DbtShellTask:
    settings = {"type": "duckdb", "path": str(project / "tiny.duckdb")}
    common = {"dbt_kwargs": settings, "project_dir": project / "shop", "name": "build"}
    return arguments.pop("kind", DbtShellTask)("dbt build", **common, **arguments)


def run(project: Path, task: DbtShellTask) -> tuple[State, Any, list[Any], list[str]]:
    """Run a task in a flow; return the state, the task's row, its attempts and its log."""
    with Flow("nightly") as flow:
        task()
    state = flow.run(executor=InlineExecutor(), project=project)
    with Project.find(project).store() as opened:
        store: RunStore = opened
        run_id = store.run("latest").id
        row = next(row for row in store.task_runs(run_id) if row.key == "build")
        said = [line.text for line in store.logs(run_id, "build", limit=1000)]
        return state, row, list(store.attempts(run_id)), said


def test_nodes_are_rows_of_the_attempt_and_retries_go_on_by_dbt_retry(project: Path) -> None:
    state, row, attempts, said = run(
        project, build(project, helper_script=MENDED, max_retries=1, retry_delay=0)
    )
    assert state.is_successful(), said
    first, second = attempts
    nodes = {node["unique_id"]: node for node in first.detail["nodes"]}
    assert {name: node["status"] for name, node in nodes.items()} == {
        "model.tiny.good": "success",
        "model.tiny.bad": "error",
        "model.tiny.after": "skipped",
    }
    good, bad = nodes["model.tiny.good"], nodes["model.tiny.bad"]
    assert good["seconds"] > 0
    assert good["started"] < good["finished"]
    assert good["relation"] == '"tiny"."main"."good"'
    assert 'Referenced column "nope" not found' in bad["error"]
    assert first.detail["statuses"] == {"success": 1, "error": 1, "skipped": 1}
    assert first.message.startswith("1 of 3 nodes failed: bad")
    assert first.detail["path"] == "models/bad.sql"
    assert first.detail["compiled_code"].startswith('select\n  nope\nfrom "tiny"."main"."good"')
    assert first.detail["error_line"] == 2
    assert Path(first.detail["compiled_path"]).name == "bad.sql"
    with Project.find(project).store() as opened:
        kept = opened.texts([node["sql_hash"] for node in nodes.values() if "sql_hash" in node])
    assert {name for name, node in nodes.items() if "sql_hash" in node} == {
        "model.tiny.good",
        "model.tiny.bad",
    }
    assert "select 1 as id" in kept[good["sql_hash"]]
    assert "nope" in kept[bad["sql_hash"]]
    assert "ran_sql" not in bad

    assert any("dbt retry: 2 nodes of the attempt before are left" in line for line in said)
    done = {node["unique_id"]: node["status"] for node in second.detail["nodes"]}
    assert done == {"model.tiny.bad": "success", "model.tiny.after": "success"}
    assert row.message == "2 nodes"
    assert row.result["value"].startswith("Done. PASS=2 ")


def test_only_what_the_command_compiled_itself_is_its_sql(tmp_path: Path) -> None:
    nodes = {
        "model.shop.orders": ("model", "models/orders.sql", "orders.sql"),
        "model.shop.old": ("model", "models/old.sql", "old.sql"),
        "test.shop.unique": ("test", "models/_shop.yml", "unique.sql"),
        "seed.shop.raw": ("seed", "seeds/raw.csv", "raw.csv"),
    }
    manifest = {
        name: {"package_name": "shop", "resource_type": kind, "original_file_path": file, "path": path}
        for name, (kind, file, path) in nodes.items()
    }  # fmt: skip
    (tmp_path / "manifest.json").write_text(json.dumps({"nodes": manifest}))
    compiled = tmp_path / "compiled" / "shop" / "models"
    (compiled / "_shop.yml").mkdir(parents=True)
    for name in ("orders.sql", "old.sql", "_shop.yml/unique.sql"):
        (compiled / name).write_text(f"select '{name}'")
    os.utime(compiled / "old.sql", (1000, 1000))
    assert compiled_by(tmp_path, [*nodes, "model.shop.unheard_of"], since=2000) == {
        "model.shop.orders": "select 'orders.sql'",
        "test.shop.unique": "select '_shop.yml/unique.sql'",
    }
    assert compiled_by(tmp_path / "elsewhere", nodes, since=2000) == {}


@pytest.mark.slow
def test_all_runs_the_whole_command_again(project: Path) -> None:
    task = build(project, helper_script=MENDED, max_retries=1, on_retry="all")
    state, _, attempts, _ = run(project, task)
    assert state.is_successful()
    assert len(attempts[1].detail["nodes"]) == 3


@pytest.mark.slow
def test_a_retry_that_cannot_begin_is_the_whole_command(project: Path) -> None:
    """dbt cannot go on with results whose command it does not know."""
    broken = 'if [ -e seen ]; then sed -i \'s/"which": "build"/"which": "x"/\' target/run_results.json; fi'
    task = build(project, helper_script=f"{broken}\n{MENDED}", max_retries=1)
    state, _, attempts, said = run(project, task)
    assert state.is_successful()
    assert any("dbt retry could not begin" in line for line in said)
    assert len(attempts[1].detail["nodes"]) == 3


@pytest.mark.slow
def test_a_team_s_own_task_keeps_the_plain_result(project: Path) -> None:
    class Counted(DbtShellTask):
        def run(self, **arguments: Any) -> int:
            return len(super().run(**arguments))

    (project / "shop" / "models" / "bad.sql").write_text("select 2 as id\n")
    state, row, _, _ = run(project, build(project, kind=Counted, return_all=True))
    assert state.is_successful()
    assert row.result["value"] > 5


@pytest.mark.slow
def test_what_was_done_before_it_was_stopped_is_kept(project: Path) -> None:
    slow = "select * from range(100000000000) where hash(range) = 3"
    (project / "shop" / "models" / "bad.sql").write_text(
        f"{{{{ config(materialized='table') }}}}\n-- {{{{ ref('good') }}}}\n{slow}\n"
    )
    running = context.RunContext("run", "flow", "build")
    task = build(project, on_node=lambda _: running.cancelled.set(), grace=2)
    with context.entered(running), pytest.raises(DbtCancelled) as caught:
        task.run()
    assert caught.value.detail["nodes"][0]["unique_id"] == "model.tiny.good"
    assert caught.value.message == "command cancelled: dbt build"


def test_errors_of_dbt_travel_between_processes() -> None:
    for kind in (DbtFailed, DbtTimedOut, DbtCancelled):
        error = kind("command failed", status="error", detail={"nodes": []})
        error.message, error.output = "1 node failed", ("line",)
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is kind
        assert (copy.message, copy.status, copy.detail) == ("1 node failed", "error", {"nodes": []})
        assert str(copy) == "command failed\n  output:\n    line"


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("dbt build --select a+ --threads 4", "dbt retry"),
        ("dbt run \\\n  --target-path out --full-refresh", None),  # nothing was written there
        ("dbt --no-use-colors test --project-dir=.", "dbt retry --project-dir ."),
        ("dbt build --profiles-dir 'my profiles'", "dbt retry --profiles-dir 'my profiles'"),
        ("dbt build --project-dir $HOME", None),
        ("dbt seed && dbt build", None),
        ("dbt seed\ndbt build", None),
        ("dbt build | tee log", None),
        ("dbt docs generate", None),
        ("python build.py", None),
        ("dbt build 'open", None),
    ],
)
def test_which_commands_dbt_retry_stands_in_for(
    command: str, expected: str | None, in_tmp: Path
) -> None:
    (in_tmp / "target").mkdir()
    results = (
        '{"metadata": {"env": {"ORCHESTRATOR_ATTEMPTS_OF": "r1/build"}},'
        ' "results": [{"unique_id": "a", "status": "%s"}]}'
    )
    file = in_tmp / "target" / "run_results.json"
    file.write_text(results % "error")
    with context.entered(context.RunContext("r1", "f", "build", attempt=2)):
        found = again(command, in_tmp, {})
        assert (found.command if found else None) == expected
        file.write_text(results % "success")
        assert again(command, in_tmp, {}) is None
    file.write_text(results % "error")
    for other in (
        context.RunContext("r2", "f", "build", attempt=2),
        context.RunContext("r1", "f", "build", attempt=1),
    ):
        with context.entered(other):
            assert again(command, in_tmp, {}) is None
    assert again(command, in_tmp, {}) is None  # outside a run
