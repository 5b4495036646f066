"""SqlTask on a real DuckDB: order, transactions, row counts, failures, cancelling."""

from __future__ import annotations

import logging
import pickle
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigurationError, FlowError, ParameterError, ProjectError
from orchestrator.model.context import RunContext, entered
from orchestrator.model.planning import Planning
from orchestrator.model.signals import FAIL
from tasks.sql.task import SqlTask

Planned = Callable[..., Planning]
Query = Callable[[str], list[Any]]
Write = Callable[[str, str], Path]


def failed(task: SqlTask, warehouse: Any = None, **inputs: Any) -> FAIL:
    with pytest.raises(FAIL) as raised:
        task.run(warehouse=warehouse, **inputs)
    return raised.value


def test_statements_run_in_order_on_one_connection(warehouse: Any, query: Query) -> None:
    script = """
        create temporary table picked as select * from range(5) as r (n);
        create table kept as select n from picked where n > 1;
        insert into kept values (10), (11);
        update kept set n = n + 1 where n > 10;
        delete from kept where n = 12;
    """
    result = SqlTask(script).run(warehouse=warehouse)
    assert query("select * from kept order by n") == [(2,), (3,), (4,), (10,)]
    assert result.rows == 3 + 2 + 1  # neither the temporary table nor what was deleted
    assert result.message == "5 statements, 6 rows written"


def test_without_counts_there_are_no_rows(warehouse: Any) -> None:
    result = SqlTask("create view v as select 1 as a; select * from v").run(warehouse=warehouse)
    assert result.rows is None
    assert result.value is None


def test_a_script_of_comments_only_does_nothing(warehouse: Any) -> None:
    assert SqlTask("-- nothing yet\n").run(warehouse=warehouse).message == "0 statements"


def test_a_failing_third_statement_leaves_nothing(warehouse: Any, query: Query) -> None:
    query("create table sums (n int)")
    query("insert into sums values (1)")
    script = """
        create table fresh as select 1 as a;
        insert into sums values (2);
        insert into sums select b from fresh;
    """
    error = failed(SqlTask(script), warehouse)
    assert '"b" not found' in error.message
    assert query("select table_name from duckdb_tables()") == [("sums",)]
    assert query("from sums") == [(1,)]


def test_a_file_can_do_without_the_transaction(
    warehouse: Any, planning: Planned, query: Query, write: Write
) -> None:
    write(
        "sql/two.sql", "-- orchestrator: transaction=off\ncreate table a as select 1;\nselect no;"
    )
    task = SqlTask(path="sql/two.sql")
    task.facts("two", planning())
    failed(task)
    assert query("select table_name from duckdb_tables()") == [("a",)]


def test_a_script_with_its_own_transaction_keeps_it(warehouse: Any, query: Query) -> None:
    script = (
        "begin; create table a as select 1; commit; begin; create table b as select 1; select no"
    )
    failed(SqlTask(script), warehouse)
    assert query("select table_name from duckdb_tables()") == [("a",)]


def test_scripts_that_make_sure_of_one_schema_run_at_once(warehouse: Any, query: Query) -> None:
    """In one transaction with the rest, ``create schema`` would stop all but one of them."""
    errors: list[BaseException] = []
    together = threading.Barrier(6)

    def run(number: int) -> None:
        script = f"create schema if not exists ops; create table ops.t{number} as from range(100000); select 1"
        try:
            together.wait()
            SqlTask(script).run(warehouse=warehouse)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(6)]
    with warehouse.connect():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert query("select count(*) from duckdb_tables() where schema_name = 'ops'") == [(6,)]


def test_a_script_is_run_again_when_another_transaction_was_in_the_way(
    warehouse: Any, query: Query
) -> None:
    query("create table counter as select 0 as n")
    with warehouse.connect() as other:
        other.execute("begin")
        other.execute("update counter set n = n + 1")
        commit = threading.Timer(0.5, lambda: other.execute("commit"))
        commit.start()
        SqlTask("create table mark as select 1; update counter set n = n + 10").run(
            warehouse=warehouse
        )
        commit.join()
    assert query("from counter") == [(11,)]


def test_each_statement_is_logged_with_its_line_time_and_rows(
    warehouse: Any, planning: Planned, write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    write(
        "sql/daily.sql",
        "\n-- first\ncreate table a as select 1;\n\ninsert into a values (2), (3);\n",
    )
    task = SqlTask(path="sql/daily.sql")
    task.facts("daily", planning())
    task.run()
    said = [r.getMessage() for r in caplog.records if "sql/daily.sql" in r.getMessage()]
    assert [line.split(" s")[0][:-5] for line in said] == ["sql/daily.sql:3 CREATE:", "sql/daily.sql:5 INSERT:"]  # fmt: skip
    assert said[1].endswith("s, 2 rows")


@pytest.mark.parametrize(
    ("script", "line", "message"),
    [
        ("create table a as select 1;\n\n-- why\ninsert into a\nselect nope\nfrom a;\n", 5, "nope"),
        ("select 1;\n\n\nselect 'x'::int;\n", 4, "Could not convert string 'x'"),
        (
            "select 1;\nselect 2;\n  -- c\n  insert into\n  missing values (1)",
            5,
            "missing does not exist",
        ),
        ("create table a as select 1;\nselec 2;\n", 2, "syntax error"),
        ("-- select nope;\n\nselect 1;\nselect nope;", 4, "nope"),
    ],
)
def test_a_failure_names_the_line_of_the_file(
    planning: Planned, write: Write, query: Query, script: str, line: int, message: str
) -> None:
    write("sql/bad.sql", script)
    task = SqlTask(path="sql/bad.sql")
    task.facts("bad", planning())
    error = failed(task)
    assert message in error.message
    assert "\n" not in error.message
    assert error.detail["error_line"] == line
    assert error.detail["path"] == f"sql/bad.sql:{line}"
    first = error.detail["start_line"]
    shown = error.detail["sql"].split("\n")
    assert shown[line - first] == script.split("\n")[line - 1]
    assert query("from duckdb_tables()") == []
    assert pickle.loads(pickle.dumps(error)).detail == error.detail


def test_a_failure_in_a_template_names_the_templates_line(planning: Planned, write: Write) -> None:
    write(
        "sql/loop.sql",
        "{% for n in range(3) %}\ncreate table t{{ n }} as select {{ n }};\n{% endfor %}\nselect nope;\n",
    )
    task = SqlTask(path="sql/loop.sql")
    task.facts("loop", planning())
    assert failed(task).detail["path"] == "sql/loop.sql:4"


def test_values_are_bound_by_name(warehouse: Any, query: Query) -> None:
    task = SqlTask(
        "create table t as select $name as name; insert into t select $other where $n > 1"
    )
    hostile = "'); drop table t; --"
    task.run(data={"name": hostile, "other": "b", "n": 2}, warehouse=warehouse)
    assert query("from t") == [(hostile,), ("b",)]


def test_values_by_position_fit_one_statement(warehouse: Any, query: Query) -> None:
    SqlTask("create table t (a int); insert into t values (?)").run(data=[7], warehouse=warehouse)
    assert query("from t") == [(7,)]
    with pytest.raises(FlowError, match="by position"):
        SqlTask("select ?; select ?").run(data=[1], warehouse=warehouse)


def test_a_misspelt_value_is_an_error(warehouse: Any) -> None:
    with pytest.raises(ParameterError, match="'mnth'") as raised:
        SqlTask("select $month").run(data={"mnth": 1}, warehouse=warehouse)
    assert raised.value.fix == "did you mean 'month'?"
    assert "month" in failed(SqlTask("select $month"), warehouse).message


def test_a_cancelled_attempt_interrupts_its_statement(warehouse: Any, query: Query) -> None:
    running = RunContext("run-1", "nightly", "task")
    threading.Timer(0.3, running.cancelled.set).start()
    script = "create table half as select 1; create table all_of_it as select count(*) from range(10000000000000) a"  # fmt: skip
    with entered(running):
        error = failed(SqlTask(script), warehouse)
    assert error.status == "cancelled"
    assert query("from duckdb_tables()") == []


def test_a_connection_of_a_cancelled_python_task_is_interrupted_too(warehouse: Any) -> None:
    import duckdb

    running = RunContext("run-1", "nightly", "task")
    threading.Timer(0.3, running.cancelled.set).start()
    with (
        entered(running),
        warehouse.connect() as connection,
        pytest.raises(duckdb.InterruptException),
    ):
        connection.execute("select count(*) from range(10000000000000) t (a) where a % 7 = 1")


def test_nothing_interrupts_a_connection_after_its_task(warehouse: Any) -> None:
    running = RunContext("run-1", "nightly", "task")
    with entered(running), warehouse.connect():
        running.cancelled.set()
    time.sleep(0.5)
    assert [t.name for t in threading.enumerate() if t.name == "interrupts"] == []
    with warehouse.connect() as connection:
        assert connection.execute("select sum(a) from range(10000000) t (a)").fetchone()


def test_an_open_connection_is_used_as_it_is(warehouse: Any, planning: Planned) -> None:
    task = SqlTask("create table t as select * from mine", warehouse="local")
    task.facts("t", planning())
    with warehouse.connect() as connection:
        connection.execute("create temporary table mine as select 1 as a")
        assert task.run(warehouse=connection).rows == 1


def test_a_planned_task_can_be_sent_to_a_worker(
    planning: Planned, write: Write, query: Query
) -> None:
    path = write("sql/t.sql", "create table t as select 1")
    task = SqlTask(path="sql/t.sql")
    task.facts("t", planning())
    sent = pickle.dumps(task)
    path.unlink()  # the worker need not see the file
    assert pickle.loads(sent).run().rows == 1
    assert query("from t") == [(1,)]


def test_what_is_wrong_with_the_task_itself(planning: Planned, write: Write) -> None:
    with pytest.raises(FlowError, match="needs its SQL once"):
        SqlTask()
    with pytest.raises(FlowError, match="needs its SQL once"):
        SqlTask("select 1", path="a.sql")
    with pytest.raises(ConfigurationError, match="no warehouse to run on"):
        SqlTask("select 1").run()
    with pytest.raises(ProjectError, match=r"sql/none.sql cannot be read: No such file"):
        SqlTask(path="sql/none.sql").facts("none", planning())
    write("sql/latin.sql", "").write_bytes(b"select '\xe9'")
    with pytest.raises(ProjectError, match="not UTF-8"):
        SqlTask(path="sql/latin.sql").facts("latin", planning())
