"""SQL and Python tasks on DuckDB: what they do unseen is found, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator import Cache, DaskExecutor, Flow, InlineExecutor, ThreadsExecutor, context, task
from orchestrator.cli.terminal.progress import Progress
from orchestrator.cli.terminal.summary import report
from orchestrator.model.events import LogEmitted
from orchestrator.service.flow_modules import FlowModules
from orchestrator.service.project import Project
from orchestrator.service.running import retry_run
from tasks import DuckDBQuery, SqlTask
from tests.undeclared.conftest import RunIt, Write, kept

LOAD = "create schema if not exists raw; create table if not exists raw.orders as select 1 as id"
READS_ORDERS = "reads raw.orders, which load writes, and nothing orders the two"
EXECUTORS = {
    "inline": InlineExecutor,
    "threads": lambda: ThreadsExecutor(4),
    "dask": lambda: DaskExecutor(cluster_kwargs={"n_workers": 2, "threads_per_worker": 2}),
}


def load() -> Any:
    return SqlTask(LOAD, name="load")()


def python(body: Any, name: str = "peek", **declared: Any) -> Any:
    """A Python task that uses its connection."""

    def run(warehouse: Any) -> Any:
        body(warehouse)

    return task(name=name, warehouse="main", **declared)(run)()


def in_flow(*makers: Any) -> Flow:
    with Flow("f") as flow:
        for make in makers:
            make()
    return flow


# -- Python tasks that query -----------------------------------------------------------------

READERS = {
    "execute": lambda w: w.execute("select count(*) from raw.orders").fetchone(),
    "sql": lambda w: w.sql("from raw.orders").fetchall(),
    "query": lambda w: w.query("select * from raw.orders").df(),
    "table": lambda w: w.table("raw.orders").fetchall(),
    "cursor": lambda w: w.cursor().execute("from raw.orders").fetchall(),
    "use": lambda w: w.execute("use raw").execute("from orders").fetchall(),
    "script": lambda w: w.execute("create temp table t as from raw.orders; drop table t"),
    "named in a value": lambda w: w.execute("from query_table($t)", {"t": "raw.orders"}),
    "named in a variable": lambda w: [
        w.execute("set variable t = 'raw.orders'"),
        w.execute("from query_table(getvariable('t'))").fetchall(),
    ],
    "prepared": lambda w: [w.execute("prepare p as from raw.orders"), w.execute("execute p")],
    "through a temporary view": lambda w: [
        w.execute("create temp view v as from raw.orders"),
        w.execute("from v").fetchall(),
    ],
}


@pytest.mark.parametrize("reader", READERS)
def test_a_python_task_that_reads_unseen(run: RunIt, reader: str) -> None:
    found = run(in_flow(load, lambda: python(READERS[reader])), executor=InlineExecutor())
    if reader == "named in a value" and not found.state.is_successful():
        pytest.skip("this DuckDB takes no value for the name of a table")
    assert found.state.is_successful(), (found.tasks["peek"].detail or {}).get("traceback")
    assert found.all_found() == {"peek": [READS_ORDERS]}
    assert found.remedies("peek") == ['@task(reads=["raw.orders"])']


def test_the_place_and_the_statement_are_kept(run: RunIt) -> None:
    found = run(in_flow(load, lambda: python(READERS["execute"])), executor=InlineExecutor())
    (finding,) = found.tasks["peek"].detail["undeclared"]
    line = next(
        number
        for number, text in enumerate(Path(__file__).read_text().splitlines(), 1)
        if text.strip().startswith('"execute": lambda')
    )
    assert finding["place"] == f"{__file__}:{line}"
    assert finding["statement"] == "select count(*) from raw.orders"
    assert finding["tasks"] == ["load"]
    assert finding["kind"] == "read"
    warnings = [e for e in found.events if isinstance(e, LogEmitted) and e.level == "WARNING"]
    assert [(e.key, e.text) for e in warnings] == [
        ("peek", f'undeclared: {READS_ORDERS}; add @task(reads=["raw.orders"])')
    ]


@pytest.mark.parametrize("name", EXECUTORS)
def test_every_executor_finds_the_same(run: RunIt, name: str) -> None:
    def write_log(warehouse: Any) -> None:
        warehouse.execute("create or replace table main.log as select * from raw.orders")

    run(in_flow(load))
    flow = in_flow(load, lambda: python(write_log), lambda: SqlTask("select 1", name="idle")())
    found = run(flow, executor=EXECUTORS[name]())
    assert found.state.is_successful(), {k: t.detail for k, t in found.tasks.items()}
    assert found.all_found() == {"peek": [READS_ORDERS, "writes main.log, which was not derived"]}


def test_a_mapped_task_is_reported_once_and_kept_with_each_element(run: RunIt) -> None:
    @task(warehouse="main")
    def each(n: int, warehouse: Any) -> None:
        warehouse.execute(f"select {n} from raw.orders")

    with Flow("f") as flow:
        load()
        each.map([1, 2, 3])
    found = run(flow, executor=InlineExecutor())
    assert found.all_found() == {f"each[{n}]": [READS_ORDERS] for n in range(3)}
    warned = [
        e for e in found.events if isinstance(e, LogEmitted) and e.text.startswith("undeclared:")
    ]
    assert len(warned) == 1


# -- the connection in the hands of a user ---------------------------------------------------


def test_the_connection_is_as_duckdbs_own(run: RunIt) -> None:
    seen: dict[str, Any] = {}

    def use(w: Any) -> None:
        import duckdb
        import pandas

        frame = pandas.DataFrame({"n": [1, 2]})
        assert isinstance(w, duckdb.DuckDBPyConnection)
        assert w.execute("select 1") is w
        assert w.fetchall() == [(1,)]
        seen["frame in sql"] = w.sql("select sum(n) from frame").fetchall()
        seen["frame in execute"] = w.execute("select max(n) from frame").fetchall()
        seen["global"] = w.sql("from GLOBAL_FRAME").fetchall()
        w.register("bound", frame)
        seen["registered"] = w.execute("select count(*) from bound").fetchall()
        w.executemany("insert into kept values (?)", [[1], [2]])
        with w.cursor() as other:
            seen["cursor"] = other.execute("select count(*) from kept").fetchall()
        with pytest.warns(UserWarning, match="SQLAlchemy"):
            seen["pandas"] = pandas.read_sql("select count(*) as n from kept", w)["n"][0]
        seen["values"] = w.execute("select ?::int", [5]).fetchall()
        seen["relation"] = type(w.sql("select 1"))
        seen["unrecorded"] = duckdb.sql("select 3", connection=w.unrecorded).fetchall()
        with pytest.raises(duckdb.CatalogException):
            w.execute("from nowhere")
        assert seen["relation"] is duckdb.DuckDBPyRelation

    flow = in_flow(
        lambda: SqlTask("create table kept (n int)", name="make")(),
        lambda: python(use, reads=["kept"], writes=["kept"]),
    )
    found = run(flow, executor=InlineExecutor())
    assert found.state.is_successful(), (found.tasks["peek"].detail or {}).get("traceback")
    assert found.all_found() == {}
    assert seen["frame in sql"] == [(3,)]
    assert seen["frame in execute"] == [(2,)]
    assert seen["global"] == [(7,)]
    assert seen["registered"] == seen["cursor"] == [(2,)]
    assert seen["pandas"] == 2
    assert seen["values"] == [(5,)]
    assert seen["unrecorded"] == [(3,)]


def _global_frame() -> Any:
    import pandas

    return pandas.DataFrame({"n": [7]})


GLOBAL_FRAME = _global_frame()


# -- SQL tasks -------------------------------------------------------------------------------


def test_a_sql_task_that_reads_through_an_outside_view(run: RunIt, write: Write) -> None:
    run(in_flow(load, lambda: SqlTask("create view seen as from raw.orders", name="outside")()))
    write("sql/daily.sql", "-- a comment\ncreate or replace table daily as\nselect * from seen\n")
    flow = in_flow(load, lambda: SqlTask(path="sql/daily.sql")())
    found = run(flow)
    assert found.all_found() == {"daily": [READS_ORDERS]}
    (finding,) = found.tasks["daily"].detail["undeclared"]
    assert finding["place"] == "sql/daily.sql:3"
    assert (finding["add_to"], finding["add"]) == (
        "sql/daily.sql",
        "-- orchestrator: reads=raw.orders",
    )


HIDDEN = {
    "query_table": "set variable t = 'raw.orders'; create or replace table daily as "
    "from query_table(getvariable('t'))",
    "macro": "create or replace table daily as select * from orders_of()",
}


@pytest.mark.parametrize("how", HIDDEN)
def test_a_sql_task_whose_text_hides_what_it_reads(run: RunIt, how: str) -> None:
    macro = "create or replace macro orders_of() as table from raw.orders"
    run(in_flow(lambda: SqlTask(f"{LOAD}; {macro}", name="load")()))
    found = run(in_flow(load, lambda: SqlTask(HIDDEN[how], name="daily")()))
    assert found.state.is_successful(), found.tasks["daily"].detail
    assert found.all_found() == {"daily": [READS_ORDERS]}
    assert found.remedies("daily") == ['reads=["raw.orders"]']


def test_a_prepared_statement_is_derived_and_so_in_order(run: RunIt) -> None:
    made = "create or replace table daily (id int)"
    prepared = "prepare p as insert into daily from raw.orders; execute p"
    found = run(in_flow(load, lambda: SqlTask(f"{made}; {prepared}", name="daily")()))
    assert found.state.is_successful(), found.tasks["daily"].detail
    assert found.all_found() == {}


def test_a_query_given_at_run_time(run: RunIt) -> None:
    with Flow("f") as flow:
        load()
        DuckDBQuery(name="ask", fetch="all")("select * from raw.orders")
    found = run(flow)
    assert found.all_found() == {"ask": [READS_ORDERS]}
    assert found.remedies("ask") == ['reads=["raw.orders"]']


# -- what is no finding ----------------------------------------------------------------------


def test_an_order_through_a_third_task_is_enough(run: RunIt) -> None:
    with Flow("f") as flow:
        first = load()
        between = SqlTask("select 1", name="between")()
        between.set_upstream(first)
        python(READERS["execute"]).set_upstream(between)
    assert run(flow).all_found() == {}


def test_the_other_order_is_an_order(run: RunIt) -> None:
    run(in_flow(load))
    with Flow("f") as flow:
        first = python(READERS["execute"])
        load().set_upstream(first)
    assert run(flow).all_found() == {}


def test_temporary_and_passing_tables_are_none(run: RunIt) -> None:
    def work(w: Any) -> None:
        w.execute("create temp table t as select 1 as id")
        w.execute("insert into t values (2)")
        w.execute("create table temp.main.other as from t")
        w.execute("create table passing as from t")
        w.execute("alter table passing rename to renamed")
        w.execute("insert into kept from renamed")
        w.execute("drop table renamed")
        w.execute("select * from information_schema.tables, duckdb_tables()").fetchall()
        w.execute("select * from pg_catalog.pg_class").fetchall()

    flow = in_flow(
        lambda: SqlTask("create table if not exists kept (id int)", name="make")(),
        lambda: python(work, reads=["kept"], writes=["kept"]),
    )
    assert run(flow).all_found() == {}


def test_files_are_compared_by_the_place_they_are_at(run: RunIt, in_tmp: Path) -> None:
    def work(w: Any) -> None:
        w.execute(f"copy (select 1 as a) to '{in_tmp}/out.csv'")
        w.read_csv("out.csv").fetchall()
        w.execute("copy (select 1) to 'other.csv'")

    found = run(in_flow(lambda: python(work, writes=["./out.csv"])))
    assert found.all_found() == {"peek": ["writes other.csv, which was not derived"]}


# -- writes ----------------------------------------------------------------------------------


def test_a_write_that_others_read_or_write_says_so(run: RunIt) -> None:
    def work(w: Any) -> None:
        w.execute("insert into raw.orders values (5)")
        w.append("daily", __import__("pandas").DataFrame({"id": [1]}))

    run(in_flow(lambda: SqlTask(f"{LOAD}; create table daily (id int)", name="make")()))
    with Flow("f") as flow:
        first = load()
        reader = SqlTask("select * from daily", name="report")()
        python(work).set_upstream(first).set_upstream(reader)
    found = run(flow)
    assert found.found("peek") == [
        "writes daily, which was not derived; report reads it"
        if "writes daily," in found.found("peek")[0]
        else "writes main.daily, which was not derived; report reads it",
        "writes raw.orders, which was not derived; load writes it too",
    ]


# -- settings --------------------------------------------------------------------------------


def test_strict_fails_the_task_and_stops_what_is_below(run: RunIt) -> None:
    run(in_flow(load))
    with Flow("f") as flow:
        load()
        SqlTask("select 1", name="after")().set_upstream(python(READERS["execute"]))
    found = run(flow, check="strict")
    assert not found.state.is_successful()
    peek = found.tasks["peek"]
    assert (peek.state.value, peek.status) == ("Failed", "undeclared")
    assert peek.message == f"undeclared: {READS_ORDERS}"
    assert '@task(reads=["raw.orders"])' in peek.detail["error"]
    assert found.tasks["after"].state.value == "Skipped"
    assert peek.attempt == 1


@pytest.mark.parametrize("name", EXECUTORS)
def test_strict_is_the_same_on_every_executor(run: RunIt, name: str) -> None:
    run(in_flow(load))
    with Flow("f") as flow:
        load()
        SqlTask("select 1", name="after")().set_upstream(python(READERS["execute"]))
        SqlTask("select 1", name="aside")()
    found = run(flow, check="strict", executor=EXECUTORS[name]())
    assert {key: (task.state.value, task.status) for key, task in found.tasks.items()} == {
        "load": ("Success", None),
        "peek": ("Failed", "undeclared"),
        "after": ("Skipped", None),
        "aside": ("Success", None),
    }
    assert found.found("peek") == [READS_ORDERS]


def test_strict_leaves_no_result_for_later_runs(run: RunIt, in_tmp: Path) -> None:
    told = str(in_tmp / "told")

    @task(warehouse="main", cache=Cache())
    def count(warehouse: Any) -> int:
        with Path(told).open("a") as lines:
            lines.write("count ")
        return int(warehouse.execute("select count(*) from raw.orders").fetchone()[0])

    @task(warehouse="main", cache=Cache())
    def one(warehouse: Any) -> int:
        with Path(told).open("a") as lines:
            lines.write("one ")
        return int(warehouse.execute("select 1").fetchone()[0])

    run(in_flow(load))
    flow = in_flow(load, count, one)
    for again in (0, 1):
        found = run(flow, check="strict", executor=InlineExecutor())
        assert (found.tasks["count"].state.value, found.tasks["count"].status) == (
            "Failed",
            "undeclared",
        )
        assert found.tasks["one"].state.value == ("Cached" if again else "Success")
    assert sorted(Path(told).read_text().split()) == ["count", "count", "one"]
    assert "not kept: undeclared" in found.tasks["count"].detail["cache"]
    kept_files = [path.name for path in in_tmp.rglob("cache/results/f/count/*")]
    assert [name for name in kept_files if not name.startswith("last-")] == []


def test_what_could_not_be_looked_at_is_counted(run: RunIt) -> None:
    def work(w: Any) -> None:
        w.execute("copy from database shop to other")

    def opened(w: Any) -> None:
        w.execute("attach ':memory:' as other")
        work(w)
        w.execute("detach other")

    found = run(in_flow(lambda: python(opened)), executor=InlineExecutor())
    assert found.state.is_successful(), (found.tasks["peek"].detail or {}).get("traceback")
    assert found.tasks["peek"].detail["unchecked"] == 1
    progress = Progress()
    for event in found.events:
        progress.apply(event)
    lines = [line.plain for line in report(progress, 100)]
    assert "1 statement of 1 task not checked for what they read and write" in lines


def test_off_takes_nothing_down(run: RunIt) -> None:
    recorders: list[Any] = []

    def look(w: Any) -> None:
        import duckdb

        recorders.append(context.current().executed)
        assert type(w) is duckdb.DuckDBPyConnection
        w.execute("from raw.orders")

    found = run(in_flow(load, lambda: python(look)), check="off", executor=InlineExecutor())
    assert found.state.is_successful(), (found.tasks["peek"].detail or {}).get("traceback")
    assert recorders == [None]
    assert found.all_found() == {}


def test_what_a_failed_task_had_begun_to_write_is_not_reported(run: RunIt) -> None:
    def work(w: Any) -> None:
        w.execute("create table raw.orders__tmp as from raw.orders")
        raise ValueError("no")

    found = run(in_flow(load, lambda: python(work)), executor=InlineExecutor())
    assert found.found("peek") == [READS_ORDERS]


def test_a_retry_still_reports(run: RunIt, in_tmp: Path) -> None:
    mark = in_tmp / "mended"

    def work(w: Any) -> None:
        w.execute("from raw.orders")
        assert mark.exists()

    with Flow("f") as flow:
        load()
        python(work)
    broken = run(flow, executor=InlineExecutor())
    assert broken.found("peek") == [READS_ORDERS]  # also of a task that failed
    mark.touch()
    project = Project.find(in_tmp)
    project.modules = FlowModules({"f": flow}, {}, {})
    result = retry_run(project, broken.run.id, executor="inline")
    again = kept(project, result.run_id)
    assert again.state.is_successful()
    assert again.all_found() == {"peek": [READS_ORDERS]}


def test_secrets_are_masked_before_a_statement_is_cut(
    run: RunIt, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestrator import secrets

    monkeypatch.setenv("ORCHESTRATOR_SECRET_PASSWORD", "hunter2-hunter2-hunter2")

    def work(w: Any) -> None:
        password = secrets.get("PASSWORD") if hasattr(secrets, "get") else _secret()
        w.execute(f"select '{'x' * 70}', '{password}' from raw.orders")

    found = run(in_flow(load, lambda: python(work)), executor=InlineExecutor())
    assert found.all_found() == {"peek": [READS_ORDERS]}
    assert "hunter2" not in str(found.tasks["peek"].detail)


def _secret() -> str:
    from orchestrator.secrets import resolve

    return str(resolve("secret:PASSWORD"))
