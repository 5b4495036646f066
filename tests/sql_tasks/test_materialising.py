"""Tables, views and increments of a bare SELECT, on each database."""

from __future__ import annotations

import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import FlowError
from orchestrator.model.context import RunContext, entered
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from tasks.sql.task import SqlTask
from tests.sql_tasks.databases import Database

GROWING = """-- orchestrator: materialized=incremental, unique_key=id
select id, amount from orders
{% if is_incremental() %}where id >= (select max(id) from {{ this }}){% endif %}
"""


def failed(database: Database, sql: str, **options: Any) -> FAIL:
    with pytest.raises(FAIL) as raised:
        database.made(sql, **options)
    return raised.value


# -- tables and views --------------------------------------------------------------------------


def test_a_table_is_made_and_made_anew(database: Database) -> None:
    said = "-- orchestrator: materialized=table\n"
    first = database.made(said + "select 1 as n union all select 2; -- the end\n")
    assert first.rows in (2, None)  # not every database counts what a table is made of
    assert "daily" in first.message.lower()
    assert first.detail["made"] == "table"
    assert database.rows("select n from daily") == [(1,), (2,)]
    database.made(said + "select 'x' as word, 3 as n")
    assert database.rows("select word, n from daily") == [("x", 3)]


def test_a_view_is_made_and_made_anew(database: Database) -> None:
    said = "-- orchestrator: materialized=view\n"
    database.made(said + "select 1 as n")
    database.made(said + "select 2 as m, 3 as o")
    assert database.rows("select m, o from daily") == [(2, 3)]


def test_a_table_takes_the_place_of_a_view_and_a_view_that_of_a_table(database: Database) -> None:
    for kind in ("view", "table", "view", "incremental"):
        database.made(f"-- orchestrator: materialized={kind}\nselect '{kind}' as kind")
        assert database.rows("select kind from daily") == [(kind,)]


def test_it_stands_where_the_file_says(database: Database) -> None:
    schema = "mart_" + Path(database.root).name[-4:].replace("-", "_")
    task = database.task(
        f"-- orchestrator: materialized=table, table={schema}.daily_totals\nselect 1 as n"
    )
    facts = task.facts("daily", database.planning())
    (written,) = facts.writes
    assert str(written.dataset).lower().endswith(f"{schema}.daily_totals".lower())
    assert str(written.evidence).startswith("sql/daily.sql:1 writes ")
    for _ in range(2):
        task.run()
    assert database.rows(f"select n from {schema}.daily_totals") == [(1,)]
    if database.dialect == "postgres":  # it lies in no schema that the tests drop
        database.run(f"drop schema {schema} cascade")


def test_a_table_that_cannot_be_made_leaves_the_old_one(database: Database) -> None:
    database.made("-- orchestrator: materialized=table\nselect 1 as n")
    error = failed(database, "-- orchestrator: materialized=table\n\nselect 1 as n,\n  nope as m")
    assert "nope" in error.message.lower()
    assert "statement" not in error.message
    if database.dialect != "snowflake":  # which tells no line for this
        assert error.detail["path"] == "sql/daily.sql:4"
    assert database.rows("select n from daily") == [(1,)]


def test_readers_never_see_half_a_table(database: Database) -> None:
    said = "-- orchestrator: materialized=table\nselect {0} as n from (values {1}) as v (i)"
    values = ", ".join(f"({i})" for i in range(50))
    database.made(said.format(0, values))
    seen: set[tuple[int, int]] = set()
    stop = threading.Event()
    problems: list[BaseException] = []

    def read() -> None:
        try:
            while not stop.is_set():
                seen.update(database.run("select count(*), count(distinct n) from daily"))
        except BaseException as error:
            problems.append(error)

    reader = threading.Thread(target=read)
    with database.warehouse.connect():
        reader.start()
        for number in range(1, 15):
            database.made(said.format(number, values))
        stop.set()
        reader.join()
    assert not problems
    assert seen == {(50, 1)}


def test_a_table_that_views_stand_on_is_made_anew(database: Database) -> None:
    said = "-- orchestrator: materialized=table\n"
    database.made(said + "select 1 as n, 'a' as word")
    database.run("create view over_it as select n + 1 as more from daily")
    database.made(said + "select 'b' as word, 5 as n")
    assert database.rows("select more from over_it") == [(6,)]
    assert database.rows("select word, n from daily") == [("b", 5)]


# -- increments --------------------------------------------------------------------------------


def orders(database: Database, *rows: tuple[int, int]) -> None:
    values = ", ".join(map(str, rows))
    database.run(f"create or replace table orders as select * from (values {values}) as v (id, amount)"
                 if database.dialect != "postgres" else
                 f"drop table if exists orders; create table orders as select * from (values {values}) as v (id, amount)")  # fmt: skip


def test_an_increment_is_made_once_and_then_added_to(database: Database) -> None:
    orders(database, (1, 10), (2, 20))
    assert database.made(GROWING).detail["made"] == "table"
    orders(database, (1, 99), (2, 21), (3, 30))
    result = database.made(GROWING)
    assert result.detail["made"] == "increment"
    assert result.rows == 2
    assert database.rows("select id, amount from daily") == [(1, 10), (2, 21), (3, 30)]


def test_a_full_refresh_makes_it_anew(database: Database) -> None:
    orders(database, (1, 10))
    database.made(GROWING)
    orders(database, (1, 99))
    database.made(GROWING, full_refresh=True)
    assert database.rows("select id, amount from daily") == [(1, 99)]


def test_a_key_of_several_columns(database: Database) -> None:
    said = "-- orchestrator: materialized=incremental, unique_key=day shop\n"
    one = "select 1 as day, 'a' as shop, 10 as n union all select 1, 'b', 20"
    database.made(said + one)
    database.made(said + "select 1 as day, 'b' as shop, 21 as n union all select 2, 'a', 30")
    assert database.rows("select day, shop, n from daily") == [(1, "a", 10), (1, "b", 21), (2, "a", 30)]  # fmt: skip


def test_without_a_key_rows_are_added_by_name(database: Database) -> None:
    said = "-- orchestrator: materialized=incremental\n"
    database.made(said + "select 1 as n, 'a' as word")
    database.made(said + "select 'b' as word, 2 as n")
    database.made(said + "select 3 as n")
    assert {row[:2] for row in database.run("select n, word from daily")} == {
        (1, "a"), (2, "b"), (3, None),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("further", "said"),
    [
        (
            "select * from (select 1 as other) as q",
            "the column id in unique_key and not in the query",
        ),
        ("select 1 as id, 2 as fresh", "the column fresh in the query and not in"),
        ("select cast(null as integer) as id", "have no id, which is the unique_key"),
        ("select 1 as id union all select 1", "the unique_key id more than once"),
    ],
)
def test_rows_that_do_not_fit_change_nothing(database: Database, further: str, said: str) -> None:
    front = "-- orchestrator: materialized=incremental, unique_key=id\n"
    database.made(front + "select 1 as id, 5 as other")
    error = failed(database, front + further)
    assert said.lower() in error.message.lower().replace(" is in ", " in ")
    assert error.detail["path"] == "sql/daily.sql:1"
    assert database.rows("select id, other from daily") == [(1, 5)]
    database.made(front + "select 2 as id, 6 as other")  # nothing is in the way of the next run
    assert database.rows("select id, other from daily") == [(1, 5), (2, 6)]


def test_a_key_that_the_first_rows_lack(database: Database) -> None:
    error = failed(
        database,
        "-- orchestrator: materialized=incremental, unique_key=idd\nselect * from (select 1 as id) as q",
    )
    assert "idd" in error.message.lower()


@pytest.mark.parametrize(
    "query",
    [
        "select id, lower(word) from (select 1 as id, 'A' as word) as q",  # which the database names
        "with q as (select 1 as id) select * from q",
        "select 1 as ID union all select 2",
        'select 1 as "Id"',
        "select 1 as a union all by name select 2 as a, 3 as id",
        "select q.id[1] from (select [1] as id) as q",
    ],
)
def test_a_key_that_may_be_there_is_left_to_the_database(plan: Any, query: str) -> None:
    key = "lower" if "lower" in query else "id"
    plan(f"-- orchestrator: materialized=incremental, unique_key={key}\n{query}")


def test_a_key_that_only_the_run_can_tell_is_missing(database: Database) -> None:
    front = "-- orchestrator: materialized=incremental, unique_key=id\n"
    task = database.task(front + "select 1 as {% if parameters.wide %}day{% else %}id{% endif %}")
    with (
        entered(RunContext("run-1", "nightly", "daily", parameters={"wide": True})),
        pytest.raises(FlowError, match="unique_key names id, and the query has no such column"),
    ):
        task.run()


# -- what the plan knows -----------------------------------------------------------------------


def test_the_plan_knows_what_is_read_and_written(database: Database) -> None:
    task = database.task(GROWING)
    facts = task.facts("daily", database.planning())
    assert [str(a.dataset).lower().rpartition(".")[2] for a in facts.writes] == ["daily"]
    assert {str(a.dataset).lower().rpartition(".")[2] for a in facts.reads} == {"orders", "daily"}
    code = task.code(database.planning())
    assert code.target == facts.writes[0].dataset
    assert "is_incremental" not in code.text


def test_values_are_bound_in_a_table_too(database: Database) -> None:
    task = database.task("-- orchestrator: materialized=table\nselect $word as word")
    task.run(data={"word": "it's; --"})
    assert database.rows("select word from daily") == [("it's; --",)]


def test_a_planned_task_can_be_sent_to_a_worker(database: Database) -> None:
    orders(database, (1, 10))
    pickle.loads(pickle.dumps(database.task(GROWING))).run()
    assert database.rows("select id, amount from daily") == [(1, 10)]


@pytest.fixture
def plan(tmp_path: Path, planning: Any) -> Any:
    """Plans the task of a file on DuckDB."""

    def planned(sql: str, **options: Any) -> Any:
        (tmp_path / "x.sql").write_text(sql)
        made: Planning = planning(**options)
        return SqlTask(path="x.sql").facts("x", made)

    return planned


@pytest.mark.parametrize(
    ("sql", "what", "where"),
    [
        ("-- orchestrator: materialized=tabel\nselect 1", "did you mean 'table'?", "x.sql:1"),
        ("-- orchestrator: materialised=table\nselect 1", "cannot set 'materialised'", "x.sql:1"),
        ("-- orchestrator: materialized=table\n\ninsert into t\nselect 1", "this is an INSERT", "x.sql:3"),
        ("-- orchestrator: materialized=table\ncreate table a as select 1", "this is a CREATE AS", "x.sql:2"),
        ("-- orchestrator: materialized=view\nselect 1;\nselect 2", "here are 2 statements", "x.sql:3"),
        ("-- orchestrator: materialized=incremental, unique_key=idd\nselect 1 as id", "did you mean 'id'?", "x.sql:1"),
        ("-- orchestrator: materialized=view\n", "here is no statement", "x.sql:1"),
        ("select 1;\n-- orchestrator: table=x", "nothing says that it is", "x.sql"),
        ("-- orchestrator: unique_key=id\nselect 1 as id", "nothing says that it is", "x.sql:1"),
        ("-- orchestrator: materialized=table, unique_key=id\nselect 1 as id", "this is a table", "x.sql:1"),
        ("-- orchestrator: materialized=table, transaction=off\nselect 1", "does not go with", "x.sql:1"),
        ("-- orchestrator: materialized=table, table=a.b.c.d\nselect 1", "not a table name", "x.sql:1"),
        ("-- orchestrator: materialized=table, table=out/x.csv\nselect 1", "name of a file", "x.sql:1"),
        ("-- orchestrator: check=no_rows\nselect 1", "is a check", "x.sql:1"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_when_planned(plan: Any, sql: str, what: str, where: str) -> None:
    with pytest.raises(FlowError) as raised:
        plan(sql)
    assert what in str(raised.value)
    assert (raised.value.where or "").startswith(where)


def test_python_can_say_it_too(warehouse: Any, query: Any) -> None:
    task = SqlTask("select 1 as n", materialized="table", table="numbers", name="any name")
    task.run(warehouse=warehouse)
    assert query("from numbers") == [(1,)]
    with pytest.raises(FlowError, match="'tabel'") as raised:
        SqlTask("select 1", materialized="tabel")
    assert raised.value.fix == "did you mean 'table'?"


def test_a_query_task_makes_no_table(planning: Any) -> None:
    from tasks.duckdb.query import DuckDBQuery

    with pytest.raises(FlowError, match="makes no table of it"):
        DuckDBQuery("select 1", materialized="table", table="t").facts("q", planning())


def test_what_is_said_besides_can_be_selected(plan: Any) -> None:
    facts = plan(
        '-- orchestrator: materialized=view, owner=finance, description="orders, by day"\nselect 1 as n'
    )
    assert facts.config == {
        "description": "orders, by day", "owner": "finance", "materialized": "view",
    }  # fmt: skip
