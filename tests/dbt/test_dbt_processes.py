"""A dbt build on Postgres whose nodes run in two worker processes, compared with `dbt build`."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgres_server
from tests.dbt.project import write_project

PROFILES = """
shop:
  target: dev
  outputs:
    dev:
      type: postgres
      host: "{{ env_var('PGHOST') }}"
      user: test
      password: ""
      port: 5432
      dbname: "{{ env_var('PGDATABASE') }}"
      schema: main
      threads: 4
"""
FLOW = """
from orchestrator import DaskExecutor, Flow
from tasks import DbtBuild

workers = {"n_workers": 2, "threads_per_worker": THREADS}
with Flow("build", executor=DaskExecutor(cluster_kwargs=workers)) as flow:
    DbtBuild(max_retries=1, retry_delay=0)()
"""
#: Two days for a model that is made day by day.
BEGIN = (datetime.now(UTC) - timedelta(days=1)).date()
FILES = {
    "dbt_project.yml": """
        name: shop
        version: "1.0"
        profile: shop
        flags: {send_anonymous_usage_stats: false}
        models: {shop: {+materialized: table}}
        on-run-start:
          - create schema if not exists audit
          - >
            create table if not exists audit.runs
            (id text, started text, nodes integer, told text)
          - insert into audit.runs values ('{{ invocation_id }}', '{{ run_started_at }}')
        on-run-end:
          - >
            update audit.runs set nodes = {{ results | length }},
            told = '{{ results | map(attribute="status") | sort | join(" ") }}'
            where id = '{{ invocation_id }}'
        """,
    "profiles.yml": PROFILES,
    "orchestrator.toml": 'name = "shop"\n',
    "flows/build.py": FLOW.replace("THREADS", "2"),
    "seeds/raw.csv": "id,name\n1,Ann\n2,Bob\n3,Cyd\n",
    "models/customers.sql": "select id, name from {{ ref('raw') }}",
    "models/named.sql": "{{ config(materialized='view') }} select * from {{ ref('customers') }}",
    "models/over_named.sql": "{{ config(materialized='view') }} select * from {{ ref('named') }}",
    "models/brief.sql": "{{ config(materialized='ephemeral') }} select id from {{ ref('named') }}",
    "models/uses_brief.sql": "select count(*) as n from {{ ref('brief') }}",
    "models/growing.sql": """
        {{ config(materialized='incremental', unique_key='id') }}
        select id, name, {{ 1 if is_incremental() else 0 }} as pass from {{ ref('customers') }}
        """,
    "models/asks.sql": """
        select {{ 1 if load_relation(ref('named')) else 0 }} as named,
               {{ 1 if load_relation(ref('growing')) else 0 }} as growing,
               '{{ invocation_id }}' as id, '{{ run_started_at }}' as started
        from {{ ref('over_named') }} limit 1
        """,
    "models/happenings.sql": f"""
        {{{{ config(event_time='happened') }}}}
        select timestamp '{BEGIN}' + i * interval '1 hour' as happened, i
        from generate_series(0, 47) as t(i)
        """,
    "models/daily.sql": f"""
        {{{{ config(materialized='incremental', incremental_strategy='microbatch', unique_key='i',
                  event_time='happened', batch_size='day', begin='{BEGIN}') }}}}
        select * from {{{{ ref('happenings') }}}}
        """,
    "models/broken.sql": "select nope from {{ ref('customers') }}",
    "models/below_broken.sql": "select * from {{ ref('broken') }}",
    "models/broken_brief.sql": """
        {{ config(materialized='ephemeral') }}
        select {{ exceptions.raise_compiler_error('no cte') if execute else 1 }}
        """,
    "models/below_broken_brief.sql": "select * from {{ ref('broken_brief') }}",
    "models/doubtful.sql": "select id, null as x from {{ ref('customers') }}",
    "models/below_doubtful.sql": "select * from {{ ref('doubtful') }}",
    "models/checked.sql": "select id + 1 as id from {{ ref('customers') }}",
    "models/schema.yml": """
        models:
          - name: customers
            columns: [{name: id, data_tests: [unique, not_null]}]
          - name: doubtful
            columns: [{name: x, data_tests: [{not_null: {config: {store_failures: true}}}]}]
          - name: named
            columns: [{name: id, data_tests: [{unique: {config: {severity: warn}}}]}]
        unit_tests:
          - name: adds_one
            model: checked
            given: [{input: ref('customers'), rows: [{id: 1}, {id: 2}]}]
            expect: {rows: [{id: 2}, {id: 3}]}
        """,
    "snapshots/history.yml": """
        snapshots:
          - name: history
            relation: ref('customers')
            config: {unique_key: id, strategy: check, check_cols: [name]}
        """,
    **{
        f"models/many/slow{n}.sql": "{{ config(materialized='incremental') }} "
        f"select id, {n} as n, pg_sleep(0.2)::text as s from {{{{ ref('customers') }}}}"
        for n in range(8)
    },
    **{
        f"models/many/view{n}.sql": "{{ config(materialized='view') }} "
        f"select id from {{{{ ref('slow{n}') }}}} union all select id from {{{{ ref('slow{(n + 1) % 8}') }}}}"
        for n in range(8)
    },
}
#: Two models that take long, each in one of two processes.
LONG = {
    **{name: FILES[name] for name in ("dbt_project.yml", "profiles.yml", "orchestrator.toml")},
    "flows/build.py": FLOW.replace("THREADS", "1"),
    "models/early.sql": "select 1 as id",
    "models/a.sql": "select id, pg_sleep(12)::text as s from {{ ref('early') }}",
    "models/b.sql": "select id, pg_sleep(12)::text as s from {{ ref('early') }}",
    "models/late.sql": "select a.id from {{ ref('a') }} a join {{ ref('b') }} b using (id)",
}
#: Models above one that a deferred build does not make.
DEFERRED = {
    **{name: LONG[name] for name in ("profiles.yml", "orchestrator.toml", "flows/build.py")},
    "dbt_project.yml": """
        name: shop
        profile: shop
        flags: {send_anonymous_usage_stats: false}
        models: {shop: {+materialized: table}}
        """,
    "models/below.sql": "select 1 as id",
    **{
        f"models/above{n}.sql": "select id, pg_sleep(0.5)::text as s from {{ ref('below') }}"
        for n in range(3)
    },
}
SLEEPING = (
    "select count(*) from pg_stat_activity "
    "where datname = current_database() and wait_event = 'PgSleep'"
)
#: What says when, where or in which invocation a row was made.
PASSING = {"started", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to"}
OURS = ("orchestrator", "run", "build")
Tables = dict[str, list[tuple[Any, ...]]]


class Place:
    """A project and a database of its own."""

    def __init__(self, folder: Path, host: str, database: str, files: dict[str, str]) -> None:
        self.folder, self.host, self.database = write_project(folder, files), host, database
        with psycopg.connect(host=host, user="test", dbname="test", autocommit=True) as admin:
            admin.execute(f"create database {database}")

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a module's program in the project's folder."""
        found = {"PGHOST": self.host, "PGDATABASE": self.database}
        return subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **found},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str) -> tuple[int, str]:
        """Run it to its end; returns its exit code and what it said."""
        with self.start(*words) as process:
            said, _ = process.communicate(timeout=240)
        return process.returncode, said

    def rows(self, query: str, fetch: bool = True) -> list[tuple[Any, ...]]:
        with psycopg.connect(host=self.host, user="test", dbname=self.database) as connection:
            found = connection.execute(query)
            return found.fetchall() if fetch else []

    def tables(self) -> Tables:
        """All relations by name, with their kind and rows."""
        listed = self.rows(
            "select table_schema, table_name, table_type from information_schema.tables "
            "where table_schema not in ('pg_catalog', 'information_schema', 'audit') order by 1, 2"
        )
        found: Tables = {}
        for schema, name, kind in listed:
            columns = [
                column
                for (column,) in self.rows(
                    "select column_name from information_schema.columns where "
                    f"table_schema = '{schema}' and table_name = '{name}' order by ordinal_position"
                )
            ]
            kept = [c for c in columns if c not in PASSING and (name, c) != ("asks", "id")]
            rows = self.rows(f'select {", ".join(kept)} from {schema}."{name}"') if kept else []
            found[f"{schema}.{name} {kind}"] = [tuple(kept), *sorted(rows, key=repr)]
        return found

    def results(self) -> dict[str, dict[str, Any]]:
        """What run_results.json says of each node, without times and threads."""
        told = self.artifact("run_results")
        passing = {"timing", "thread_id", "execution_time"}
        return {
            r["unique_id"]: {k: v for k, v in r.items() if k not in passing}
            for r in told["results"]
        }

    def artifact(self, name: str) -> dict[str, Any]:
        """A file that dbt wrote, with one name for the database wherever it stands."""
        text = (self.folder / "target" / f"{name}.json").read_text()
        found: dict[str, Any] = json.loads(text.replace(f'\\"{self.database}\\"', '\\"shop\\"'))
        return found

    def workers(self, *keys: str) -> dict[str, str]:
        """The processes that ran tasks in the last run, by key; of all nodes if none is named."""
        store = self.folder / ".orchestrator" / "store.db"
        with closing(sqlite3.connect(store)) as connection:
            rows = connection.execute(
                "select a.key, a.worker from attempts a join task_runs t using (run_id, key) "
                "where run_id = (select id from flow_runs order by created desc limit 1) "
                "and a.worker is not null and (t.resource_type <> 'operation' or ?) order by number",
                [bool(keys)],
            ).fetchall()
        return {key: worker for key, worker in rows if key in keys or not keys}


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    with postgres_server.running() as address:
        yield address.partition("host=")[2]


@pytest.fixture(scope="module")
def built(host: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Place, list[Any]]:
    """The same project built twice by `dbt build` and twice by two processes of ours."""
    folder = tmp_path_factory.mktemp("processes")
    theirs = Place(folder / "theirs", host, "theirs", FILES)
    ours = Place(folder / "ours", host, "ours", FILES)
    seen = []
    for _ in range(2):
        for place, words in ((theirs, ("dbt.cli.main", "build")), (ours, OURS)):
            code, said = place.run(*words)
            assert code == 1, said
        seen.append(
            (theirs.tables(), ours.tables(), theirs.results(), ours.results(), ours.workers())
        )
    return theirs, ours, seen


@pytest.mark.slow
@pytest.mark.parametrize("build", [0, 1])
def test_both_processes_ran_nodes(built: Any, build: int) -> None:
    assert len(set(built[2][build][4].values())) == 2


@pytest.mark.slow
@pytest.mark.parametrize("build", [0, 1])
def test_it_leaves_the_same_tables_and_rows(built: Any, build: int) -> None:
    theirs, ours, *_ = built[2][build]
    assert ours == theirs
    assert "main.growing BASE TABLE" in ours


@pytest.mark.slow
@pytest.mark.parametrize("build", [0, 1])
def test_run_results_say_the_same_of_each_node(built: Any, build: int) -> None:
    *_, theirs, ours, _ = built[2][build]
    assert ours.keys() == theirs.keys()
    for name in theirs:
        named = ("operation.", "model.shop.asks")  # these say which invocation they are part of
        own = {"compiled_code"} if name.startswith(named) else set()
        own |= {"message"} if theirs[name]["status"] in ("error", "skipped") else set()
        assert ours[name] | dict.fromkeys(own) == theirs[name] | dict.fromkeys(own), name


@pytest.mark.slow
def test_the_second_build_found_what_the_first_left(built: Any) -> None:
    ours = built[1]
    assert ours.rows("select distinct pass from main.growing") == [(1,)]
    assert ours.rows("select count(*) from main.slow0") == [(6,)]


@pytest.mark.slow
def test_a_node_sees_relations_that_the_other_process_made(built: Any) -> None:
    assert built[1].rows("select named, growing from main.asks") == [(1, 1)]


@pytest.mark.slow
def test_all_processes_are_one_invocation(built: Any) -> None:
    theirs, ours, _ = built
    audit = "select id, started, nodes, told from audit.runs order by started"
    rows = ours.rows(audit)
    assert len(rows) == 2
    assert [row[2:] for row in rows] == [row[2:] for row in theirs.rows(audit)]
    assert ours.rows("select id, started from main.asks") == [rows[-1][:2]]
    told = ours.artifact("run_results")
    assert told["metadata"]["invocation_id"] == rows[-1][0]


@pytest.mark.slow
def test_the_manifest_is_whole_and_holds_what_each_process_compiled(built: Any) -> None:
    read = [place.artifact("manifest") for place in built[:2]]
    theirs, ours = (
        {name: node.get("compiled_code") for name, node in manifest["nodes"].items()}
        for manifest in read
    )
    passing = ("model.shop.asks", "operation.")
    assert {k: v for k, v in ours.items() if not k.startswith(passing)} == {
        k: v for k, v in theirs.items() if not k.startswith(passing)
    }


@pytest.mark.slow
def test_nothing_is_left_open(built: Any) -> None:
    ours = built[1]
    assert ours.rows("select count(*) from pg_stat_activity where datname = 'ours'") == [(1,)]


@pytest.mark.slow
@pytest.mark.parametrize("killed", ["first", pytest.param("second", marks=pytest.mark.slow)])
def test_a_killed_process_is_made_up_for(killed: str, host: str, tmp_path: Path) -> None:
    place = Place(tmp_path, host, f"killed_{killed}", LONG)
    long, start = ("model.shop.a", "model.shop.b"), "dbt.on-run-start"
    with place.start(*OURS) as process:
        while place.rows(SLEEPING) != [(2,)] and process.poll() is None:
            time.sleep(0.1)
        while len(under_way := place.workers(*long, start)) < 3 and process.poll() is None:
            time.sleep(0.1)  # what a driver knows it writes down a little later
        assert len({under_way[key] for key in long}) == 2
        asked = place.rows("select count(*) from audit.runs")
        first = under_way[start]
        victim = first if killed == "first" else ({under_way[k] for k in long} - {first}).pop()
        os.kill(int(victim.rpartition(":")[2]), signal.SIGKILL)
        said, _ = process.communicate(timeout=120)
    assert (asked, process.returncode) == ([(1,)], 0), said
    results = place.results()
    assert {r["status"] for r in results.values()} == {"success"}
    assert {n for n in results if n.startswith("model.")} == {
        f"model.shop.{name}" for name in ("early", "a", "b", "late")
    }
    assert place.rows("select nodes, started is not null from audit.runs") == [(4, True)]
    assert place.rows("select id from main.late") == [(1,)]


@pytest.mark.slow
def test_a_cancelled_build_leaves_nothing_running_in_either_process(
    host: str, tmp_path: Path
) -> None:
    place = Place(tmp_path, host, "cancelled", LONG)
    with place.start(*OURS) as process:
        while place.rows(SLEEPING) != [(2,)] and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert place.rows(SLEEPING) == [(0,)]
    assert place.rows("select count(*) from pg_stat_activity where datname = 'cancelled'") == [(1,)]
    assert place.rows("select to_regclass('main.a'), to_regclass('main.late')") == [(None, None)]


@pytest.mark.slow
def test_a_deferred_build_reads_what_it_does_not_make(host: str, tmp_path: Path) -> None:
    made = Place(tmp_path / "made", host, "deferred", DEFERRED)
    code, said = made.run("dbt.cli.main", "build", "--profiles-dir", ".")
    assert code == 0, said
    made.rows("alter schema main rename to production", fetch=False)
    manifest = (tmp_path / "made" / "target" / "manifest.json").read_text()
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "manifest.json").write_text(
        manifest.replace('"main"', '"production"').replace('\\"main\\"', '\\"production\\"')
    )
    words = (
        "--state",
        str(tmp_path / "state"),
        "--defer",
        "--select",
        "above0",
        "above1",
        "above2",
    )
    code, said = made.run(*OURS, *words)
    assert code == 0, said
    assert len(set(made.workers().values())) == 2
    found = (
        "select table_name from information_schema.tables where table_schema = 'main' order by 1"
    )
    assert made.rows(found) == [("above0",), ("above1",), ("above2",)]
