"""A session used well and badly: threads, retries, cancelling, others' tables, wrong order."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import duckdb
import pytest

from orchestrator.errors import OrchestratorError, WarehouseBusyError
from tasks.dbt.errors import DbtCancelledError, DbtSessionError, DbtWarehouseError
from tasks.dbt.options import DbtOptions
from tasks.dbt.results import NodeResult
from tasks.dbt.session import WarmSession
from tests.dbt.driver import build, drive
from tests.dbt.project import write_project

TWO = {
    "models/one.sql": "{{ config(materialized='table') }} select 1 as n",
    "models/two.sql": "select n + 1 as n from {{ ref('one') }}",
}


def begun(project: Path, **arguments: object) -> WarmSession:
    session = WarmSession(DbtOptions(str(project)), **arguments)  # type: ignore[arg-type]
    session.parse()
    session.begin()
    return session


@pytest.mark.slow
def test_eight_threads_a_hundred_nodes(tmp_path: Path) -> None:
    files = {"models/m0.sql": "select 1 as n"}
    for number in range(1, 50):
        above = " union all ".join(
            f"select n from {{{{ ref('m{a}') }}}}" for a in {number // 2, number // 3}
        )
        kind = ("table", "view", "ephemeral", "incremental")[number % 4]
        files[f"models/m{number}.sql"] = (
            f"{{{{ config(materialized='{kind}') }}}} select count(*) as n from ({above})"
        )
    columns = "columns: [{name: n, data_tests: [not_null]}]"
    models = "".join(f"  - {{name: m{n}, {columns}}}\n" for n in range(50))
    files["models/schema.yml"] = "models:\n" + models
    project = write_project(tmp_path, files)
    for _ in range(2):
        results = build(DbtOptions(str(project), threads=8), threads=8)
        assert len(results) == 100
        assert {r.message for r in results.values() if not r.ok} == set()


@pytest.mark.slow
def test_sessions_follow_one_another_but_never_overlap(tmp_path: Path) -> None:
    here = write_project(tmp_path / "a", TWO)
    there = write_project(tmp_path / "b", TWO | {"models/one.sql": "select 10 as n"})
    first = begun(here)
    second = WarmSession(DbtOptions(str(there)))
    with pytest.raises(DbtSessionError, match="already open"):
        second.parse()
    first.abandon()
    assert build(DbtOptions(str(there)))["model.shop.two"].ok
    assert build(DbtOptions(str(here)))["model.shop.two"].ok
    for project, n in ((here, 2), (there, 11)):
        with duckdb.connect(str(project / "shop.duckdb")) as connection:
            assert connection.execute("from two").fetchall() == [(n,)]


def test_what_others_write_reaches_dbts_cache(tmp_path: Path) -> None:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    project = write_project(
        tmp_path,
        {
            "models/one.sql": "{{ config(materialized='incremental') }} select 1 as n",
            "models/seen.sql": """
                select {{ 1 if load_relation(api.Relation.create(database=this.database,
                  schema=this.schema, identifier='loaded')) else 0 }} as n
                """,
        },
    )
    build(DbtOptions(str(project)))
    session = begun(project)
    cursor = DuckDBConnectionManager.env().handle().cursor()
    cursor.execute("drop table one")
    cursor.execute("create table loaded as select 7 as n")
    session.refresh_relations([(None, "main"), ("shop", "main"), (None, "never_seen")])
    assert session.run_node("model.shop.one").ok  # dbt would insert into a table that is gone
    assert session.run_node("model.shop.seen").ok
    assert cursor.execute("select one.n, seen.n from one, seen").fetchall() == [(1, 1)]
    cursor.close()
    session.finish()


def test_a_node_may_run_again_and_its_last_result_counts(tmp_path: Path) -> None:
    project = write_project(
        tmp_path,
        {
            "models/brief.sql": "{{ config(materialized='ephemeral') }} select 3 as n",
            "models/flaky.sql": "select * from {{ ref('brief') }}, extra",
        },
    )
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    session = begun(project)
    session.run_node("model.shop.brief")
    failed = session.run_node("model.shop.flaky")
    cursor = DuckDBConnectionManager.env().handle().cursor()
    cursor.execute("create table extra as select 4 as m")
    again = session.run_node("model.shop.flaky")
    cursor.close()
    session.finish()
    assert (failed.status, again.status) == ("error", "success")
    assert "extra does not exist" in (failed.message or "")
    document = json.loads((project / "target" / "run_results.json").read_text())
    assert [(r["unique_id"], r["status"]) for r in document["results"]] == [
        ("model.shop.flaky", "success")
    ]


def test_failed_sql_points_at_its_line(tmp_path: Path) -> None:
    sql = "select n,\n       nope as y\nfrom {{ ref('one') }}\n"
    project = write_project(tmp_path, TWO | {"models/bad.sql": sql})
    bad = build(DbtOptions(str(project)))["model.shop.bad"]
    assert (bad.status, bad.error_line, bad.path) == ("error", 2, "models/bad.sql")
    assert bad.compiled_code is not None
    assert "nope as y" in bad.compiled_code.splitlines()[1]
    assert Path(bad.compiled_path or "").read_text().strip() == bad.compiled_code.strip()
    assert pickle.loads(pickle.dumps(bad)) == bad


def test_rows_times_and_relation(tmp_path: Path) -> None:
    project = write_project(tmp_path, TWO | {"seeds/s.csv": "a\n1\n2\n"})
    results = build(DbtOptions(str(project)))
    seed: NodeResult = results["seed.shop.s"]
    assert (seed.rows, seed.relation, seed.compiled_code) == (2, '"shop"."main"."s"', None)
    assert seed.started is not None
    assert seed.completed is not None
    assert seed.started <= seed.completed
    assert seed.started.utcoffset() is not None


def test_log_lines_carry_their_node_and_never_stop_dbt(tmp_path: Path) -> None:
    speaking = "{{ log('one speaks', info=true) }}{{ print('aloud') }} select 1 as n"
    project = write_project(tmp_path, TWO | {"models/one.sql": speaking})
    heard: list[tuple[str | None, str, str]] = []

    def listen(unique_id: str | None, level: str, text: str) -> None:
        heard.append((unique_id, level, text))
        raise RuntimeError("a listener that fails")

    one = build(DbtOptions(str(project)), on_log=listen)["model.shop.one"]
    assert one.ok
    assert ("model.shop.one", "info", "one speaks") in heard
    assert one.logs == ("one speaks", "aloud")


def test_nothing_is_printed_nor_written_before_begin(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    project = write_project(tmp_path, TWO)
    session = WarmSession(DbtOptions(str(project)))
    report = session.parse()
    assert not (project / "shop.duckdb").exists()
    assert json.loads(Path(report.manifest_path).read_text())["nodes"].keys() == set(
        report.selected
    )
    assert (report.project_name, report.adapter_type, report.threads) == ("shop", "duckdb", 4)
    session.abandon()
    session.abandon()
    assert not (project / "shop.duckdb").exists()
    assert not (project / "target" / "run_results.json").exists()
    assert capfd.readouterr() == ("", "")


def test_only_the_chosen_nodes_get_schemas(tmp_path: Path) -> None:
    files = TWO | {
        "models/far.sql": "{{ config(schema='far') }} select 1 as n",
        "dbt_project.yml": "name: shop\nprofile: shop\n"
        "on-run-end: ['create table ended as select {{ results | length }} as n']\n",
    }
    project = write_project(tmp_path, files)
    session = WarmSession(DbtOptions(str(project)))
    session.parse()
    session.begin(["model.shop.one"])
    session.run_node("model.shop.one")
    (hook,) = session.finish()
    assert hook.status == "success"
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        schemas = connection.execute("from duckdb_schemas() select schema_name").fetchall()
        assert ("main_far",) not in schemas
        assert connection.execute("from ended").fetchall() == [(1,)]


def test_a_process_that_takes_over_repeats_no_start_hook(tmp_path: Path) -> None:
    hooks = "name: shop\nprofile: shop\non-run-start: ['create table started as select 1 as n']\n"
    project = write_project(tmp_path, TWO | {"dbt_project.yml": hooks})
    session = WarmSession(DbtOptions(str(project)))
    session.parse()
    assert session.begin(["model.shop.two"], hooks=False) == ()
    session.abandon()
    session = begun(project)  # would fail on a second `create table started`
    assert drive(session, ("model.shop.one", "model.shop.two"), 2)["model.shop.two"].ok
    session.finish()


def test_cancel_interrupts_and_starts_nothing(tmp_path: Path) -> None:
    slow = "{{ config(materialized='table') }} select count(*) as n from range(100000000) a, range(1000) b"
    slow += " where a.range <> b.range"
    project = write_project(tmp_path, TWO | {"models/slow.sql": slow})
    session = begun(project)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.run_node, "model.shop.slow")
        while not session._task.job_queue.in_progress:
            time.sleep(0.01)
        time.sleep(0.5)
        session.cancel()
        result = running.result(timeout=60)
    assert result.status == "error"
    assert "nterrupt" in (result.message or "")
    with pytest.raises(DbtCancelledError):
        session.run_node("model.shop.one")
    assert session.finish() == ()
    document = json.loads((project / "target" / "run_results.json").read_text())
    assert [r["status"] for r in document["results"]] == ["error"]
    duckdb.connect(str(project / "shop.duckdb")).close()


def test_one_node_is_cancelled_and_the_others_go_on(tmp_path: Path) -> None:
    slow = "{{ config(materialized='table') }} select count(*) as n from range(100000000) a,"
    slow += " range(1000) b where a.range <> b.range"
    session = begun(write_project(tmp_path, TWO | {"models/slow.sql": slow}))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(session.run_node, "model.shop.slow")
        while not session._task.job_queue.in_progress:
            time.sleep(0.01)
        assert session.run_node("model.shop.one").ok
        session.cancel_node("model.shop.slow")
        assert running.result(timeout=60).status == "error"
    assert session.run_node("model.shop.two").ok
    session.finish()


def test_a_node_nobody_knows(tmp_path: Path) -> None:
    session = begun(write_project(tmp_path, TWO))
    with pytest.raises(OrchestratorError, match=r"model\.shop\.gone"):
        session.run_node("model.shop.gone")
    session.abandon()


HOLD = """
import duckdb, sys
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_file_held_by_another_process(tmp_path: Path) -> None:
    project = write_project(tmp_path, TWO)
    command = [sys.executable, "-c", HOLD, str(project / "shop.duckdb")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        session = WarmSession(DbtOptions(str(project)))
        session.parse()
        with pytest.raises(WarehouseBusyError, match=rf"python.*\(PID {holder.pid}\)"):
            session.begin()
        holder.communicate()
    assert build(DbtOptions(str(project)))["model.shop.two"].ok


def test_a_warehouse_that_cannot_be_opened(tmp_path: Path) -> None:
    profiles = "shop: {target: d, outputs: {d: {type: duckdb, path: no/such/folder/x.duckdb}}}"
    project = write_project(tmp_path, TWO | {"profiles.yml": profiles})
    session = WarmSession(DbtOptions(str(project)))
    session.parse()
    with pytest.raises(DbtWarehouseError, match="no/such/folder"):
        session.begin()


def test_relative_paths_mean_the_project_wherever_the_process_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "models/read.sql": "{{ config(materialized='table') }} from read_csv('data/rows.csv')",
        "models/out.sql": "{{ config(materialized='external', format='csv') }} select 5 as n",
        "data/rows.csv": "n\n8\n",
        "seeds/s.csv": "a\n1\n",
    }
    project = write_project(tmp_path / "project", files)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    results = build(DbtOptions(str(project)))
    assert {u: r.message for u, r in results.items() if not r.ok} == {}
    assert os.listdir(elsewhere) == []
    assert (project / "out.csv").read_text() == "n\n5\n"
    with duckdb.connect(str(project / "shop.duckdb")) as connection:
        assert connection.execute("from read").fetchall() == [(8,)]


def test_calls_out_of_order(tmp_path: Path) -> None:
    session = WarmSession(DbtOptions(str(write_project(tmp_path, TWO))))
    with pytest.raises(DbtSessionError, match=r"begin\(\) needs"):
        session.begin()
    session.parse()
    with pytest.raises(DbtSessionError, match="it is parsed"):
        session.run_node("model.shop.one")
    session.begin()
    drive(session, ("model.shop.one", "model.shop.two"), 1)
    session.finish()
    with pytest.raises(DbtSessionError, match="it is closed"):
        session.finish()


def test_no_thread_and_no_file_is_left(tmp_path: Path) -> None:
    project = write_project(tmp_path, TWO)
    build(DbtOptions(str(project)))
    before = set(os.listdir("/proc/self/fd"))
    build(DbtOptions(str(project)))
    assert not [t for t in threading.enumerate() if t.name.startswith("dbt")]
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1
