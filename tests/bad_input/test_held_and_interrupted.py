"""A database file that another process holds, and a run that a person stops: nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import psutil
import pytest

from tests.bad_input.screens import masked
from tests.dbt.project import write_project
from tests.dbt.test_dbt_equality import tables
from tests.warehouses.holder import can_be_opened_elsewhere, held

PROGRAM = str(Path(sys.executable).with_name("orchestrator"))
WAREHOUSE = 'busy_timeout = 2\n[warehouses.w]\ntype = "duckdb"\npath = "shop.duckdb"\n'
FLOW = """
    from orchestrator import Flow, task
    from tasks import SqlFolder

    @task(warehouse="w")
    def load(warehouse):
        warehouse.execute("select 1")

    with Flow("python") as python:
        load()
    with Flow("sql") as sql:
        SqlFolder("sql", warehouse="w")()
    """
PLACES = {
    ".": {"models/a.sql": "select 1 as id", "orchestrator.toml": "busy_timeout = 2\n"},
    "python": {"flows/f.py": FLOW, "sql/a.sql": "select 1;", "orchestrator.toml": WAREHOUSE},
    "sql": {"flows/f.py": FLOW, "sql/a.sql": "select 1;", "orchestrator.toml": WAREHOUSE},
}


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, *words],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"NO_COLOR": "1"},
    )


def states(folder: Path) -> tuple[str, dict[str, str]]:
    with start(folder, "runs", "show", "--format", "json") as process:
        shown = json.loads(process.communicate(timeout=60)[0])
    return shown["state"], {task["name"]: task["state"] for task in shown["tasks"]}


def assert_gone(group: int) -> None:
    """No process of the group goes on; those that have ended may still wait for their parent."""
    for _ in range(100):
        left = [p for p in psutil.process_iter() if _is_alive(p, group)]
        if not left:
            return
        threading.Event().wait(0.1)
    pytest.fail(f"{left} are left")


def _is_alive(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


@pytest.mark.parametrize(
    "flow", [".", *(pytest.param(flow, marks=pytest.mark.slow) for flow in PLACES if flow != ".")]
)
def test_a_held_file(tmp_path: Path, flow: str) -> None:
    project = write_project(tmp_path, PLACES[flow])
    duckdb.connect(str(project / "shop.duckdb")).close()
    with held(project / "shop.duckdb") as holder:
        with start(project, "run", flow) as process:
            out, err = process.communicate(timeout=120)
        assert process.returncode == 2, out + err
        assert f"is held by process {holder.pid}" in err
        assert "gave up after 2 s" in err
        assert "busy_timeout" in err or "end that process" in err
        assert "Traceback" not in out + err
        assert len(masked(err, project).splitlines()) < 30
    with start(project, "runs", "list", "--format", "json") as process:
        assert json.loads(process.communicate(timeout=60)[0]) in ([], {"runs": []}), "nothing began"
    with start(project, "run", flow) as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err


SLOW = {
    "models/first.sql": "select 1 as id",
    "models/slow.sql": "{{ config(materialized='table') }} select count(*) as n from range(1000000000000)"
    " as t(i) where i % 7 = 3 -- depends_on: {{ ref('first') }}",
    "models/after.sql": "select * from {{ ref('slow') }}",
}


@pytest.mark.slow
def test_interrupted(tmp_path: Path) -> None:
    project = write_project(tmp_path, SLOW)
    with start(project, "run", ".") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "model first" in line:
                break
        # `slow` begins at once after `first`; if it has not, it is never begun at all.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=120)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert_gone(process.pid)
    assert can_be_opened_elsewhere(project / "shop.duckdb")
    state, tasks = states(project)
    assert state == "Cancelled"
    assert tasks["first"] == "Success"
    assert (tasks["slow"], tasks["after"]) == ("Cancelled", "Cancelled")
    ran = json.loads((project / "target" / "run_results.json").read_text())["results"]
    assert "model.shop.first" in {result["unique_id"] for result in ran}, "as dbt leaves it"

    (project / "models" / "slow.sql").write_text("select 1 as n from {{ ref('first') }}")
    with start(project, "runs", "retry", "latest") as process:
        out, err = process.communicate(timeout=120)
    assert process.returncode == 0, out + err
    assert "model first" not in out
    assert tables(project)["main.after"] == [(1,)]
