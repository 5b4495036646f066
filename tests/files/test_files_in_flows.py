"""File tasks in flows: the order is derived, results travel, imports stay cheap, it all runs."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestrator.model.planning import Planning
from orchestrator.model.state import StateType
from orchestrator.service.project import Project
from orchestrator.service.running import Request, run_flow
from tasks import (
    CopyFiles,
    DeleteFiles,
    ExportTable,
    ListFiles,
    LoadFiles,
    MoveFiles,
    WaitForFile,
)
from tests.docs import pages

FLOW = """
from orchestrator import Flow, Parameter
from tasks import (
    CopyFiles, DeleteFiles, ExportTable, ListFiles, LoadFiles, SqlTask, WaitForFile
)

with Flow("orders") as flow:
    Parameter("word", default="ids")()
    ExportTable("mart.daily", "out/daily.parquet", name="export")()
    ExportTable(query="select id from raw.orders", target="out/{word}.csv", name="ids")()
    SqlTask(
        "create schema if not exists mart;"
        "create or replace table mart.daily as select count(*) as n from raw.orders",
        name="sql",
    )()
    load = LoadFiles("in/*.csv", "raw.orders", name="load", max_broken=1, mode="replace")()
    CopyFiles("inbox/*.csv", "in/", name="copy")()
    WaitForFile("inbox/*.csv", name="wait", poll=0.05, max_wait=30)()
    DeleteFiles("in/*.csv", name="clean")(upstream_tasks=[load])

with Flow("mapped") as mapped:
    LoadFiles(table="raw.mapped", name="load").map(ListFiles("inbox/*.csv", name="list")())
"""


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project with a flow of files."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (folder / "orchestrator.toml").write_text(
        'warehouse = "local"\n\n[warehouses.local]\ntype = "duckdb"\npath = "w.duckdb"\n'
    )
    (folder / "flows").mkdir()
    (folder / "flows/orders.py").write_text(FLOW)
    (folder / "inbox").mkdir()
    (folder / "inbox/a.csv").write_text("id,n\n1,1\n2,x,\n")
    (folder / "inbox/b.csv").write_text("id,n\n3,1\n")
    return Project.find(folder)


def test_the_order_is_derived(project: Project) -> None:
    order = project.flow("orders").plan(project=project.root).order()
    assert (
        order.index("wait")
        < order.index("copy")
        < order.index("load")
        < order.index("sql")
        < order.index("export")
    )
    assert order.index("load") < order.index("clean")


def test_a_flow_of_files_runs(project: Project) -> None:
    result = run_flow(project, project.flow("orders"), Request())
    states = {key: (state.type, state.message) for key, state in result.state.result.items()}
    assert result.state.is_successful(), states
    load = result.state.result["load"]
    assert load.status == "warn"
    assert load.message.startswith(
        "loaded 2 rows from 2 files; 1 broken row kept aside in "
        f"{project.root}/.orchestrator/rejects/orders/"
    )
    assert (project.root / "out/daily.parquet").exists()
    assert (project.root / "out/ids.csv").read_text() == '"id"\n1\n3\n'
    assert list((project.root / "in").iterdir()) == []


def test_the_place_of_a_broken_load_is_told(project: Project) -> None:
    (project.root / "inbox/b.csv").write_text("id,n\n3\n")
    result = run_flow(project, project.flow("orders"), Request())
    state = result.state.result["load"]
    assert state.type is StateType.FAILED
    assert "2 rows cannot be read (max_broken is 1): nothing was loaded" in state.message
    assert result.state.result["sql"].is_skipped()


def facts(task: Any, folder: Path, warehouse: Any) -> tuple[list[str], list[str], list[str]]:
    found = task.facts("t", Planning(folder, find_warehouse=lambda name: warehouse))
    return tuple(
        [str(a.dataset) for a in part] for part in (found.reads, found.writes, found.drops)
    )


@pytest.mark.parametrize(
    ("task", "reads", "writes", "drops"),
    [
        (CopyFiles("in/a.csv", "out/b.csv"), ["in/a.csv", "in"], ["out/b.csv"], []),
        (CopyFiles("in/a.csv", "./out/"), ["in/a.csv", "in"], ["out/a.csv"], []),
        (CopyFiles("in/*.csv", "out/"), ["in/*.csv", "in"], ["out"], []),
        (MoveFiles("a.csv", "s3://b/out/"), ["a.csv"], ["s3://b/out/a.csv"], ["a.csv"]),
        (ListFiles("s3://b/in/*.csv"), ["s3://b/in/*.csv", "s3://b/in"], [], []),
        (WaitForFile("in/{today}.csv"), [], ["in/{today}.csv"], []),
        (DeleteFiles("in/*.csv"), [], [], ["in/*.csv"]),
        (DeleteFiles("in/*.csv", dry_run=True), [], [], []),
        (LoadFiles("in/*.csv", "Raw.Orders"), ["in/*.csv", "in"], ["shop.raw.orders"], []),
        (LoadFiles("a.csv", "raw.jsonl"), ["a.csv"], ["shop.raw.jsonl"], []),
        (ExportTable("raw.jsonl", "o.csv"), ["shop.raw.jsonl"], ["o.csv"], []),
        (ExportTable("orders", "out/o.csv"), ["shop.main.orders"], ["out/o.csv"], []),
        (
            ExportTable(query="select * from a join s.b using (id)", target="o.csv"),
            ["shop.main.a", "shop.s.b"], ["o.csv"], [],
        ),
    ],
)  # fmt: skip
def test_what_each_task_reads_and_writes(
    task: Any, reads: list[str], writes: list[str], drops: list[str], folder: Path, warehouse: Any
) -> None:
    assert facts(task, folder, warehouse) == (reads, writes, drops)


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_table_may_be_called_like_a_file(mode: str, folder: Path, warehouse: Any) -> None:
    (folder / "a.csv").write_text("id,n\n1,1\n")
    for _ in range(2):
        LoadFiles("a.csv", "raw.jsonl", mode=mode).run(warehouse=warehouse)
    ExportTable("raw.jsonl", "o.csv").run(warehouse=warehouse)
    assert (folder / "o.csv").read_text().count("\n1,1") == (2 if mode == "append" else 1)


def test_lists_are_mapped_over(project: Project) -> None:
    (project.root / "inbox/a.csv").write_text("id,n\n1,1\n2,2\n")
    result = run_flow(project, project.flow("mapped"), Request())
    assert result.state.is_successful()
    with duckdb.connect(str(project.root / "w.duckdb")) as connection:
        assert connection.execute("select id from raw.mapped order by id").fetchall() == [
            (1,), (2,), (3,),
        ]  # fmt: skip


def test_secrets_do_not_travel_with_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORCHESTRATOR_SECRET_KEY", "do-not-pickle-me")
    task = CopyFiles("s3://b/a.csv", "a.csv", storage_options={"secret": "secret:KEY"})
    assert b"do-not-pickle-me" not in pickle.dumps(task)
    assert "do-not-pickle-me" not in repr(task.__dict__)


def test_importing_the_tasks_imports_no_driver() -> None:
    heavy = [
        "pyarrow",
        "duckdb",
        "pandas",
        "openpyxl",
        "fsspec",
        "s3fs",
        "boto3",
        "botocore",
        "numpy",
        "sqlglot",
    ]
    code = f"import sys, tasks.files; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=pages.ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]", done.stderr
